package voice

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/portvakt/portvakt/login"
)

// PINKind is the kind of the credential of a PIN for calls.
const PINKind = "pin"

const (
	minPIN, maxPIN = 4, 12 // digits
	pinDigest      = 16    // octets: 128 bit of the HMAC (RFC 2104, section 5)
)

// A pinRecord is the data of a credential of [PINKind]. A PIN has too few
// values for a digest without a key.
type pinRecord struct {
	Digest []byte `json:"digest"`
}

func digestPIN(key []byte, id, pin string) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte("pin\x00" + id + "\x00" + pin))
	return mac.Sum(nil)[:pinDigest]
}

// NewPIN makes the credential of a PIN. It refuses what is easily guessed.
func NewPIN(key []byte, pin string) (login.Credential, error) {
	if n := len(pin); n < minPIN || n > maxPIN || strings.ContainsFunc(pin, func(r rune) bool { return r < '0' || r > '9' }) {
		return login.Credential{}, fmt.Errorf("a PIN has %d to %d digits", minPIN, maxPIN)
	}
	if easy(pin) {
		return login.Credential{}, errors.New("this PIN is easily guessed: take one whose digits do not repeat or count")
	}
	id := rand.Text()
	data, err := json.Marshal(pinRecord{Digest: digestPIN(key, id, pin)})
	if err != nil {
		return login.Credential{}, err
	}
	return login.Credential{ID: id, Kind: PINKind, Label: "PIN for calls", Data: data, Created: time.Now().UTC()}, nil
}

// easy reports whether each digit follows the one before by the same step:
// 1111, 1234, 9876.
func easy(pin string) bool {
	step := int(pin[1]) - int(pin[0])
	for i := 2; i < len(pin); i++ {
		if int(pin[i])-int(pin[i-1]) != step {
			return false
		}
	}
	return step >= -1 && step <= 1
}

// pinOf returns the comparison with the person's PIN; nil when she has none.
func (f *Factor) pinOf(u login.User) func(keyed string) bool {
	for _, c := range u.Enrollment.Credentials {
		var p pinRecord
		if c.Kind != PINKind || json.Unmarshal(c.Data, &p) != nil || len(p.Digest) != pinDigest {
			continue
		}
		return func(keyed string) bool {
			right := false
			for _, key := range f.pinKeys {
				if hmac.Equal(digestPIN(key, c.ID, keyed), p.Digest) {
					right = true
				}
			}
			return right
		}
	}
	return nil
}
