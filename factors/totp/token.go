package totp

import (
	"crypto/hmac"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/pquerna/otp"

	"github.com/portvakt/portvakt/login"
)

// Kinds of tokens, and of the credentials that hold them.
const (
	KindTime    = "totp"
	KindCounter = "hotp"
)

// An Algorithm is the hash function of a token.
type Algorithm = otp.Algorithm

// The algorithms of RFC 6238, section 1.2.
const (
	SHA1   = otp.AlgorithmSHA1
	SHA256 = otp.AlgorithmSHA256
	SHA512 = otp.AlgorithmSHA512
)

// Codes have 6 or 8 digits (RFC 4226, section 5.3).
const minDigits, maxDigits = 6, 8

// maxCounter leaves room for windows above a counter; no device gets there.
const maxCounter = 1 << 62

// A Token is what a code generator and the server share.
type Token struct {
	Kind      string // KindTime or KindCounter
	Seed      Seed
	Algorithm Algorithm
	Digits    int           // 6 or 8
	Period    time.Duration // of KindTime: 30 s or 60 s
	Counter   uint64        // of KindCounter: the first that was not used
}

// NewToken makes a time token with a new seed and the parameters that every
// app obeys. Several apps ignore others and then show codes that never fit.
func NewToken() Token {
	return Token{Kind: KindTime, Seed: NewSeed(), Algorithm: SHA1, Digits: 6, Period: 30 * time.Second}
}

// Validate returns all problems.
func (t Token) Validate() error {
	var errs []error
	if err := t.Seed.validate(); err != nil {
		errs = append(errs, err)
	}
	switch t.Algorithm {
	case SHA1, SHA256, SHA512:
	default:
		errs = append(errs, errors.New("algorithm is none of SHA1, SHA256, SHA512"))
	}
	if t.Digits != minDigits && t.Digits != maxDigits {
		errs = append(errs, fmt.Errorf("%d digits; 6 or 8 are supported", t.Digits))
	}
	switch t.Kind {
	case KindTime:
		if t.Period != 30*time.Second && t.Period != time.Minute {
			errs = append(errs, fmt.Errorf("a period of %s; 30s or 60s are supported", t.Period))
		}
	case KindCounter:
		if t.Counter > maxCounter {
			errs = append(errs, errors.New("counter is too large"))
		}
	default:
		errs = append(errs, errors.New(`kind is neither "totp" nor "hotp"`))
	}
	return errors.Join(errs...)
}

// ParseAlgorithm reads the name of an algorithm; empty is SHA1, as everywhere.
func ParseAlgorithm(name string) (Algorithm, error) {
	switch name {
	case "", "SHA1", "sha1", "SHA-1", "sha-1":
		return SHA1, nil
	case "SHA256", "sha256", "SHA-256", "sha-256":
		return SHA256, nil
	case "SHA512", "sha512", "SHA-512", "sha-512":
		return SHA512, nil
	}
	return 0, errors.New("algorithm is none of SHA1, SHA256, SHA512")
}

// TokenOf returns the token of a credential, whose counter is the one it was
// enrolled with. It holds the secret.
func TokenOf(c login.Credential) (Token, error) { return parse(c) }

// Same reports whether both are one token, whatever its counter: enrolled twice,
// a code used with one would be good with the other.
func (t Token) Same(as Token) bool {
	return t.Kind == as.Kind && hmac.Equal(t.Seed, as.Seed)
}

// data is a Token in a credential.
type data struct {
	Secret    string `json:"secret"` // base32
	Algorithm string `json:"algorithm,omitempty"`
	Digits    int    `json:"digits"`
	Period    int    `json:"period,omitempty"` // seconds
	Counter   uint64 `json:"counter,omitempty"`
}

// parse reads the token of a credential, and refuses a seed that should never
// have been stored.
func parse(c login.Credential) (Token, error) {
	d, ok := readWritten(c.Data)
	if !ok {
		var err error
		if d, err = readAny(c.Data); err != nil {
			return Token{}, err
		}
	}
	seed, err := decodeSeed(d.Secret)
	if err != nil {
		return Token{}, err
	}
	algorithm, err := ParseAlgorithm(d.Algorithm)
	if err != nil {
		return Token{}, err
	}
	t := Token{
		Kind: c.Kind, Seed: seed, Algorithm: algorithm, Digits: d.Digits,
		Period: time.Duration(d.Period) * time.Second, Counter: d.Counter,
	}
	if err := t.Validate(); err != nil {
		return Token{}, err
	}
	return t, nil
}

func readAny(b []byte) (d data, err error) {
	if json.Unmarshal(b, &d) != nil {
		return data{}, errors.New("token data is damaged") // the cause may quote the data
	}
	return d, nil
}

func (t Token) data() data {
	d := data{Secret: t.Seed.Base32(), Algorithm: t.Algorithm.String(), Digits: t.Digits}
	if t.Kind == KindCounter {
		d.Counter = t.Counter
	} else {
		d.Period = int(t.Period / time.Second)
	}
	return d
}
