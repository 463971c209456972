package login

import "errors"

// An Approver is answered elsewhere: by a key in a telephone call, a button in
// an app.
type Approver interface {
	Factor
	// Approve asks the person and returns at once: thousands may be waiting,
	// and a record costs less than a goroutine. done is called exactly once,
	// from any goroutine, with how it ended: nil when she approved;
	// [ErrDenied] or [ErrFraud] when she said no; a [*Refusal] when this method may not be used now (a limit, a
	// country); any other error when she could not be asked or did not answer
	// (busy, no answer, unreachable), and the Flow goes on to her next method.
	// stop ends the asking early, a ringing telephone falls silent; done is
	// called all the same, and stop may be called at any time and twice.
	Approve(a Approval, done func(error)) (stop func())
}

// An Approval is one thing a person is asked to approve.
type Approval struct {
	User   User
	Method Method
	// Attempt is the reference of the login, for logs.
	Attempt string
	// Station is where the device says it is (Calling-Station-Id), for the
	// person to recognise; may be empty.
	Station string
	// Match are digits shown at the prompt that must be keyed before the key
	// that approves; empty when the client can show none (SP 800-63B, section
	// 3.1.3.2: an approval that only needs a key can be tricked out of people).
	Match string
	// PIN is whether the person's own PIN must be keyed first.
	PIN bool
}

var (
	// ErrDenied is an approval that was refused: she hung up or pressed no.
	ErrDenied = errors.New("the person said no")
	// ErrFraud is an approval that was refused as not hers.
	ErrFraud = errors.New("the person reported that the sign-in is not hers")
	// ErrNotAsked is in the chain of an error that says that certainly nothing
	// reached the person: it does not count as a call.
	ErrNotAsked = errors.New("nothing reached the person")
)
