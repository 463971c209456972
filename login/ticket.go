package login

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"hash/fnv"
	"slices"
	"strings"
	"time"
)

// questionFor is how long a question may be answered; SP 800-63B, section
// 3.1.3.2 allows ten minutes for a code that was sent.
const questionFor = 5 * time.Minute

// maxTries is how often one dialogue may be answered wrongly (RFC 4226,
// section 7.3); the account's own counter goes on across dialogues.
const maxTries = 3

// maxRounds ends a dialogue that only changes methods.
const maxRounds = 12

// A question is what a ticket holds. The account's name and the client are not
// in it: they are its context, so that it opens for no other user and no other
// client.
type question struct {
	nonce   [8]byte // one-time use is recorded under it
	issued  time.Time
	tries   int
	rounds  int
	attempt [5]byte
	menu    uint16 // of the choices offered, so that "2" keeps its meaning
	account string
	method  string
	memo    []byte
	// approval is whether the method is answered elsewhere; the memo is the id
	// of the claim then, and the digits to be keyed.
	approval bool
	topic    topic // what it is about
	// password is what remembers it, see checkOf.
	password uint16
	kept     []byte // see Keeper
	granted  bool   // something is in the record of grants
	// change is how far the change of an expired password has come, and key
	// opens what is kept of it.
	change changeStage
	key    [changeKeySize]byte
}

// Versions of tickets. Only one that keeps something, or changes a password, has
// a fourth part, and only one that was granted something says so, so that all
// others are read by nodes that do not know of it.
const (
	ticketVersion        = 3
	ticketVersionKept    = 4
	ticketVersionGranted = 5
	ticketVersionChange  = 6
)

// maxAccountID is the longest account id that fits a ticket with everything
// else at its longest.
const maxAccountID = 80

var errTicket = errors.New("login: not a ticket of ours")

func ticketContext(user, client string) string {
	return "ticket\x00" + client + "\x00" + strings.ToLower(user)
}

func (q *question) seal(s Sealer, user, client string) (Ticket, error) {
	if len(q.account) > maxAccountID || len(q.method) > 40 || len(q.memo) > MaxMemo || len(q.kept) > MaxKept {
		return nil, errors.New("question does not fit a ticket")
	}
	version, fourth := byte(ticketVersion), q.kept
	switch {
	case q.change != changeNone:
		// Who sent only a proof of her password changes none.
		version, fourth = ticketVersionChange, append([]byte{byte(q.change)}, q.key[:]...)
	case q.granted:
		version = ticketVersionGranted
	case len(q.kept) > 0:
		version = ticketVersionKept
	}
	b := make([]byte, 0, 224)
	b = append(b, version)
	b = append(b, q.nonce[:]...)
	b = binary.BigEndian.AppendUint64(b, uint64(q.issued.Unix()))                   //nolint:gosec // the bits of the time, read back below
	b = append(b, byte(q.tries), byte(q.rounds), flag(q.approval)|byte(q.topic)<<1) //nolint:gosec // bounded by maxTries and maxRounds
	b = append(b, q.attempt[:]...)
	b = binary.BigEndian.AppendUint16(b, q.menu)
	b = binary.BigEndian.AppendUint16(b, q.password)
	b = appendPart(appendPart(appendPart(b, q.account), q.method), q.memo) // bounded at the top
	if version != ticketVersion {
		b = appendPart(b, fourth)
	}
	sealed, err := s.Seal(ticketContext(user, client), b)
	if err != nil {
		return nil, err
	}
	if len(sealed) >= MaxTicket {
		return nil, errors.New("ticket is longer than a State attribute")
	}
	return withoutZero(sealed), nil
}

// withoutZero turns up to 254 octets into one more, none of which is 0: ocserv
// keeps State as a C string and sends back what is before the first 0. A number
// that is not among the octets stands first and is added to all by XOR, so that
// none of them becomes 0.
func withoutZero(b []byte) []byte {
	var among [256]bool
	among[0] = true
	for _, o := range b {
		among[o] = true
	}
	mask := byte(slices.Index(among[:], false)) //nolint:gosec // below 256
	out := make([]byte, 1, 1+len(b))
	out[0] = mask
	return xored(out, b, mask)
}

// xored appends b with the mask added to each octet.
func xored(to, b []byte, mask byte) []byte {
	for _, o := range b {
		to = append(to, o^mask)
	}
	return to
}

