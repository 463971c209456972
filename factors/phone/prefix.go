package phone

import (
	"fmt"
	"strings"
)

// A Prefix is the beginning of international numbers: a country, an operator,
// a range. The zero Prefix has every number.
type Prefix struct{ digits string }

// maxPrefix is the longest prefix, in digits: E.164 numbers have 15.
const maxPrefix = 15

// NewPrefix reads "+47" or "+4781".
func NewPrefix(text string) (Prefix, error) {
	digits, ok := strings.CutPrefix(text, "+")
	if !ok || digits == "" || len(digits) > maxPrefix || digits[0] == '0' || strings.Trim(digits, "0123456789") != "" {
		return Prefix{}, fmt.Errorf("%q is not the beginning of a number: write it with its country and without spaces, as \"+4781\"", text)
	}
	return Prefix{digits}, nil
}

// Has reports whether the number begins with the prefix.
func (p Prefix) Has(n Number) bool { return strings.HasPrefix(n.Digits(), p.digits) }

// Len is the number of digits: of two prefixes of one number, the longer one
// says more.
func (p Prefix) Len() int { return len(p.digits) }

// String returns "+4781", or "" for the zero Prefix.
func (p Prefix) String() string {
	if p.digits == "" {
		return ""
	}
	return "+" + p.digits
}
