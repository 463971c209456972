package store

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"errors"
	"fmt"
	"sync"

	"github.com/portvakt/portvakt/login"
)

var (
	// ErrMissingKey is wrapped by errors about a value that is sealed under a
	// key the ring does not have.
	ErrMissingKey = errors.New("store: key is not in the key ring")
	// ErrSealed is wrapped by errors about a value that does not open: it was
	// changed, moved, or sealed under another key of the same number.
	ErrSealed = errors.New("store: sealed value does not open")
)

// sealRoom is what sealing adds: key id, nonce, tag.
const sealRoom = 1 + 12 + 16

// ringSealer seals with AES-256-GCM under one key for each key of the ring,
// derived for one purpose. A sealed value is the key's id, a random nonce of
// 12 octets, the ciphertext and its tag. Random nonces allow 2^32 values
// under one key (NIST SP 800-38D, section 8.3).
type ringSealer struct {
	active byte
	aeads  [256]cipher.AEAD
}

var _ login.Sealer = (*ringSealer)(nil)

// Sealer returns the sealer of a purpose: "store", "ticket". What is sealed
// for one purpose does not open for another.
func (r *Ring) Sealer(purpose string) login.Sealer {
	s := &ringSealer{active: r.active}
	for id, key := range r.keys {
		s.aeads[id] = derive(key, purpose)
	}
	return s
}

// derive panics only if the standard library cannot do AES-256-GCM.
func derive(key []byte, purpose string) cipher.AEAD {
	sub, err := hkdf.Key(sha256.New, key, nil, "portvakt "+purpose, keyLen) // RFC 5869
	if err != nil {
		panic(err)
	}
	block, err := aes.NewCipher(sub)
	if err != nil {
		panic(err)
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		panic(err)
	}
	return aead
}

// contexts are where a context is turned into octets, which would else be a
// piece of garbage for each value.
var contexts = sync.Pool{New: func() any { return new([]byte) }}

// Seal seals plain under the active key.
func (s *ringSealer) Seal(context string, plain []byte) ([]byte, error) {
	out := make([]byte, 1, sealRoom+len(plain))
	out[0] = s.active
	about, _ := contexts.Get().(*[]byte)
	defer contexts.Put(about)
	*about = append((*about)[:0], context...)
	return s.aeads[s.active].Seal(out, nil, plain, *about), nil //nolint:gosec // this AEAD makes the nonce itself
}

// Open opens what any key of the ring has sealed in the same context.
func (s *ringSealer) Open(context string, sealed []byte) ([]byte, error) {
	if len(sealed) < sealRoom {
		return nil, fmt.Errorf("%d octets: %w", len(sealed), ErrSealed)
	}
	aead := s.aeads[sealed[0]]
	if aead == nil {
		return nil, fmt.Errorf("key %d: %w", sealed[0], ErrMissingKey)
	}
	about, _ := contexts.Get().(*[]byte)
	defer contexts.Put(about)
	*about = append((*about)[:0], context...)
	plain, err := aead.Open(make([]byte, 0, len(sealed)-sealRoom), nil, sealed[1:], *about)
	if err != nil {
		return nil, fmt.Errorf("under key %d: %w", sealed[0], ErrSealed)
	}
	return plain, nil
}
