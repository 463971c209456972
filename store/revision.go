package store

import "context"

// A Reviser is a [KV] that can tell the revision of a value at less cost than
// the value: what was made of a value is good as long as its key has the same
// revision, since no revision is given twice.
type Reviser interface {
	// Revision returns the revision of the durable value of key, 0 when there
	// is none.
	Revision(ctx context.Context, key string) (uint64, error)
}
