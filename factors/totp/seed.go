package totp

import (
	"bytes"
	"crypto/rand"
	"encoding/base32"
	"errors"
	"fmt"
	"strings"
)

const (
	minSeed = 16  // octets: 128 bit (RFC 4226, section 4, R6)
	newSeed = 20  // octets: 160 bit, the recommended length (RFC 4226, section 4, R6)
	maxSeed = 128 // octets: the block of SHA-512; longer keys add nothing (RFC 2104, section 2)
)

var encoding = base32.StdEncoding.WithPadding(base32.NoPadding)

// A Seed is the secret that a code generator and the server share. It prints
// as "[redacted]" however it is printed.
type Seed []byte

// NewSeed makes a random seed of 160 bit.
func NewSeed() Seed {
	seed := make(Seed, newSeed)
	_, _ = rand.Read(seed) // never fails (Go 1.24)
	return seed
}

// ParseSeed reads base32 in upper or lower case, with or without padding,
// spaces and dashes, as people copy it. It refuses what is too short or long.
func ParseSeed(text string) (Seed, error) {
	return decodeSeed(strings.TrimRight(strings.ToUpper(separators.Replace(text)), "="))
}

// decodeSeed reads base32 as Base32 writes it.
func decodeSeed(text string) (Seed, error) {
	seed, err := encoding.DecodeString(text)
	if err != nil || strings.ContainsAny(text, "\r\n") {
		return nil, errors.New("secret is not base32 (letters A to Z and digits 2 to 7)")
	}
	// The decoder passes over a character that is left behind.
	if encoding.EncodedLen(len(seed)) != len(text) {
		return nil, errors.New("secret is cut off: no base32 text has this length")
	}
	if err := Seed(seed).validate(); err != nil {
		return nil, err
	}
	return seed, nil
}

var separators = strings.NewReplacer(" ", "", "-", "")

func (s Seed) validate() error {
	switch {
	case len(s) == 0:
		return errors.New("secret is empty")
	case len(s) < minSeed:
		return fmt.Errorf("secret has %d octets; at least %d are needed (128 bit)", len(s), minSeed)
	case len(s) > maxSeed:
		return fmt.Errorf("secret has %d octets; at most %d are taken", len(s), maxSeed)
	case bytes.Count(s, s[:1]) == len(s):
		return errors.New("secret repeats one octet: it is a placeholder")
	}
	return nil
}

// Base32 returns the seed as people type it into an app. Whoever calls it must
// not log what it gets.
func (s Seed) Base32() string { return encoding.EncodeToString(s) }

// Format redacts every verb.
func (s Seed) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte("[redacted]")) }

// MarshalText redacts JSON, and with it structured logs.
func (s Seed) MarshalText() ([]byte, error) { return []byte("[redacted]"), nil }
