package store_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/portvakt/portvakt/login"
	"github.com/portvakt/portvakt/store"
	"github.com/portvakt/portvakt/store/mem"
	"github.com/portvakt/portvakt/store/storetest"
)

// A record that opens and is of another version, or says nothing, hides no other.
func TestAnEnrollmentThatCannotBeReadHidesNoOther(t *testing.T) {
	t.Parallel()
	kv := store.Sealed(mem.New(), ring(t, "1 "+key64(1)).Sealer("store"))
	e := store.NewEnrollments(kv)
	for _, id := range []string{"a", "b"} {
		if err := e.Update(t.Context(), id, id, func(e *login.Enrollment) error {
			e.Language = "nb"
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	storetest.Put(t, kv, "enroll/a0", "\x09of a newer program")
	storetest.Put(t, kv, "enroll/a1", "\x01\xff")
	storetest.Put(t, kv, "enroll/%zz", "\x01")
	var listed []string
	err := e.List(t.Context(), func(id, _ string, _ login.Enrollment) error {
		listed = append(listed, id)
		return nil
	})
	if got := strings.Join(listed, " "); got != "a b" {
		t.Errorf("listed %q", got)
	}
	if n, other := store.Unopened(err); n != 3 || other != nil || !errors.Is(err, store.ErrUnreadable) {
		t.Errorf("%d unreadable, %v; want 3", n, err)
	}
	for _, id := range []string{"a0", "a1"} {
		if _, err := e.Enrollment(t.Context(), id); !errors.Is(err, store.ErrUnreadable) {
			t.Errorf("%s: %v, want that it cannot be read", id, err)
		}
		if err := e.Forget(t.Context(), id); err != nil {
			t.Error(err)
		}
		if got, err := e.Enrollment(t.Context(), id); err != nil || got.Rev != 0 {
			t.Errorf("%s is still there: %+v, %v", id, got, err)
		}
	}
}

// What is under a key that another daemon has already, or that was only taken out
// of the ring, is not damaged.
func TestRemoveDamagedKeepsWhatAnotherKeyOpens(t *testing.T) {
	t.Parallel()
	raw := mem.New()
	first, second := ring(t, "1 "+key64(1)).Sealer("store"), ring(t, "2 "+key64(2)).Sealer("store")
	both := ring(t, "1 "+key64(1)+"\n2 "+key64(2)+" active").Sealer("store")
	storetest.Put(t, store.Sealed(raw, first), "k/first", "x")
	if err := store.CheckKey(t.Context(), raw, first); err != nil {
		t.Fatal(err)
	}
	storetest.Put(t, store.Sealed(raw, second), "k/second", "x")
	storetest.Put(t, raw, "k/short", "x")
	remove := func(s login.Sealer) (keys string, err error) {
		err = store.RemoveDamaged(t.Context(), raw, s, func(key string, why error) {
			keys += key + " "
			if why == nil {
				t.Errorf("%s is removed without a reason", key)
			}
		})
		return keys, err
	}
	// The other daemon begins to use its key while this one looks.
	late := &lateCheck{KV: raw, then: func() error { return store.CheckKey(t.Context(), raw, both) }}
	if err := store.RemoveDamaged(t.Context(), late, first, func(string, error) {}); !errors.Is(err, store.ErrMissingKey) {
		t.Errorf("a key that came meanwhile: %v", err)
	}
	if keys, err := remove(first); keys != "" || !errors.Is(err, store.ErrMissingKey) {
		t.Errorf("removed %q, %v; want that a key is missing", keys, err)
	}
	storetest.Get(t, raw, "k/second")
	storetest.Put(t, raw, "k/never", "damaged in its first octet: under a key that never was")
	if keys, err := remove(both); keys != "k/never k/short " || err != nil {
		t.Errorf("removed %q, %v", keys, err)
	}
	for _, key := range []string{"k/first", "k/second"} {
		storetest.Get(t, raw, key)
	}
}

// A lateCheck lets something happen between the look at the keys and the values.
type lateCheck struct {
	store.KV
	then func() error
}

func (l *lateCheck) Get(ctx context.Context, key string) (store.Value, error) {
	if l.then != nil {
		if err := l.then(); err != nil {
			return store.Value{}, err
		}
		l.then = nil
	}
	return l.KV.Get(ctx, key)
}
