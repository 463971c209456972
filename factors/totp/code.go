package totp

import (
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/binary"
	"time"
)

const (
	shortBlock = 64  // of SHA-1 and SHA-256
	longBlock  = 128 // of SHA-512
	maxSum     = sha512.Size
	innerPad   = 0x36 // RFC 2104, section 2
	outerPad   = 0x5c
)

// A generator computes the codes of one token. It is for one goroutine: it has
// the two blocks of HMAC (RFC 2104) filled in, so that a code is two hashes and
// nothing is allocated, where crypto/hmac takes nine pieces of memory for a token.
type generator struct {
	algorithm Algorithm
	digits    int
	block     int
	inner     [longBlock + 8]byte      // the key and the pad, then the counter
	outer     [longBlock + maxSum]byte // the key and the other pad, then the inner hash
}

func (t Token) generator() *generator {
	g := &generator{algorithm: t.Algorithm, digits: t.Digits, block: shortBlock}
	if t.Algorithm == SHA512 {
		g.block = longBlock
	}
	key := []byte(t.Seed)
	if len(key) > g.block {
		var room [maxSum]byte
		key = g.hash(room[:0], key)
	}
	copy(g.inner[:], key)
	copy(g.outer[:], key)
	for i := range g.block {
		g.inner[i] ^= innerPad
		g.outer[i] ^= outerPad
	}
	return g
}

// hash appends the hash of b.
func (g *generator) hash(to, b []byte) []byte {
	switch g.algorithm {
	case SHA256:
		sum := sha256.Sum256(b)
		return append(to, sum[:]...)
	case SHA512:
		sum := sha512.Sum512(b)
		return append(to, sum[:]...)
	default:
		sum := sha1.Sum(b)
		return append(to, sum[:]...)
	}
}

// code returns the code of a counter or time step (RFC 4226, section 5.3).
func (g *generator) code(counter uint64) string {
	binary.BigEndian.PutUint64(g.inner[g.block:], counter)
	outer := g.hash(g.outer[:g.block], g.inner[:g.block+8])
	var room [maxSum]byte
	sum := g.hash(room[:0], outer)

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
