package voice

import (
	"crypto/subtle"
	"fmt"

	"github.com/portvakt/portvakt/login"
)

const (
	maxKeyed = 16 // digits kept; more are no PIN and no match
	maxWrong = 3  // wrong digits before the call ends as refused
)

// A keypad decides what the keys of one call mean. "#" approves once what must
// be keyed before it was; "0#" says that the sign-in is not hers; "*" begins
// anew. Digits that nobody asked for approve nothing: a pocket presses them.
type keypad struct {
	match string
	pin   func(keyed string) bool // nil when none is asked for
	keyed []byte
	wrong int
}

// press takes one key, and reports whether the call is decided and how.
func (k *keypad) press(key byte) (decided bool, answer error) {
	switch {
	case key == '*':
		k.keyed = k.keyed[:0]
		return false, nil
	case key != '#':
		if len(k.keyed) <= maxKeyed {
			k.keyed = append(k.keyed, key)
		}
		return false, nil
	}
	keyed := string(k.keyed)
	k.keyed = k.keyed[:0]
	if keyed == "0" {
		return true, login.ErrFraud
	}
	if k.right(keyed) {
		return true, nil
	}
	if k.wrong++; k.wrong >= maxWrong {
		return true, fmt.Errorf("%w: wrong digits %d times", login.ErrDenied, k.wrong)
	}
	return false, nil
}

// right takes the digits off the front and the PIN from what is left.
func (k *keypad) right(keyed string) bool {
	if n := len(k.match); n > 0 {
		if len(keyed) < n || subtle.ConstantTimeCompare([]byte(keyed[:n]), []byte(k.match)) != 1 {
			return false
		}
		keyed = keyed[n:]
	}
	if k.pin != nil {
		return k.pin(keyed)
	}
	return keyed == ""
}
