package login

import (
	"context"
	"errors"
)

// Records keeps small durable facts: a token's last step, an account's
// failures, what was learned of a client. It is the part of a key-value store
// that logins need; package store has the backends.
type Records interface {
	// Get returns the value of key, or [ErrNotFound].
	Get(ctx context.Context, key string) (Value, error)
	// Swap replaces the value that has revision rev, durably: when it returns
	// nil the change survives a power cut. rev 0 means the key must not exist;
	// nil data deletes it. It returns [ErrConflict] when the revision is
	// another one. data is not kept or changed.
	Swap(ctx context.Context, key string, rev uint64, data []byte) error
}

// A Starter is a [Records] that can make several changes durable at once.
type Starter interface {
	// Start is Swap that does not wait until the change is durable: that is when
	// Wait of what it returns has returned nil, at once when that is nil.
	// Changes that are started one after the other share what it costs. Until it
	// is durable nobody reads it. It may wait while another change of the same
	// key is on its way.
	Start(ctx context.Context, key string, rev uint64, data []byte) (Pending, error)
}

// A Pending change is on its way to the disk.
type Pending interface {
	// Wait returns when the change is durable. When the context ends first, it
	// may still become so; after any other error nothing has changed.
	Wait(ctx context.Context) error
}

// Value is what Records has under a key. Data may be kept, not changed.
type Value struct {
	Data []byte
	Rev  uint64 // never 0
}

var (
	// ErrNotFound is returned by Get for a key that is not there.
	ErrNotFound = errors.New("login: no such record")
	// ErrConflict is returned by Swap when somebody else was faster.
	ErrConflict = errors.New("login: record has changed")
)

// A Sealer encrypts and authenticates small values under a key that all nodes
// share. The context is authenticated and not stored: opening with another one
// fails, so that a value cannot be moved to another place.
type Sealer interface {
	Seal(context string, plain []byte) ([]byte, error)
	Open(context string, sealed []byte) ([]byte, error)
}
