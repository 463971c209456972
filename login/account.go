package login

import (
	"cmp"
	"net/netip"
	"sync/atomic"
	"time"
)

// An Account is a person as the directory knows her.
type Account struct {
	// ID is the directory's own stable identifier (entryUUID, objectGUID,
	// nsUniqueId, ipaUniqueID). It keys every counter and enrollment: names
	// change, have spellings and twins.
	ID string
	// Name is the login name as the directory spells it.
	Name string
	// DN is the entry's distinguished name.
	DN string
	// Phones are telephone numbers as the directory spells them; the first is
	// the primary one.
	Phones []string
	// Mail is the e-mail address, if any.
	Mail string
	// Language is preferredLanguage (RFC 2798, section 2.7), if any.
	Language string
	// Groups are the distinguished names of the groups she is in, directly or
	// through other groups.
	Groups []string
	// Unverified is that nothing but the name typed says that there is such a
	// person. Until she has signed in once, her failures are counted in memory
	// alone.
	Unverified bool
	// Active is when the account was used last, or made when it never was, as
	// the directory tells it before this sign-in; the zero time when it tells
	// neither.
	Active time.Time
	// PasswordSet is what the directory tells of when the password was set last,
	// in whatever form: another text means that it was set since. Empty where it
	// tells nothing.
	PasswordSet string
	// Server is which of its servers the directory has this from; only the
	// directory understands it.
	Server uint8
}

// Via says how a login arrived and what its transport can do.
type Via struct {
	// Client is the name of the RADIUS client block, or "terminal".
	Client string
	// Group is what clients share that take over each other's sign-ins: two
	// concentrators of a cluster, a portal and its gateway. By itself a client
	// is a group of its own name.
	Group string
	// Source is where the request came from, the NAS's address and port. It
	// tells sign-ins apart where there is no Station.
	Source netip.AddrPort
	// Address is the address of the device that logs in; the zero value when
	// the client did not tell.
	Address netip.Addr
	// Station is the Calling-Station-Id (RFC 2865, section 5.31) as sent.
	Station string
	// CanAsk is whether the transport can put a question.
	CanAsk bool
	// Room is how many octets of a question the client shows; 0 for as many as
	// one Reply-Message holds.
	Room int32
	// Append is how a code may be appended to the password.
	Append Append
	// Shadow is whether this is a copy of a sign-in that another server
	// answers; see [Flow.Rehearse].
	Shadow Shadow
	// Patience is how long the client waits for an answer, from when it asked.
	Patience time.Duration
	// Sending is how the client sends the request, for Events; nil where nobody
	// knows.
	Sending *Sending
}

// A Sending is what a transport sees of a client while its request is decided.
type Sending struct {
	// Copies counts how often it has sent the same request again.
	Copies atomic.Int32
	// Gone is from when on, in Unix nanoseconds, it has given up, since one copy
	// more was due; 0 when that cannot be told.
	Gone atomic.Int64
}

// group is what belongs to the client.
func (v Via) group() string { return cmp.Or(v.Group, v.Client) }

// Append says how a code may be appended to the password, for clients that
// cannot show a question.
type Append string

const (
	// AppendOff takes the whole text as the password.
	AppendOff Append = ""
	// AppendComma splits "password,123456" at the last comma.
	AppendComma Append = "comma"
	// AppendDigits takes the last six digits as the code.
	AppendDigits Append = "digits"
)

// An Attempt is one thing typed: a name and a password, or the answer to a
// question.
type Attempt struct {
	User   string
	Secret Secret
	Via    Via
}

// User is an account with what it has enrolled; what a factor works on.
type User struct {
	Account    Account
	Enrollment Enrollment
	// Language is the language of texts for her, as a BCP 47 tag.
	Language string
	// Client is the name of the service she logs in to, for texts.
	Client string
	// Changed is whether the directory has, or had lately, telephone numbers of
	// hers that must not be used: who has none left is no newcomer.
	Changed bool
}
