package totp

import (
	"encoding/binary"
	"time"

	"github.com/portvakt/portvakt/login"
)

const (
	// lookAhead is how many counters ahead a code may be: presses that were
	// never typed (RFC 4226, section 7.4).
	lookAhead = 10
	// resyncWindow is how many counters ahead two codes one after the other
	// bring a token back (RFC 4226, section 7.4).
	resyncWindow = 100
	// resyncFor is how long the second code may take.
	resyncFor = 10 * time.Minute
)

// A counterRecord is what is remembered of a counter token.
type counterRecord struct {
	next uint64 // the first counter that was not used; never moves back
	// resync is the counter whose code brings the token back, 0 when none
	// does: the code before it came at resyncAt, in Unix seconds.
	resync   uint64
	resyncAt int64
}

// judgeCounter decides whether the answer is a code not far ahead, and returns
// the record that must be durable before that counts. A wrong answer can also
// change the record: when it is a code far ahead, the next one may resync.
func judgeCounter(g *generator, r counterRecord, now int64, answer login.Secret) (counterRecord, login.Reason) {
	pending := r.resync >= r.next+lookAhead && now >= r.resyncAt && now-r.resyncAt <= int64(resyncFor/time.Second)

	// All are compared and the highest match is taken, for the reasons given
	// at judgeTime.
	match, ok := highest(g, r.next, lookAhead, answer)
	if pending && answer.Is(g.code(r.resync)) {
		match, ok = r.resync, true
	}
	if ok {
		return counterRecord{next: match + 1}, login.ReasonOK
	}
	if r.next > 0 && answer.Is(g.code(r.next-1)) {
		return r, login.ReasonUsedCode
	}
	if far, ok := highest(g, r.next+lookAhead, resyncWindow-lookAhead, answer); ok {
		return counterRecord{next: r.next, resync: far + 1, resyncAt: now}, login.ReasonWrongCode
	}
	return r, login.ReasonWrongCode
}

func highest(g *generator, from, n uint64, answer login.Secret) (match uint64, ok bool) {
	for c := from; c < from+n; c++ {
		if answer.Is(g.code(c)) {
			match, ok = c, true
		}
	}
	return match, ok
}

func (r counterRecord) encode() []byte {
	b := make([]byte, 0, 25)
	b = append(b, formCounter)
	b = binary.BigEndian.AppendUint64(b, r.next)
	b = binary.BigEndian.AppendUint64(b, r.resync)
	return binary.BigEndian.AppendUint64(b, uint64(r.resyncAt)) //nolint:gosec // the bits of the time, read back below
}

// decodeCounter reads a record; without one the counter is that of the token.
func decodeCounter(b []byte, first uint64) (counterRecord, error) {
	if b == nil {
		return counterRecord{next: first}, nil
	}
	if len(b) != 25 || b[0] != formCounter {
		return counterRecord{}, errDamaged
	}
	r := counterRecord{
		next:     binary.BigEndian.Uint64(b[1:]),
		resync:   binary.BigEndian.Uint64(b[9:]),
		resyncAt: int64(binary.BigEndian.Uint64(b[17:])), //nolint:gosec // the bits of the time
	}
	if r.next > maxCounter+maxCounter/2 || r.resync > r.next+resyncWindow {
		return counterRecord{}, errDamaged
	}
	return r, nil
}
