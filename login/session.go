package login

import (
	"net/netip"
	"time"
)

// A SessionStatus is what a device says of a session (RFC 2866, section 5.1).
type SessionStatus string

// The statuses. On and Off are those of a whole device: it has no session any
// more. Other is one that nothing is done about.
const (
	SessionStart   SessionStatus = "start"
	SessionInterim SessionStatus = "interim"
	SessionStop    SessionStatus = "stop"
	SessionOn      SessionStatus = "on"
	SessionOff     SessionStatus = "off"
	SessionOther   SessionStatus = "other"
)

// CauseUserRequest is the Cause of a session that its person has ended herself,
// and did not lose (RFC 2866, section 5.10).
const CauseUserRequest = "user_request"

// A Session is one stay behind a device, as the device accounts for it. Texts
// are as they came, at most 253 octets, and may hold anything.
type Session struct {
	// Client is the name of the client, NAS the device behind it and From the
	// address that the device asks from.
	Client string
	NAS    string
	From   netip.Addr
	// ID is unique at the device; MultiID is shared by sessions that belong
	// together.
	ID      string
	MultiID string
	User    string
	// AccountID is whose sign-in began it, as far as that is known.
	AccountID string
	Station   string // where the person is
	Called    string
	Port      string
	Address   netip.Addr // what the person has got
	// Class is what the Access-Accept gave the device to tell again.
	Class [][]byte
	// Identity are the attributes that name the session to the device, encoded
	// (RFC 5176, section 3).
	Identity []byte

	// Started, Heard and Ended are when it began, was told of last, and ended;
	// the zero time for what has not been.
	Started, Heard, Ended time.Time
	// Cause is why it ended.
	Cause string
	// Lasted is how long the device says that the person has been connected.
	Lasted time.Duration
	// In and Out count octets from and to the person.
	In, Out uint64
}

// A SessionReport is one thing a device tells. Of the Session it has what the
// device has told; times are those of the report.
type SessionReport struct {
	Status SessionStatus
	// At is when it happened.
	At time.Time
	Session
}

// Active reports whether the session is under way at a time: it has not ended,
// and was told of less than stale ago.
func (s *Session) Active(at time.Time, stale time.Duration) bool {
	return s.Ended.IsZero() && at.Sub(s.Heard) < stale
}
