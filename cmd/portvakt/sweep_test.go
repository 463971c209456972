package main

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/portvakt/portvakt/login"
	"github.com/portvakt/portvakt/store"
	"github.com/portvakt/portvakt/store/mem"
)

// What was left before a restart goes at once, and what is left later when its
// time comes round; both are of a version before, which has ended.
func TestTheDaemonSweeps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		kv := mem.New()
		d := &daemon{log: slog.New(slog.DiscardHandler)}
		d.current.Store(&running{system: &system{storage: &storage{kv: kv}}})
		ctx, stop := context.WithCancel(t.Context())
		left := map[string][]byte{
			login.GrantKey("id"): {1, 1},
			"sms/cap/user/id":    {1, 0}, // nothing counts
		}
		leave := func() {
			t.Helper()
			for key, data := range left {
				if err := kv.Swap(ctx, key, 0, data); err != nil {
					t.Fatal(err)
				}
			}
		}
		gone := func(when string) {
			t.Helper()
			for key := range left {
				if _, err := kv.Get(ctx, key); !errors.Is(err, login.ErrNotFound) {
					t.Errorf("%s: %s: %v", when, key, err)
				}
			}
		}
		leave()
		ended := make(chan struct{})
		go func() { d.sweep(ctx); close(ended) }()
		synctest.Wait()
		gone("at the start")
		leave()
		time.Sleep(sweepCapsEvery)
		synctest.Wait()
		gone("later")
		stop()
		<-ended
	})
}

// A record that does not open keeps no other from being swept, and is told of
// once, not each time.
func TestADamagedRecordIsToldOnceAndSweptPast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ring, err := store.ParseRing([]byte("1 AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="))
		if err != nil {
			t.Fatal(err)
		}
		raw := mem.New()
		kv := store.Sealed(raw, ring.Sealer("store"))
		var log strings.Builder
		d := &daemon{log: slog.New(slog.NewTextHandler(&log, nil))}
		d.current.Store(&running{system: &system{storage: &storage{kv: kv}}})
		ctx, stop := context.WithCancel(t.Context())
		put := func(kv store.KV, id string) {
			t.Helper()
			if err := kv.Swap(ctx, login.GrantKey(id), 0, []byte{1, 1}); err != nil {
				t.Fatal(err)
			}
		}
		told := func(when string, times int, says string) {
			t.Helper()
			if n := strings.Count(log.String(), "level=ERROR"); n != times || !strings.Contains(log.String(), says) {
				t.Errorf("%s: told %d times, want %d with %s:\n%s", when, n, times, says, log.String())
			}
		}
		put(raw, "a") // not sealed: does not open
		put(kv, "b")
		ended := make(chan struct{})
		go func() { d.sweep(ctx); close(ended) }()
		synctest.Wait()
		if _, err := kv.Get(ctx, login.GrantKey("b")); !errors.Is(err, login.ErrNotFound) {
			t.Errorf("behind the damaged one: %v, want that it is gone", err)
		}
		told("at the start", 1, `grant/\": 1; one of them`)
		time.Sleep(3 * sweepEvery)
		synctest.Wait()
		told("later", 1, "portvakt restore")
		put(raw, "c")
		time.Sleep(sweepEvery)
		synctest.Wait()
		told("one more", 2, `grant/\": 2; one of them`)
		stop()
		<-ended
	})
}
