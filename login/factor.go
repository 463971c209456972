package login

import "context"

// A Factor proves one thing and knows no transport. Every factor is also a
// [Prompter].
type Factor interface {
	// Name is the factor's name in the configuration: "totp", "sms",
	// "recovery", "bypass".
	Name() string
	// Methods are the ways this user can use the factor now: one a token, one
	// a telephone. None when she has not enrolled. It does no I/O.
	Methods(u User) []Method
}

// A Method is one way a person can prove something: her app, the SMS to one of
// her telephones.
type Method struct {
	// ID names the method among those of the account, at most 40 octets: the
	// factor's name, and behind a slash what tells its methods apart
	// ("totp/<credential id>", "sms/<short hash of the number>").
	ID string
	// Factor is the Factor's Name.
	Factor string
	// Hint tells the person which one is meant: a masked number ("••42"), a
	// label; may be empty.
	Hint string
	// Quiet methods are answered when typed but never offered: recovery and
	// bypass codes.
	Quiet bool
	// Standing methods can be answered without having been asked: a token has
	// its code all the time, an SMS only once it was sent.
	Standing bool
}

// A Prompter is answered where the user is logging in, with a code.
type Prompter interface {
	Factor
	// Prompt gets the method ready to be answered: an SMS is sent, a token
	// needs nothing. The memo comes back with Check; it is sealed in the
	// ticket, at most [MaxMemo] octets. An error that wraps a [*Refusal] means
	// this method cannot be used by this user now (a limit, a number in a
	// country not allowed); any other error that it could not be tried; with
	// both the Flow goes on to the next method.
	Prompt(ctx context.Context, u User, m Method) (memo []byte, err error)
	// Check decides whether the answer proves the method. nil means proven,
	// and that the answer can never be used again: what makes that true is
	// durable. A [*Refusal] with [ReasonWrongCode] or [ReasonUsedCode] means
	// no, and one with [ReasonNotDelivered] also that no right answer will
	// come, so that the Flow asks by another method; any other error "could not decide". memo is nil when a standing
	// method was not asked. Implementations compare with answer.Is, so that
	// codes work with transports that carry only a proof.
	Check(ctx context.Context, u User, m Method, memo []byte, answer Secret) error
}

// A Resender is a Prompter whose question can be put once more as it was: a
// code that was sent is sent again, so that of two messages that cross both
// are good. Tries are counted by the dialogue and go on.
type Resender interface {
	Prompter
	// Resend is Prompt for the method that was asked last, whose memo it gets.
	// The memo that it returns takes that one's place.
	Resend(ctx context.Context, u User, m Method, memo []byte) (next []byte, err error)
}

// An Excluder does not use all that the directory has for a person.
type Excluder interface {
	Factor
	// Excluded says what of it the factor does not use and why, or that there is
	// nothing; for an operator, with no whole number in it.
	Excluded(u User) []string
}

// MaxMemo is the most a factor may want to remember between question and
// answer: State has 253 octets in all (RFC 2865, section 5.24).
const MaxMemo = 48
