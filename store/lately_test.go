package store

import "testing"

// Keys of the same hash are told apart by the key: one account must not be given
// what another has.
func TestEqualHashesAreNotEqualKeys(t *testing.T) {
	t.Parallel()
	l := newLately[string](latelyLocks)
	l.keep("alice", "her app")
	p, _, m := l.lock("alice")
	p.key = "mallory"
	m.Unlock()
	if got, ok := l.get("alice"); ok {
		t.Errorf("alice is given %q of another key", got)
	}
	l.forget("alice")
	if p.key != "mallory" {
		t.Error("the value of another key is forgotten")
	}
}
