package open

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/portvakt/portvakt/store"
	"github.com/portvakt/portvakt/store/bolt"
	"github.com/portvakt/portvakt/store/etcd"
)

// A Store is an open database. Close closes it.
type Store struct {
	// KV has the values in the clear.
	KV store.KV
	// Raw has them sealed; it is for copies, rewrapping and statistics.
	Raw store.KV
	// Ring seals for other purposes, such as tickets.
	Ring *store.Ring
}

// purpose keeps values of the store apart from whatever else is sealed under
// the same key ring; see [store.Ring.Sealer].
const purpose = "store"

// Open opens the configured store, and refuses one that was sealed under other
// keys.
func Open(ctx context.Context, c store.Config, log *slog.Logger) (*Store, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	raw, err := backend(c, log)
	if err != nil {
		return nil, err
	}
	kv, ring, err := Unlock(ctx, c, raw)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", c.Place(), err), raw.Close())
	}
	return &Store{KV: kv, Raw: raw, Ring: ring}, nil
}

func backend(c store.Config, log *slog.Logger) (store.KV, error) {
	if c.Shared() {
		kv, err := etcd.Open(c.Cluster)
		if err != nil {
			return nil, err // not a nil *etcd.KV
		}
		return kv, nil
	}
	kv, err := bolt.Open(c.Path, bolt.Options{Log: log})
	if err != nil {
		return nil, err
	}
	return kv, nil
}

// Unlock returns the values of an opened backend in the clear, under the
// configured key ring, and refuses a ring that they were not sealed under.
func Unlock(ctx context.Context, c store.Config, raw store.KV) (store.KV, *store.Ring, error) {
	ring, err := c.Ring()
	if err != nil {
		return nil, nil, err
	}
	sealer := ring.Sealer(purpose)
	if err := store.CheckKey(ctx, raw, sealer); err != nil {
		return nil, nil, err
	}
	return store.Sealed(raw, sealer), ring, nil
}

// Apart returns the same values as Unlock for records that come and go by the
// thousand: what is read of them takes no room among the opened values that are
// kept for logins.
func Apart(raw store.KV, ring *store.Ring) store.KV {
	return store.Sealed(struct{ store.KV }{raw}, ring.Sealer(purpose))
}

// Rewrap seals again all values that are not under the active key of the ring,
// and returns how many.
func Rewrap(ctx context.Context, raw store.KV, ring *store.Ring) (changed int, err error) {
	return store.Rewrap(ctx, raw, ring.Sealer(purpose))
}

// RemoveDamaged removes the values that do not open under the ring, as
// [store.RemoveDamaged] does.
func RemoveDamaged(ctx context.Context, raw store.KV, ring *store.Ring, removed func(key string, why error)) error {
	return store.RemoveDamaged(ctx, raw, ring.Sealer(purpose), removed)
}

// Close makes everything durable and closes the database.
func (s *Store) Close() error { return s.Raw.Close() }
