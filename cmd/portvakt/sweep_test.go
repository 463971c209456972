package main

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/portvakt/portvakt/login"
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
