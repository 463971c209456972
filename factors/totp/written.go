package totp

import (
	"math"
	"strconv"
	"strings"
)

// readWritten reads token data in the one form of JSON that [NewCredential]
// writes, which every login does; ok is false for any other, which json reads.
func readWritten(b []byte) (d data, ok bool) {
	r := fields{rest: string(b)}
	if !r.skip(`{"secret":"`) {
		return d, false
	}
	d.Secret = r.text()
	if r.skip(`,"algorithm":"`) {
		d.Algorithm = r.text()
	}
	if !r.skip(`,"digits":`) {
		return d, false
	}
	d.Digits = r.small()
	if r.skip(`,"period":`) {
		d.Period = r.small()
	}
	if r.skip(`,"counter":`) {
		d.Counter = r.number()
	}
	return d, r.skip("}") && len(r.rest) == 0 && !r.other
}

// fields takes values off the front; other is that something has another form.
type fields struct {
	rest  string
	other bool
}

func (r *fields) skip(s string) bool {
	rest, ok := strings.CutPrefix(r.rest, s)
	r.rest = rest
	return ok
}

// text takes letters, digits and dashes up to a quote: nothing that JSON could
// have escaped.
func (r *fields) text() string {
	s, rest, ok := strings.Cut(r.rest, `"`)
	r.rest, r.other = rest, r.other || !ok
	for i := range len(s) {
		if c := s[i]; c != '-' && (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') {
			r.other = true
		}
	}
	return s
}

// number takes digits without a zero in front, as JSON has them.
func (r *fields) number() uint64 {
	n := 0
	for n < len(r.rest) && '0' <= r.rest[n] && r.rest[n] <= '9' {
		n++
	}
	v, err := strconv.ParseUint(r.rest[:n], 10, 64)
	if err != nil || n > 1 && r.rest[0] == '0' {
		r.other = true
	}
	r.rest = r.rest[n:]
	return v
}

func (r *fields) small() int {
	v := r.number()
	if v > math.MaxInt32 {
		r.other = true
		return 0
	}
	return int(v)
}
