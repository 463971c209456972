package recovery

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"slices"
	"strings"
)

const (
	minKey     = 32 // octets: as long as the hash (RFC 2104, section 3)
	digestSize = 16 // octets: 128 bit of the HMAC (RFC 2104, section 5)
)

// A keyring computes digests of codes with the first key, and finds those made
// with any.
type keyring [][]byte

func newKeyring(key []byte, old [][]byte) (keyring, error) {
	keys := keyring{slices.Clone(key)}
	for _, k := range old {
		keys = append(keys, slices.Clone(k))
	}
	for _, k := range keys {
		if len(k) < minKey {
			return nil, fmt.Errorf("a key for codes has %d octets; at least %d are needed", len(k), minKey)
		}
	}
	return keys, nil
}

// digest binds a code to its credential, so that it counts nowhere else.
func digest(key []byte, kind, id, code string) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(kind + "\x00" + id + "\x00" + code))
	return mac.Sum(nil)[:digestSize]
}

func (k keyring) make(kind, id, code string) []byte { return digest(k[0], kind, id, code) }

// find returns the index of the code's digest, or -1. It compares with all,
// whichever matches.
func (k keyring) find(kind, id, code string, digests [][]byte) int {
	found := -1
	for _, key := range k {
		d := digest(key, kind, id, code)
		for i := range digests {
			found = subtle.ConstantTimeSelect(subtle.ConstantTimeCompare(d, digests[i]), i, found)
		}
	}
	return found
}

// random returns n characters of an alphabet of at most 256.
func random(alphabet string, n int) string {
	code := make([]byte, 0, n)
	var b [1]byte
	for len(code) < n {
		_, _ = rand.Read(b[:]) // never fails (Go 1.24)
		// A plain remainder would favour the first characters.
		if int(b[0]) < 256/len(alphabet)*len(alphabet) {
			code = append(code, alphabet[int(b[0])%len(alphabet)])
		}
	}
	return string(code)
}

// normalize takes spaces and dashes out of typed text and spells each
// character as the alphabet does, with alias; it tells what cannot be a code
// of n characters.
func normalize(text, alphabet string, n int, alias func(byte) byte) (string, bool) {
	code := make([]byte, 0, n)
	for i := range len(text) {
		c := text[i]
		if c == ' ' || c == '-' {
			continue
		}
		if c = alias(c); strings.IndexByte(alphabet, c) < 0 || len(code) == n {
			return "", false
		}
		code = append(code, c)
	}
	return string(code), len(code) == n
}
