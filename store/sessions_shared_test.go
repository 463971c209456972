package store_test

import (
	"context"
	"testing"
	"time"

	"github.com/portvakt/portvakt/login"
	"github.com/portvakt/portvakt/store"
	"github.com/portvakt/portvakt/store/mem"
)

// Two nodes take the accounting of the same devices: what one was told of the
// other ends, when a person reports fraud there, when a device begins anew, and
// when it is too old.
func TestSessionsOfAnotherNodeAreEndedToo(t *testing.T) {
	t.Parallel()
	cfg := store.DefaultSessionsConfig()
	cfg.Shared = true
	kv := mem.New()
	here, there := sessionsOn(t, kv, cfg), sessionsOn(t, kv, cfg)
	record(t, there, told(login.SessionStart, 0), told(login.SessionStart, 0, named("gw2", "s2", "bob")))
	got, err := here.Of(t.Context(), "", "alice", noon)
	if err != nil || len(got) != 1 || got[0].ID != "s1" {
		t.Errorf("alice's sessions: %v, %v", got, err)
	}
	record(t, here, told(login.SessionOn, 1))
	if got, want := story(t, there), "alice s1 0-1 accounting_on in 0; bob s2 0-… in 0"; got != want {
		t.Errorf("after the device began anew: got %s, want %s", got, want)
	}
	// It has ended there, too: nobody is to be disconnected.
	if got, err := there.Of(t.Context(), "", "alice", noon.Add(2*time.Minute)); err != nil || len(got) != 0 {
		t.Errorf("alice's sessions at the other node: %v, %v", got, err)
	}
	record(t, there, told(login.SessionStop, 60, named("gw2", "s2", "bob")))
	if err := here.Expire(t.Context(), noon.Add(31*24*time.Hour)); err != nil {
		t.Fatal(err)
	}
	if got := story(t, there); got != "" {
		t.Errorf("after a month: %s", got)
	}
}

// Of what the other node has recorded, as much must go as there are too many.
func TestSessionsOfAnotherNodeAreCounted(t *testing.T) {
	t.Parallel()
	cfg := store.DefaultSessionsConfig()
	cfg.Shared, cfg.MaxSessions, cfg.MaxClientSessions = true, 16, 16
	kv := mem.New()
	here, there := sessionsOn(t, kv, cfg), sessionsOn(t, kv, cfg)
	for i := range 16 {
		id := string(rune('a' + i))
		record(t, there, told(login.SessionStart, i, named("gw", "there-"+id, "bob")))
		record(t, here, told(login.SessionStart, i, named("gw", "here-"+id, "alice")))
	}
	if err := here.Expire(t.Context(), noon); err != nil { // each hour
		t.Fatal(err)
	}
	record(t, here, told(login.SessionStart, 20, named("gw", "last", "alice")))
	n := 0
	if err := here.List(t.Context(), "", func(login.Session) error { n++; return nil }); err != nil || n != 16 {
		t.Errorf("%d sessions are kept, %v; want 16", n, err)
	}
}

// Where nobody else records nothing is read for it.
func TestSessionsOfOneNodeAreNotReadAgain(t *testing.T) {
	t.Parallel()
	kv := &scans{KV: mem.New()}
	s := sessionsOn(t, kv, store.DefaultSessionsConfig())
	before := kv.n
	record(t, s, told(login.SessionStart, 0), told(login.SessionOn, 1))
	if _, err := s.Of(t.Context(), "", "alice", noon); err != nil || kv.n != before {
		t.Errorf("%d scans, %v", kv.n-before, err)
	}
}

type scans struct {
	store.KV
	n int
}

func (s *scans) Scan(ctx context.Context, prefix string, fn func(string, store.Value) error) error {
	s.n++
	return s.KV.Scan(ctx, prefix, fn)
}
