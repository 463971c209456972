package code

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
	// Digits is the length of a code.
	Digits = 6
	// Life is how long a code is good for; NIST SP 800-63B, section 5.1.3.2,
	// allows 10 minutes.
	Life  = 5 * time.Minute
	count = 1_000_000
	// MaxSkew is how far the clocks of two nodes may be apart.
	MaxSkew = time.Minute
	// WorthSending is what must be left of a code's life to send it again.
	WorthSending = time.Minute
	// maxAnswer is the longest answer that is looked at, in octets.
	maxAnswer = 64
)

// New returns a code of which each is as likely as every other.
func New() (string, error) {
	n, err := rand.Int(rand.Reader, big.NewInt(count))
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%0*d", Digits, n), nil
}

// A memo is a version, the time in seconds since 1970, and the code.
const (
	memoVersion = 1
	memoLength  = 1 + 4 + Digits
)

// Memo is what Check needs to know of a code that was sent.
func Memo(code string, at time.Time) []byte {
	memo := append(make([]byte, 0, memoLength), memoVersion)
	memo = binary.BigEndian.AppendUint32(memo, uint32(at.Unix())) //nolint:gosec // G115: good until 2106
	return append(memo, code...)
}

// Read takes a memo apart.
func Read(memo []byte) (code string, at time.Time, err error) {
	if len(memo) != memoLength || memo[0] != memoVersion {
		return "", time.Time{}, errors.New("memo of another version")
	}
	return string(memo[5:]), time.Unix(int64(binary.BigEndian.Uint32(memo[1:5])), 0), nil
}

// Renew returns the code to send, and when it was made: that of the memo when
// Again says so, else a new one.
func Renew(memo []byte) (code string, at time.Time, err error) {
	if code, at, ok := Again(memo); ok {
		return code, at, nil
	}
	code, err = New()
	return code, time.Now(), err
}

// Again returns the code of a memo, and when it was made, for sending it once
// more. ok is false when hardly anything is left of its life, or it is none.
func Again(memo []byte) (code string, at time.Time, ok bool) {
	code, at, err := Read(memo)
	age := time.Since(at)
	return code, at, err == nil && age >= -MaxSkew && Life-age >= WorthSending
}

// Check decides whether the answer is the code of the memo: nil, a
// [*login.Refusal] with [login.ReasonWrongCode], or that it cannot be decided.
func Check(memo []byte, answer login.Secret) error {
	if memo == nil {
		return &login.Refusal{Reason: login.ReasonWrongCode, Detail: "no message was sent"}
	}
	code, at, err := Read(memo)
	if err != nil {
		return err
	}
	if answer == nil {
		return errors.New("no answer")
	}
	right := Same(answer, code)
	switch age := time.Since(at); {
	case age > Life:
		return &login.Refusal{Reason: login.ReasonWrongCode, Detail: "the code is too old"}
	case age < -MaxSkew:
		return &login.Refusal{Reason: login.ReasonWrongCode, Detail: "the code is from the future: a clock is wrong"}
	case !right:
		return &login.Refusal{Reason: login.ReasonWrongCode}
	}
	return nil
}

// Same reports whether the person typed the code. Devices show codes with
// spaces and people type what they see; a proof has no spaces to look through.
func Same(answer login.Secret, code string) bool {
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
