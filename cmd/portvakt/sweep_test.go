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

// What was left before a restart goes at once, and what is left later within
// sweepEvery; both are of a version before, which has ended.
func TestTheDaemonSweeps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		kv := mem.New()
		d := &daemon{log: slog.New(slog.DiscardHandler)}
		d.current.Store(&running{system: &system{storage: &storage{kv: kv}}})
		ctx, stop := context.WithCancel(t.Context())
		leave := func() {
			t.Helper()
			if err := kv.Swap(ctx, login.GrantKey("id"), 0, []byte{1, 1}); err != nil {
				t.Fatal(err)
			}
		}
		gone := func(when string) {
			t.Helper()
			if _, err := kv.Get(ctx, login.GrantKey("id")); !errors.Is(err, login.ErrNotFound) {
				t.Errorf("%s: %v", when, err)
			}
		}
		leave()
		ended := make(chan struct{})
		go func() { d.sweep(ctx); close(ended) }()
		synctest.Wait()
		gone("at the start")
		leave()
		time.Sleep(sweepEvery)
		synctest.Wait()
		gone("later")
		stop()
		<-ended
	})
}
