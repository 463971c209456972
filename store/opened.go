package store

import "context"

const (
	// maxOpened bounds the opened values that are kept, openedSize each of
	// them in octets: those of some thousand logins under way.
	maxOpened  = 8 << 10
	openedSize = 2 << 10
)

// An openedKV is a sealed one over a [Reviser]. It keeps values that were
// opened lately: one login reads the same few records several times.
type openedKV struct {
	sealedKV
	revisions Reviser
	opened    *lately[Value]
}

var _ Reviser = (*openedKV)(nil)

// Get opens the value of key, unless it was opened before and has not changed.
func (k *openedKV) Get(ctx context.Context, key string) (Value, error) {
	if v, ok := k.opened.get(key); ok {
		rev, err := k.revisions.Revision(ctx, key)
		if err != nil {
			return Value{}, err
		}
		if rev == v.Rev {
			return v, nil
		}
	}
	v, err := k.sealedKV.Get(ctx, key)
	if err == nil && len(v.Data) <= openedSize {
		k.opened.keep(key, v)
	}
	return v, err
}

// Revision returns the revision of the value of key.
func (k *openedKV) Revision(ctx context.Context, key string) (uint64, error) {
	return k.revisions.Revision(ctx, key)
}
