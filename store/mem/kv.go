package mem

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
	"sync"

	"github.com/portvakt/portvakt/login"
	"github.com/portvakt/portvakt/store"
)

// A KV is a [store.KV] in memory. Use [New].
type KV struct {
	mu     sync.RWMutex
	values map[string]store.Value
	rev    uint64
	closed bool
}

var (
	_ store.KV      = (*KV)(nil)
	_ store.Reviser = (*KV)(nil)
	_ login.Starter = (*KV)(nil)
)

// New returns an empty KV.
func New() *KV { return &KV{values: make(map[string]store.Value)} }

// Get returns the value of key, or [login.ErrNotFound].
func (kv *KV) Get(ctx context.Context, key string) (store.Value, error) {
	if err := ctx.Err(); err != nil {
		return store.Value{}, err
	}
	if err := store.ValidKey(key); err != nil {
		return store.Value{}, err
	}
	kv.mu.RLock()
	defer kv.mu.RUnlock()
	if kv.closed {
		return store.Value{}, store.ErrClosed
	}
	v, ok := kv.values[key]
	if !ok {
		return store.Value{}, login.ErrNotFound
	}
	return v, nil
}

// Revision returns the revision of the value of key, 0 when there is none.
func (kv *KV) Revision(ctx context.Context, key string) (uint64, error) {
	v, err := kv.Get(ctx, key)
	if errors.Is(err, login.ErrNotFound) {
		err = nil
	}
	return v.Rev, err
}

// Swap replaces the value that has revision rev.
func (kv *KV) Swap(ctx context.Context, key string, rev uint64, data []byte) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := store.ValidSwap(key, data); err != nil {
		return err
	}
	kv.mu.Lock()
	defer kv.mu.Unlock()
	if kv.closed {
		return store.ErrClosed
	}
	if kv.values[key].Rev != rev {
		return login.ErrConflict
	}
	kv.rev++
	if data == nil {
		delete(kv.values, key)
		return nil
	}
	kv.values[key] = store.Value{Data: bytes.Clone(data), Rev: kv.rev}
	return nil
}

// Start is Swap: nothing is waited for in memory.
func (kv *KV) Start(ctx context.Context, key string, rev uint64, data []byte) (login.Pending, error) {
	return nil, kv.Swap(ctx, key, rev, data)
}

// Scan calls fn for each key with the prefix in order.
func (kv *KV) Scan(ctx context.Context, prefix string, fn func(key string, v store.Value) error) error {
	keys, err := kv.keys(prefix)
	if err != nil {
		return err
	}
	for _, key := range keys {
		if err := ctx.Err(); err != nil {
			return err
		}
		kv.mu.RLock()
		v, ok := kv.values[key]
		kv.mu.RUnlock()
		if !ok {
			continue
		}
		if err := fn(key, v); err != nil {
			return err
		}
	}
	return ctx.Err()
}

func (kv *KV) keys(prefix string) ([]string, error) {
	kv.mu.RLock()
	defer kv.mu.RUnlock()
	if kv.closed {
		return nil, store.ErrClosed
	}
	var keys []string
	for key := range kv.values {
		if strings.HasPrefix(key, prefix) {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return keys, nil
}

// Close makes every later call fail with [store.ErrClosed].
func (kv *KV) Close() error {
	kv.mu.Lock()
	defer kv.mu.Unlock()
	kv.closed = true
	kv.values = nil
	return nil
}
