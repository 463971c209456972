package open

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"

	"github.com/portvakt/portvakt/login"
	"github.com/portvakt/portvakt/store"
	"github.com/portvakt/portvakt/store/bolt"
)

// ErrNotEmpty is wrapped by the error of [Fill] when there are records already.
var ErrNotEmpty = errors.New("open: the store is not empty")

// fillers swap at a time: a cluster answers many requests as soon as one.
const fillers = 64

// Fill puts the records of a copy that [bolt.KV.Backup] has made into a
// configured store that has none, as they are sealed, and returns how many. The
// copy must open under the configured key ring.
func Fill(ctx context.Context, c store.Config, backup string, log *slog.Logger) (filled int, err error) {
	// The copy is checked as for a restore, in a place where nothing depends on it.
	dir, err := os.MkdirTemp("", "portvakt-fill-")
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	path := filepath.Join(dir, "portvakt.db")
	if err := bolt.Restore(backup, path, false); err != nil {
		return 0, err
	}
	from, err := bolt.Open(path, bolt.Options{Log: log})
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, from.Close()) }()
	if _, _, err := Unlock(ctx, c, from); err != nil {
		return 0, fmt.Errorf("%s: %w", backup, err)
	}
	to, err := backend(c, log)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, to.Close()) }()
	if err := empty(ctx, to); err != nil {
		return 0, fmt.Errorf("%s: %w", c.Place(), err)
	}
	return pour(ctx, from, to)
}

// empty says whether a store has records, other than those that say which keys
// it is sealed under.
func empty(ctx context.Context, kv store.KV) error {
	return kv.Scan(ctx, "", func(key string, _ store.Value) error {
		if store.IsCheck(key) {
			return nil
		}
		return fmt.Errorf("it has %q: %w", key, ErrNotEmpty)
	})
}

func pour(ctx context.Context, from, to store.KV) (int, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	type record struct {
		key  string
		data []byte
	}
	records := make(chan record)
	var done atomic.Int64
	var all sync.WaitGroup
	for range fillers {
		all.Go(func() {
			for r := range records {
				err := to.Swap(ctx, r.key, 0, r.data)
				switch {
				case err == nil:
					done.Add(1)
				case errors.Is(err, login.ErrConflict) && store.IsCheck(r.key): // it says the same
				default:
					cancel(fmt.Errorf("write %q: %w", r.key, err))
				}
			}
		})
	}
	err := from.Scan(ctx, "", func(key string, v store.Value) error {
		select {
		case records <- record{key, v.Data}:
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	})
	close(records)
	all.Wait()
	if cause := context.Cause(ctx); cause != nil {
		err = cause
	}
	return int(done.Load()), err
}
