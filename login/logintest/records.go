package logintest

import (
	"bytes"
	"context"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/portvakt/portvakt/login"
)

// Records is a [login.Scanner] in memory whose failures a test can choose. The
// zero value is empty and ready. The exported fields may be changed while no
// call is under way.
type Records struct {
	// Fail is returned by every call, which then does nothing.
	Fail error
	// FailSwap is returned by Swap, which then does nothing.
	FailSwap error
	// LoseReply is returned by a Swap that was done: the store was cut off
	// after it wrote, and nobody knows.
	LoseReply error
	// Delay is how long every call takes.
	Delay time.Duration

	mu   sync.Mutex
	rev  uint64
	data map[string]login.Value
}

var _ login.Scanner = (*Records)(nil)

// Get returns the value of key, or [login.ErrNotFound].
func (r *Records) Get(ctx context.Context, key string) (login.Value, error) {
	if err := r.wait(ctx); err != nil {
		return login.Value{}, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	v, ok := r.data[key]
	if !ok {
		return login.Value{}, login.ErrNotFound
	}
	return v, nil
}

// Swap replaces the value of key if it has the revision.
func (r *Records) Swap(ctx context.Context, key string, rev uint64, data []byte) error {
	if err := r.wait(ctx); err != nil {
		return err
	}
	if r.FailSwap != nil {
		return r.FailSwap
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.data[key].Rev != rev {
		return login.ErrConflict
	}
	if data == nil {
		delete(r.data, key)
		return r.LoseReply
	}
	if r.data == nil {
		r.data = make(map[string]login.Value)
	}
	r.rev++
	r.data[key] = login.Value{Data: bytes.Clone(data), Rev: r.rev}
	return r.LoseReply
}

// Scan calls fn for each key with the prefix, in order.
func (r *Records) Scan(ctx context.Context, prefix string, fn func(key string, v login.Value) error) error {
	if err := r.wait(ctx); err != nil {
		return err
	}
	r.mu.Lock()
	all := maps.Clone(r.data)
	r.mu.Unlock()
	for _, key := range slices.Sorted(maps.Keys(all)) {
		if !strings.HasPrefix(key, prefix) {
			continue
		}
		if err := fn(key, all[key]); err != nil {
			return err
		}
	}
	return nil
}

// Clear forgets every record.
func (r *Records) Clear() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.data = nil
}

func (r *Records) wait(ctx context.Context) error {
	if r.Fail != nil {
		return r.Fail
	}
	if r.Delay > 0 {
		timer := time.NewTimer(r.Delay)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
		}
	}
	return ctx.Err()
}
