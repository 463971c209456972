package login

import (
	"context"
	"crypto/sha256"
	"errors"
	"time"
)

// How long a claim is remembered, by how it ended.
const (
	// approvalFor is how long one telephone or app may take to answer.
	approvalFor = 2 * time.Minute
	// leaseGrace is how much longer a claim lives than what it began, for a
	// node that is slow to write the end.
	leaseGrace = 10 * time.Second
	// lateFor is how long an approval that came after the client had gone
	// waits for its next try.
	lateFor = time.Minute
	// lostFor is how long an approval that admitted somebody does so again: the
	// answer may have been lost, and some clients ask again with a packet that
	// cannot be told from a new sign-in.
	lostFor = 3 * time.Second
	// refusedFor answers a client that tries again by itself after a no.
	refusedFor = 15 * time.Second
	// resendAfter is how long the same sign-in gets the question it has had
	// instead of another message.
	resendAfter = 30 * time.Second
)

type claimState byte

const (
	claimAsking     claimState = iota + 1 // until the lease ends
	claimApproved                         // used: an Accept was made of it
	claimDenied                           //
	claimFraud                            //
	claimAsked                            // a code was sent: question
	claimUnanswered                       // nothing is left to try
	claimLeft                             // the person took another way
)

// A claim is who asks an account elsewhere at the moment, or how that ended a
// moment ago: one record of an account, shared by all nodes. It is written
// before anything rings, so that a crash costs a failed sign-in and not a
// second call.
type claim struct {
	state claimState
	used  bool
	pin   bool     // the person's PIN is to be keyed
	id    [8]byte  // of this sign-in; in the tickets of its questions
	node  [8]byte  // who asks
	mark  [16]byte // which sign-in it is, see fingerprint
	until int64    // Unix milliseconds: the lease, or when it is forgotten
	match string   // digits to be keyed, shown at the prompt
	// method is what is asked now; for claimAsked the question is to it.
	method string
	nonce  [8]byte // of the question
	issued int64   // Unix seconds
	tries  byte
	rounds byte
	memo   []byte
}

// fingerprint tells the sign-ins of one account apart: by where the device is,
// as seen by clients that belong together. Where no client tells it, by the
// client's own socket, so that only what it sends again there is the same.
func fingerprint(account string, v Via) (mark [16]byte) {
	place := "station\x00" + v.Station
	if v.Station == "" {
		place = "source\x00" + v.Client + "\x00" + v.Source.String()
	}
	h := sha256.Sum256([]byte(account + "\x00" + v.group() + "\x00" + place))
	copy(mark[:], h[:])
	return mark
}

// ClaimKey is the key of the record of who asks an account elsewhere.
func ClaimKey(accountID string) string { return "claim/" + accountID }

const claimVersion = 2

var errClaim = errors.New("login: claim record cannot be read")

func (c *claim) encode() []byte {
	b := make([]byte, 0, 96+len(c.method)+len(c.memo))
	b = append(b, claimVersion, byte(c.state), flag(c.used)|flag(c.pin)<<1)
	b = append(b, c.id[:]...)
	b = append(b, c.node[:]...)
	b = append(b, c.mark[:]...)
	b = append(b, c.nonce[:]...)
	b = appendTime(b, c.until)
	b = appendTime(b, c.issued)
	b = append(b, c.tries, c.rounds)
	// The longest is a method of 40 octets or a memo of 48.
	return appendPart(appendPart(appendPart(b, c.match), c.method), c.memo)
}

func flag(set bool) byte {
	if set {
		return 1
	}
	return 0
}

func decodeClaim(b []byte) (*claim, error) {
	const fixed = 3 + 8 + 8 + 16 + 8 + 8 + 8 + 2
	if len(b) < fixed || b[0] != claimVersion {
		return nil, errClaim
	}
	c := &claim{
		state: claimState(b[1]), used: b[2]&1 != 0, pin: b[2]&2 != 0, until: readTime(b[43:]), issued: readTime(b[51:]),
		tries: b[59], rounds: b[60],
	}
	copy(c.id[:], b[3:])
	copy(c.node[:], b[11:])
	copy(c.mark[:], b[19:])
	copy(c.nonce[:], b[35:])
	b = b[fixed:]
	parts := [3]string{}
	for i := range parts {
		part, rest, ok := cutPart(b)
		if !ok {
			return nil, errClaim
		}
		parts[i], b = string(part), rest
	}
	if len(b) != 0 || c.state < claimAsking || c.state > claimLeft {
		return nil, errClaim
	}
	c.match, c.method = parts[0], parts[1]
	if parts[2] != "" {
		c.memo = []byte(parts[2])
	}
	return c, nil
}

// live reports whether the claim still says something. One that lives longer
// than any can comes from a clock that jumped and is not believed.
func (c *claim) live(now time.Time) bool {
	left := c.until - now.UnixMilli()
	return left > 0 && left <= int64((approvalFor+leaseGrace+time.Minute)/time.Millisecond)
}

// lost reports whether the answer to an approval that was used may have been
// lost just now.
func (c *claim) lost(now time.Time) bool {
	ago := now.UnixMilli() - (c.until - lateFor.Milliseconds())
	return ago >= 0 && ago < lostFor.Milliseconds()
}

// end sets how the claim ended and how long that is remembered.
func (c *claim) end(s claimState, now time.Time) {
	keep := refusedFor
	switch s {
	case claimApproved:
		keep = lateFor
	case claimAsked:
		keep = resendAfter
	case claimFraud:
		keep = lateFor
	case claimAsking, claimDenied, claimUnanswered, claimLeft:
	}
	c.state, c.until = s, now.Add(keep).UnixMilli()
}

// put makes the question the one of the claim.
func (c *claim) put(q *question) {
	c.method, c.nonce, c.issued, c.tries, c.rounds, c.memo = q.method, q.nonce, q.issued.Unix(), byte(q.tries), byte(q.rounds), q.memo //nolint:gosec // bounded by maxTries and maxRounds
}

// question is the one the claim put, for another request of the same sign-in.
// It has the same nonce: answered once, it is answered for all.
func (c *claim) question(account string, attempt [5]byte) *question {
	return &question{
		attempt: attempt, account: account, method: c.method, memo: c.memo,
		nonce: c.nonce, issued: time.Unix(c.issued, 0), tries: int(c.tries), rounds: int(c.rounds),
	}
}

// claimRecord names the record in errors.
const claimRecord = "claim"

// loadClaim reads the claim of an account; the zero claim when there is none.
func loadClaim(ctx context.Context, r Records, account string) (*claim, uint64, error) {
	v, err := read(ctx, r, ClaimKey(account), claimRecord)
	return claimIn(v), v.Rev, err
}

// claimIn is the zero claim of a record that cannot be read. It says nothing that
// outlives two minutes: it is written anew.
func claimIn(v Value) *claim {
	c, err := decodeClaim(v.Data)
	if err != nil {
		return &claim{}
	}
	return c
}
