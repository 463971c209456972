package store

import (
	"context"
	"hash/maphash"
	"sync"
)

const (
	openedShards = 16
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
	seed      maphash.Seed
	shards    [openedShards]openedShard
}

type openedShard struct {
	mu     sync.Mutex
	values map[string]Value
}

var _ Reviser = (*openedKV)(nil)

func (k *openedKV) shard(key string) *openedShard {
	return &k.shards[maphash.String(k.seed, key)%openedShards]
}

// Get opens the value of key, unless it was opened before and has not changed.
func (k *openedKV) Get(ctx context.Context, key string) (Value, error) {
	s := k.shard(key)
	s.mu.Lock()
	v, ok := s.values[key]
	s.mu.Unlock()
	if ok {
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
		s.keep(key, v)
	}
	return v, err
}

// Revision returns the revision of the value of key.
func (k *openedKV) Revision(ctx context.Context, key string) (uint64, error) {
	return k.revisions.Revision(ctx, key)
}

func (s *openedShard) keep(key string, v Value) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.values == nil {
		s.values = make(map[string]Value)
	}
	if _, ok := s.values[key]; !ok && len(s.values) >= maxOpened/openedShards {
		for other := range s.values {
			delete(s.values, other) // any one: maps begin anywhere
			break
		}
	}
	s.values[key] = v
}
