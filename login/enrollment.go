package login

import (
	"context"
	"encoding/json"
	"time"
)

// An Enrollment is what one account has enrolled.
type Enrollment struct {
	// Credentials are in the order they were added.
	Credentials []Credential `json:"credentials,omitempty"`
	// Preferred is the Method ID asked first, if the person has chosen one.
	Preferred string `json:"preferred,omitempty"`
	// Language is the person's own choice, a BCP 47 tag.
	Language string `json:"language,omitempty"`
	// Rev is the record's revision; 0 when nothing is enrolled.
	Rev uint64 `json:"-"`
}

// A Credential is one thing enrolled: a token, a telephone, a set of recovery
// codes. Data is the factor's own record and may hold secrets; the store seals
// the whole enrollment.
type Credential struct {
	// ID is random and never reused: a counter kept under it can never meet
	// another secret.
	ID string `json:"id"`
	// Kind is "totp", "hotp", "phone", "recovery" or "bypass".
	Kind    string          `json:"kind"`
	Label   string          `json:"label,omitempty"`
	Data    json.RawMessage `json:"data"`
	Created time.Time       `json:"created"`
}

// Enrollments keeps enrollments by account id.
type Enrollments interface {
	// Enrollment returns what the account has; the zero Enrollment when it has
	// nothing. The result is shared and must not be changed.
	Enrollment(ctx context.Context, accountID string) (Enrollment, error)
	// Add adds a credential durably to what the account has, when that still has
	// the revision rev, 0 for nothing; else it returns [ErrConflict].
	Add(ctx context.Context, a Account, rev uint64, c Credential) error
}
