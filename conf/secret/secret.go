package secret

import (
	"crypto/subtle"
	"encoding/json"
	"log/slog"
)

const redacted = "[redacted]"

// A Value is a configured secret. The zero Value is "not set".
type Value struct{ text string }

// New makes a Value of a text.
func New(text string) Value { return Value{text} }

// Reveal returns the text. Whoever calls it must not log or wrap what it gets.
func (v Value) Reveal() string { return v.text }

// IsZero reports whether the secret is not set.
func (v Value) IsZero() bool { return v.text == "" }

// Equal compares in constant time for texts of equal length.
func (v Value) Equal(w Value) bool {
	return subtle.ConstantTimeCompare([]byte(v.text), []byte(w.text)) == 1
}

// String redacts.
func (v Value) String() string { return redacted }

// GoString redacts %#v.
func (v Value) GoString() string { return redacted }

// LogValue redacts in slog.
func (v Value) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalJSON redacts.
func (v Value) MarshalJSON() ([]byte, error) { return json.Marshal(redacted) }

// MarshalText redacts.
func (v Value) MarshalText() ([]byte, error) { return []byte(redacted), nil }
