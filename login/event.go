package login

import "time"

// An Event is one decision, for the audit log, metrics and the service desk.
// It never holds a password, code, seed, State or full telephone number.
type Event struct {
	Time time.Time
	// Attempt is the reference that is also in the text of a Reject.
	Attempt string
	// Outcome is "accept", "reject", "ask" or "error" (could not decide).
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
	Took   time.Duration
	// Alarm is whether somebody should look at it now: a person has said that
	// a sign-in was not hers, or two sign-ins of one person meet.
	Alarm bool
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
)
