package storetest

import (
	"testing"

	"github.com/portvakt/portvakt/login"
	"github.com/portvakt/portvakt/store"
)

// started is for a backend that is a [login.Starter], and those above it.
func started(t *testing.T, kv store.KV) {
	s, ok := kv.(login.Starter)
	if !ok {
		return
	}
	start := func(key string, rev uint64, data []byte) func() {
		t.Helper()
		p, err := s.Start(t.Context(), key, rev, data)
		if err != nil {
			t.Fatalf("start %q: %v", key, err)
		}
		return func() {
			t.Helper()
			if p == nil {
				return
			}
			if err := p.Wait(t.Context()); err != nil {
				t.Errorf("wait for %q: %v", key, err)
			}
		}
	}
	one, two := start("a", 0, []byte("one")), start("b", 0, []byte("two"))
	// The loser of a race waits for the winner, which is not durable yet.
	_, err := s.Start(t.Context(), "a", 0, []byte("again"))
	wantErr(t, err, login.ErrConflict)
	one()
	two()
	wantData(t, kv, "a", "one")
	wantData(t, kv, "b", "two")

	start("a", Get(t, kv, "a").Rev, nil)()
	_, err = kv.Get(t.Context(), "a")
	wantErr(t, err, login.ErrNotFound)
	start("a", 0, nil)() // nothing to do
	_, err = s.Start(t.Context(), "", 0, []byte("x"))
	wantErr(t, err, store.ErrLimit)
}
