package storetest

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/portvakt/portvakt/login"
	"github.com/portvakt/portvakt/store"
)

// each calls fn(0) … fn(n-1) from several goroutines.
func each(n, workers int, fn func(i int)) {
	var next atomic.Int64
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				fn(i)
			}
		})
	}
	wg.Wait()
}

func race(t *testing.T, kv store.KV) {
	const rounds, racers = 20, 16
	rev := uint64(0)
	for round := range rounds {
		var won, lost atomic.Int32
		var winner atomic.Value
		var wg sync.WaitGroup
		for racer := range racers {
			wg.Go(func() {
				data := fmt.Sprintf("%d/%d", round, racer)
				switch err := kv.Swap(t.Context(), "hot", rev, []byte(data)); {
				case err == nil:
					won.Add(1)
					winner.Store(data)
				case errors.Is(err, login.ErrConflict):
					lost.Add(1)
				default:
					t.Errorf("Swap: %v", err)
				}
			})
		}
		wg.Wait()
		if won.Load() != 1 || lost.Load() != racers-1 {
			t.Fatalf("round %d: %d won and %d lost, want 1 and %d", round, won.Load(), lost.Load(), racers-1)
		}
		wantData(t, kv, "hot", winner.Load().(string))
		rev = Get(t, kv, "hot").Rev
	}
}

// crowd counts in several keys at once: no increment may be lost.
func crowd(t *testing.T, kv store.KV) {
	const workers, keys, times = 16, 4, 10
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			key := fmt.Sprintf("n/%d", w%keys)
			for range times {
				if err := increment(t, kv, key); err != nil {
					t.Errorf("increment %q: %v", key, err)
					return
				}
			}
		})
	}
	wg.Wait()
	for k := range keys {
		wantData(t, kv, fmt.Sprintf("n/%d", k), fmt.Sprint(workers/keys*times))
	}
}

func increment(t *testing.T, kv store.KV, key string) error {
	for {
		var n int
		v, err := kv.Get(t.Context(), key)
		if err != nil && !errors.Is(err, login.ErrNotFound) {
			return err
		}
		if err == nil {
			if _, err := fmt.Sscan(string(v.Data), &n); err != nil {
				return err
			}
		}
		err = kv.Swap(t.Context(), key, v.Rev, fmt.Append(nil, n+1))
		if !errors.Is(err, login.ErrConflict) {
			return err
		}
	}
}
