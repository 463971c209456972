package secret

import (
	"crypto/subtle"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
)

const redacted = "[redacted]"

// A Value is a configured secret. The zero Value is "not set". Two are compared
// by [Value.Equal], not by ==.
type Value struct {
	// Behind a pointer, since package fmt asks no method of what is in an
	// unexported field: it prints the pointer then.
	text *string
}

// New makes a Value of a text.
func New(text string) Value { return Value{&text} }

// Reveal returns the text. Whoever calls it must not log or wrap what it gets.
func (v Value) Reveal() string {
	if v.text == nil {
		return ""
	}
	return *v.text
}

// IsZero reports whether the secret is not set.
func (v Value) IsZero() bool { return v.Reveal() == "" }

// Equal compares in constant time for texts of equal length.
func (v Value) Equal(w Value) bool {
	return subtle.ConstantTimeCompare([]byte(v.Reveal()), []byte(w.Reveal())) == 1
}

// String redacts.
func (v Value) String() string { return redacted }

// Format redacts every verb, also those that are none of texts.
func (v Value) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// LogValue redacts in slog.
func (v Value) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalJSON redacts.
func (v Value) MarshalJSON() ([]byte, error) { return json.Marshal(redacted) }

// MarshalText redacts.
func (v Value) MarshalText() ([]byte, error) { return []byte(redacted), nil }
