package radiusd

import (
	"crypto/hmac"
	"crypto/md5"
	"hash"
	"sync"
)

const macLen = md5.Size // octets of a Message-Authenticator (RFC 3579, section 3.2)

// A key is one shared secret with hashes ready to use.
type key struct {
	secret []byte
	pool   sync.Pool // of *hasher
}

// A hasher is the state of the protocol's two hashes, used again and again.
type hasher struct {
	mac, md5 hash.Hash
	sum      [md5.Size]byte
}

func newKey(secret string) *key {
	k := &key{secret: []byte(secret)}
	k.pool.New = func() any {
		return &hasher{mac: hmac.New(md5.New, k.secret), md5: md5.New()}
	}
	return k
}

func (k *key) hasher() *hasher {
	h, _ := k.pool.Get().(*hasher)
	return h
}

// verifies reports whether the Message-Authenticator whose value is at mac is
// that of the packet (RFC 3579, section 3.2). The packet is changed meanwhile
// and put back.
func (k *key) verifies(p []byte, mac int) bool {
	var got [macLen]byte
	copy(got[:], p[mac:])
	clear(p[mac : mac+macLen])
	h := k.hasher()
	h.mac.Reset()
	h.mac.Write(p)
	ok := hmac.Equal(h.mac.Sum(h.sum[:0]), got[:])
	k.pool.Put(h)
	copy(p[mac:], got[:])
	return ok
}

// sign finishes a reply that has the Request Authenticator in its header: its
// Message-Authenticator at mac unless that is 0, and then its Response
// Authenticator (RFC 2865, section 3).
func (k *key) sign(p []byte, mac int) {
	h := k.hasher()
	if mac != 0 {
		clear(p[mac : mac+macLen])
		h.mac.Reset()
		h.mac.Write(p)
		h.mac.Sum(p[mac:mac])
	}
	h.md5.Reset()
	h.md5.Write(p)
	h.md5.Write(k.secret)
	h.md5.Sum(p[4:4])
	k.pool.Put(h)
}

// unhide appends what a User-Password hides, with its padding, to dst (RFC
// 2865, section 5.2). The length of hidden must be a multiple of 16.
func (k *key) unhide(dst, hidden, authenticator []byte) []byte {
	h := k.hasher()
	for ; len(hidden) >= md5.Size; hidden = hidden[md5.Size:] {
		h.md5.Reset()
		h.md5.Write(k.secret)
		h.md5.Write(authenticator)
		pad := h.md5.Sum(h.sum[:0])
		for i, b := range hidden[:md5.Size] {
			dst = append(dst, b^pad[i])
		}
		authenticator = hidden[:md5.Size]
	}
	clear(h.sum[:])
	k.pool.Put(h)
	return dst
}
