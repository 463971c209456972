package sms

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"time"
	"unicode"

	"github.com/portvakt/portvakt/login"
)

const (
	codeDigits = 6
	codeCount  = 1_000_000
	codeLife   = 5 * time.Minute // NIST SP 800-63B, section 5.1.3.2, allows 10
	// worthSending is what must be left of a code's life to send it again.
	worthSending = time.Minute
	// maxSkew is how far the clocks of two nodes may be apart.
	maxSkew = time.Minute
	// maxAnswer is the longest answer that is looked at, in octets.
	maxAnswer = 64
)

// newCode returns a code of which each is as likely as every other.
func newCode() (string, error) {
	n, err := rand.Int(rand.Reader, big.NewInt(codeCount))
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%0*d", codeDigits, n), nil
}

// A memo is what Check needs to know of what Prompt did: a version, the time
// in seconds since 1970, and the code.
const (
	memoVersion = 1
	memoLength  = 1 + 4 + codeDigits
)

func newMemo(code string, at time.Time) []byte {
	memo := append(make([]byte, 0, memoLength), memoVersion)
	memo = binary.BigEndian.AppendUint32(memo, uint32(at.Unix())) //nolint:gosec // G115: good until 2106
	return append(memo, code...)
}

func readMemo(memo []byte) (code string, at time.Time, err error) {
	if len(memo) != memoLength || memo[0] != memoVersion {
		return "", time.Time{}, errors.New("memo of another version")
	}
	return string(memo[5:]), time.Unix(int64(binary.BigEndian.Uint32(memo[1:5])), 0), nil
}

// same reports whether the person typed the code. Phones show codes with
// spaces and people type what they see; a proof has no spaces to look through.
func same(answer login.Secret, code string) bool {
	if answer.Is(code) {
		return true
	}
	text, ok := answer.Reveal()
	if !ok || len(text) > maxAnswer {
		return false
	}
	text = strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || r == '-' {
			return -1
		}
		return r
	}, text)
	return login.Cleartext(text).Is(code)
}
