package login

import "time"

// An Event is one decision, for the audit log, metrics and the service desk.
// It never holds a password, code, seed, State or full telephone number.
type Event struct {
	Time time.Time
	// Attempt is the reference that is also in the text of a Reject.
	Attempt string
	// Outcome is "accept", "reject", "ask" or "error" (could not decide); or
	// "left" when the client no longer waited for an answer, and "answered"
	// when the person answered elsewhere while no request waited: the next try,
	// or "enter" at the prompt, learns of it. "enrolled" comes before the
	// decision of an answer that has added a second factor. "shadow" for a copy
	// of one that another server answered: Detail says what this one would have
	// done. "export" is no sign-in: an administrator wrote tokens down.
	// "reminded" is beside one: she was sent a message about a date, or could not
	// be.
	Outcome string
	Reason  Reason
	// Detail is for the operator: the directory's sub-code, the failed
	// dependency.
	Detail string
	// User is the name as typed, shortened and hashed when nobody has it: it
	// may be a password in the wrong field.
	User      string
	AccountID string
	Client    string
	Station   string
	Rule      string
	// Method is the factor used or asked, never its number or code.
	Method string
	// Took is from the request to the answer, without the delay of refusals.
	Took time.Duration
	// Directory is how long the directory took of it.
	Directory time.Duration
	// Elsewhere is how long the person was being asked elsewhere: a telephone
	// rang, or a gateway took a message.
	Elsewhere time.Duration
	// Copies is how often the client had sent the same request again by then.
	Copies int
	// Gone is whether it had given up by then, as far as its copies tell.
	Gone bool
	// Foresight is what the rule will do once its date has come, or with a copy
	// of a sign-in; nil for one that is in force.
	Foresight *Foresight
	// Alarm is whether somebody should look at it now: a person has said that
	// a sign-in was not hers, two sign-ins of one person meet, or emergency mode
	// has let somebody in.
	Alarm bool
	// Emergency says for which clients emergency mode was on that has let
	// somebody in; empty for every other decision.
	Emergency string
}

// Log keys: the closed list of attribute names of this program's log lines.
const (
	KeyAttempt  = "attempt"
	KeyOutcome  = "outcome"
	KeyReason   = "reason"
	KeyDetail   = "detail"
	KeyUser     = "user"
	KeyAccount  = "account"
	KeyClient   = "client"
	KeyStation  = "station"
	KeyRule     = "rule"
	KeyMethod   = "method"
	KeyTook     = "took"
	KeyErr      = "err"
	KeyServer   = "server"
	KeyProvider = "provider"
	KeyAddress  = "address"
	KeyCount    = "count"
	KeyHint     = "hint"
	KeyPath     = "path"
	KeyStack    = "stack"
	KeyVersion  = "version"
	KeyKind     = "kind"
	KeyKey      = "key"
	KeyNumber   = "number" // masked
	KeyStatus   = "status"
	KeyBy       = "by" // who asked for it at this machine: a user id or name
	// KeyEmergency has the clients that emergency mode is on for.
	KeyEmergency = "emergency"
)
