package logintest

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"

	"github.com/portvakt/portvakt/login"
)

// Sealer is a [login.Sealer] with a key made of a text, so that two of the same
// text open each other's envelopes, as nodes do that share a key.
type Sealer struct{ aead cipher.AEAD }

var _ login.Sealer = Sealer{}

// NewSealer makes a Sealer of a text.
func NewSealer(text string) Sealer {
	key := sha256.Sum256([]byte(text))
	block, err := aes.NewCipher(key[:])
	if err != nil {
		panic(err) // the key has the right length
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		panic(err) // so has the block
	}
	return Sealer{aead}
}

// Seal encrypts and authenticates.
func (s Sealer) Seal(context string, plain []byte) ([]byte, error) {
	return s.aead.Seal(nil, nil, plain, []byte(context)), nil
}

// Open undoes Seal.
func (s Sealer) Open(context string, sealed []byte) ([]byte, error) {
	return s.aead.Open(nil, nil, sealed, []byte(context))
}