func openTicket(s Sealer, t Ticket, user, client string) (*question, error) {
	if len(t) == 0 || len(t) > MaxTicket {
		return nil, errTicket
	}
	b, err := s.Open(ticketContext(user, client), xored(make([]byte, 0, MaxTicket), t[1:], t[0]))
	if err != nil {
		return nil, errTicket
	}
	return parseQuestion(b)
}

func parseQuestion(b []byte) (*question, error) {
	const fixed = 1 + 8 + 8 + 3 + 5 + 2 + 2
	if len(b) < fixed || b[0] < ticketVersion || b[0] > ticketVersionChange {
		return nil, errTicket
	}
	version := b[0]
	q := &question{
		issued: time.Unix(int64(binary.BigEndian.Uint64(b[9:])), 0), //nolint:gosec // as written by seal
		tries:  int(b[17]), rounds: int(b[18]),
		approval: b[19]&1 != 0, topic: topic(b[19] >> 1), menu: binary.BigEndian.Uint16(b[25:]), password: binary.BigEndian.Uint16(b[27:]),
	}
	copy(q.nonce[:], b[1:9])
	copy(q.attempt[:], b[20:25])
	n := 3
	if version != ticketVersion {
		n = 4
	}
	all := b
	b = b[fixed:]
	var parts [4][]byte
	for i := range n {
		var ok bool
		if parts[i], b, ok = cutPart(b); !ok {
			return nil, errTicket
		}
	}
	if len(b) != 0 {
		return nil, errTicket
	}
	both := string(all[fixed : fixed+2+len(parts[0])+len(parts[1])])
	q.account, q.method = both[1:1+len(parts[0])], both[2+len(parts[0]):]
	if len(parts[2]) > 0 {
		q.memo = parts[2]
	}
	switch {
	case version == ticketVersionKept && len(parts[3]) == 0:
		return nil, errTicket // would be written as the other version
	case version == ticketVersionChange:
		if len(parts[3]) != 1+changeKeySize || parts[3][0] == byte(changeNone) || parts[3][0] > byte(changeApart) {
			return nil, errTicket
		}
		q.change = changeStage(parts[3][0])
		copy(q.key[:], parts[3][1:])
	case len(parts[3]) > 0:
		q.kept = parts[3]
	}
	q.granted = version == ticketVersionGranted
	if q.approval && len(q.memo) < len(claim{}.id) || q.topic > lastTopic {
		return nil, errTicket
	}
	return q, nil
}

// claim is the id of the claim that a question of an approval is about, and the
// digits to be keyed.
func (q *question) claim() (id [8]byte, match string) {
	if q.approval {
		match = string(q.memo[copy(id[:], q.memo):])
	}
	return id, match
}

// fresh returns the question with a new nonce, to be asked again.
func (q *question) fresh(now time.Time) *question {
	n := *q
	rand.Read(n.nonce[:])
	n.issued = now
	n.rounds++
	return &n
}

// expired reports whether the question can no longer be answered. A ticket
// from the future means that a clock jumped: it is not trusted either.
func (q *question) expired(now time.Time) bool {
	age := now.Sub(q.issued)
	return age > questionFor || age < -time.Minute
}

const crockford = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

// NewReference returns a random reference, for an event that is no sign-in.
func NewReference() string {
	var id [5]byte
	rand.Read(id[:])
	return reference(id)
}

// reference is the attempt id as people read it to the service desk: eight
// characters of Crockford's base 32.
func reference(id [5]byte) string {
	v := uint64(id[0])<<32 | uint64(id[1])<<24 | uint64(id[2])<<16 | uint64(id[3])<<8 | uint64(id[4])
	var s [9]byte
	for i, at := 0, 35; i < 9; i++ {
		if i == 4 {
			s[i] = '-'
			continue
		}
		s[i] = crockford[v>>at&31]
		at -= 5
	}
	return string(s[:])
}

func menuSum(ms []Method) uint16 {
	h := fnv.New32a()
	for _, m := range ms {
		_, _ = h.Write([]byte(m.ID))
		_, _ = h.Write([]byte{0})
	}
	s := h.Sum32()
	return uint16(s>>16) ^ uint16(s) //nolint:gosec // folded on purpose
}
