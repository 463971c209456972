package login

import "crypto/subtle"

// A Secret is what a person typed. PAP, EAP-GTC and a terminal carry the text
// itself; CHAP and MS-CHAPv2 carry only a proof of it. Both can be compared
// with a candidate, so a factor never asks which kind it has.
type Secret interface {
	// Reveal returns the text, or false when only a proof was sent.
	Reveal() (text string, ok bool)
	// Is reports whether the person typed this text, in constant time.
	Is(text string) bool
}

// Cleartext is a [Secret] whose text was carried. It prints as "[redacted]".
type Cleartext string

var _ Secret = Cleartext("")

// Reveal returns the text.
func (c Cleartext) Reveal() (string, bool) { return string(c), true }

// Is compares in constant time for texts of equal length.
func (c Cleartext) Is(text string) bool {
	return subtle.ConstantTimeCompare([]byte(c), []byte(text)) == 1
}

// String keeps what a person typed out of logs and errors.
func (c Cleartext) String() string { return "[redacted]" }

// GoString keeps it out of %#v too.
func (c Cleartext) GoString() string { return "[redacted]" }
