package totp

import (
	"encoding/binary"
	"errors"
	"math"

	"github.com/portvakt/portvakt/login"
)

const (
	// skew is how many time steps a code may be early or late: one for typing
	// and transport (RFC 6238, section 5.2).
	skew = 1
	// maxDrift is how many steps the clock of a device may go wrong over the
	// years before it must be enrolled again. Each step of remembered drift
	// adds one valid code to the window, and so to the chance of a guess.
	maxDrift = 3
)

// A timeRecord is what is remembered of a time token.
type timeRecord struct {
	last  int64 // the last step that proved; never moves back
	drift int8  // steps that the clock of the device is ahead
}

// judgeTime decides whether the answer is the code of a step near now, and
// returns the record that must be durable before that counts. The reason is
// ReasonOK, ReasonWrongCode or ReasonUsedCode.
//
// The window reaches from the step before to the step after, of both the true
// time and the time of the device as remembered: when a phone that was wrong
// gets the right time, its codes must count. All steps are computed and
// compared, whatever matches, so that the time taken tells nothing.
func judgeTime(g *generator, r timeRecord, now int64, answer login.Secret) (timeRecord, login.Reason) {
	drift := int64(r.drift)
	var match int64
	matches := 0
	for step := now + min(0, drift) - skew; step <= now+max(0, drift)+skew; step++ {
		if answer.Is(g.code(uint64(step))) { //nolint:gosec // steps since 1970, minus a few
			matches++
			match = step
		}
	}
	// Codes of steps close by can be equal. The latest match is taken: with an
	// earlier one the same digits would prove again. And only when it is not
	// new, no match is, and the code was used.
	switch {
	case matches == 0:
		return r, login.ReasonWrongCode
	case match <= r.last:
		return r, login.ReasonUsedCode
	}
	if matches == 1 {
		r.drift = follow(r.drift, match-now)
	}
	r.last = match
	return r, login.ReasonOK
}

// follow moves the remembered drift by one step at most towards what was seen,
// so that one code typed late does not shift the window.
func follow(drift int8, seen int64) int8 {
	switch {
	case seen > int64(drift):
		return min(drift+1, maxDrift)
	case seen < int64(drift):
		return max(drift-1, -maxDrift)
	}
	return drift
}

// Records begin with their form, so that a later program can tell them apart.
const (
	formTime    = 1
	formCounter = 2
)

var errDamaged = errors.New("record is damaged or of a newer version")

func (r timeRecord) encode() []byte {
	b := make([]byte, 0, 10)
	b = append(b, formTime)
	b = binary.BigEndian.AppendUint64(b, uint64(r.last)) //nolint:gosec // never negative
	return append(b, byte(r.drift))                      //nolint:gosec // the bits, read back below
}

func decodeTime(b []byte) (timeRecord, error) {
	if b == nil {
		return timeRecord{}, nil
	}
	if len(b) != 10 || b[0] != formTime {
		return timeRecord{}, errDamaged
	}
	last, drift := binary.BigEndian.Uint64(b[1:]), int8(b[9]) //nolint:gosec // the bits; the range is looked at next
	if last > math.MaxInt64 || drift > maxDrift || drift < -maxDrift {
		return timeRecord{}, errDamaged
	}
	return timeRecord{last: int64(last), drift: drift}, nil
}
