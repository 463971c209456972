package totp

import (
	"crypto/hmac"
	"encoding/binary"
	"hash"
	"time"
)

// A generator computes the codes of one token. It is for one goroutine: it
// keeps its HMAC state from one code to the next, which halves their cost.
type generator struct {
	mac    hash.Hash
	digits int
	sum    [64]byte
}

func (t Token) generator() *generator {
	return &generator{mac: hmac.New(t.Algorithm.Hash, t.Seed), digits: t.Digits}
}

// code returns the code of a counter or time step (RFC 4226, section 5.3).
func (g *generator) code(counter uint64) string {
	g.mac.Reset()
	binary.BigEndian.PutUint64(g.sum[:8], counter)
	g.mac.Write(g.sum[:8])
	sum := g.mac.Sum(g.sum[:0])

	offset := sum[len(sum)-1] & 0xf
	value := binary.BigEndian.Uint32(sum[offset:]) & 0x7fffffff
	var code [maxDigits]byte
	for i := g.digits - 1; i >= 0; i-- {
		code[i] = byte('0' + value%10)
		value /= 10
	}
	return string(code[:g.digits])
}

// At returns the code that a time token shows at a time. It is for
// demonstrations and tests: a server has no reason to know a code.
func (t Token) At(now time.Time) string {
	return t.generator().code(uint64(now.Unix() / int64(t.Period/time.Second))) //nolint:gosec // no token is from before 1970
}

// Count returns the code that a counter token shows for a counter, as At does.
func (t Token) Count(counter uint64) string { return t.generator().code(counter) }
