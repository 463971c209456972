package store_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/portvakt/portvakt/login"
	"github.com/portvakt/portvakt/store"
	"github.com/portvakt/portvakt/store/mem"
	"github.com/portvakt/portvakt/store/storetest"
)

func TestSealedConformance(t *testing.T) {
	t.Parallel()
	s := ring(t, "1 "+key64(1)).Sealer("store")
	storetest.Run(t, func(*testing.T) store.KV { return store.Sealed(mem.New(), s) })
}

func TestSealedValuesAreNotReadableBelow(t *testing.T) {
	t.Parallel()
	raw := mem.New()
	kv := store.Sealed(raw, ring(t, "1 "+key64(1)).Sealer("store"))
	storetest.Put(t, kv, "a", "GEZDGNBVGY3TQOJQ")
	if got := storetest.Get(t, raw, "a").Data; strings.Contains(string(got), "GEZD") {
		t.Error("the seed is readable")
	}
}

// Whoever can write the database must not be able to give his token to
// somebody else.
func TestMovedValueDoesNotOpen(t *testing.T) {
	t.Parallel()
	raw := mem.New()
	kv := store.Sealed(raw, ring(t, "1 "+key64(1)).Sealer("store"))
	storetest.Put(t, kv, "enroll/mallory", "his token")
	storetest.Put(t, raw, "enroll/alice", string(storetest.Get(t, raw, "enroll/mallory").Data))
	if _, err := kv.Get(t.Context(), "enroll/alice"); !errors.Is(err, store.ErrSealed) || !strings.Contains(err.Error(), "enroll/alice") {
		t.Errorf("got %v, want an error that names the record", err)
	}
	err := kv.Scan(t.Context(), "", func(string, store.Value) error { return nil })
	if !errors.Is(err, store.ErrSealed) {
		t.Errorf("scan: got %v", err)
	}
}

// What this package keeps about keys is nobody's value.
func TestRecordsAboutKeysAreNotListed(t *testing.T) {
	t.Parallel()
	raw, s := mem.New(), ring(t, "1 "+key64(1)).Sealer("store")
	if err := store.CheckKey(t.Context(), raw, s); err != nil {
		t.Fatal(err)
	}
	kv := store.Sealed(raw, s)
	storetest.Put(t, kv, "a", "1")
	var keys []string
	if err := kv.Scan(t.Context(), "", func(key string, _ store.Value) error {
		keys = append(keys, key)
		return nil
	}); err != nil || strings.Join(keys, " ") != "a" {
		t.Errorf("got %q, %v, want only a", keys, err)
	}
}

func TestS28WrongKeyRingIsRefused(t *testing.T) {
	t.Parallel()
	one, two := "1 "+key64(1)+"\n", "2 "+key64(2)
	for name, tc := range map[string]struct {
		rings []string // opened in turn
		ok    bool     // the last of them
		says  string
	}{
		"the same again":               {[]string{one, one}, true, ""},
		"a new key, active":            {[]string{one, one + two + " active"}, true, ""},
		"and the old one removed":      {[]string{one, one + two + " active", two}, false, "key 1"},
		"a new key, not active":        {[]string{one, one + two, one}, true, ""},
		"another key of the same id":   {[]string{one, "1 " + key64(7)}, false, "not the one"},
		"another ring":                 {[]string{one, "3 " + key64(7)}, false, "key 1"},
		"without the latest":           {[]string{one, one + two + " active", one}, false, "key 2"},
		"a key that was used long ago": {[]string{"5 " + key64(5), "5 " + key64(5) + "\n" + two + " active", one}, false, "key"},
	} {
		raw := mem.New()
		for i, text := range tc.rings {
			s := ring(t, text).Sealer("store")
			err := store.CheckKey(t.Context(), raw, s)
			if last := i == len(tc.rings)-1; !last || tc.ok {
				if err != nil {
					t.Errorf("%s: %v", name, err)
				}
				storetest.Put(t, store.Sealed(raw, s), fmt.Sprint(i), "x")
			} else if err == nil || !strings.Contains(err.Error(), tc.says) || !strings.Contains(err.Error(), "key ring") {
				t.Errorf("%s: got %v, want a refusal that says %q", name, err, tc.says)
			}
		}
	}
}

// A database that has values but no check record is checked by a value.
func TestWrongKeyRingIsRefusedWithoutCheckRecord(t *testing.T) {
	t.Parallel()
	raw := mem.New()
	storetest.Put(t, store.Sealed(raw, ring(t, "1 "+key64(1)).Sealer("store")), "a", "x")
	if err := store.CheckKey(t.Context(), raw, ring(t, "1 "+key64(2)).Sealer("store")); !errors.Is(err, store.ErrSealed) {
		t.Errorf("got %v, want that it does not open", err)
	}
	if err := store.CheckKey(t.Context(), raw, ring(t, "1 "+key64(1)).Sealer("store")); err != nil {
		t.Errorf("the right ring: %v", err)
	}
}

// Values of another ring are not taken for those of this one, whose keys have the
// same numbers.
func TestRewrapWithAnotherRingChangesNothing(t *testing.T) {
	t.Parallel()
	raw := mem.New()
	right := ring(t, "1 "+key64(1)+"\n2 "+key64(2)).Sealer("store")
	if err := store.CheckKey(t.Context(), raw, right); err != nil {
		t.Fatal(err)
	}
	storetest.Put(t, store.Sealed(raw, right), "a", "x")
	wrong := ring(t, "1 "+key64(7)+"\n2 "+key64(8)+" active").Sealer("store")
	if n, err := store.Rewrap(t.Context(), raw, wrong); n != 0 || !errors.Is(err, store.ErrSealed) || !strings.Contains(err.Error(), "key ring") {
		t.Errorf("got %d, %v, want that the key ring is not the one", n, err)
	}
	if err := store.CheckKey(t.Context(), raw, right); err != nil || string(storetest.Get(t, store.Sealed(raw, right), "a").Data) != "x" {
		t.Errorf("the right ring: %v", err)
	}
}

// lateKV has a daemon that goes on with the old ring write something once all
// else is rewrapped.
type lateKV struct {
	store.KV

	scans int
	write func()
}

func (k *lateKV) Scan(ctx context.Context, prefix string, fn func(string, store.Value) error) error {
	if prefix == "" {
		if k.scans++; k.scans == 2 {
			k.write()
		}
	}
	return k.KV.Scan(ctx, prefix, fn)
}

// A key that some value is still under is named in the database, so that it is
// refused without it; and so is the active one, also where there is no value.
func TestRewrapForgetsNoKeyThatIsNeeded(t *testing.T) {
	t.Parallel()
	raw := mem.New()
	old := ring(t, "1 "+key64(1)).Sealer("store")
	both := ring(t, "1 "+key64(1)+"\n2 "+key64(2)+" active").Sealer("store")
	alone := ring(t, "2 "+key64(2)).Sealer("store")
	if err := store.CheckKey(t.Context(), raw, old); err != nil {
		t.Fatal(err)
	}
	kv := &lateKV{KV: raw, write: func() { storetest.Put(t, store.Sealed(raw, old), "a", "x") }}
	if _, err := store.Rewrap(t.Context(), kv, both); err != nil || kv.scans != 2 {
		t.Fatal(kv.scans, err)
	}
	if err := store.CheckKey(t.Context(), raw, alone); !errors.Is(err, store.ErrMissingKey) {
		t.Errorf("with a value under the old key, without it: %v", err)
	}
	if _, err := store.Rewrap(t.Context(), raw, both); err != nil {
		t.Fatal(err)
	}
	if err := raw.Swap(t.Context(), "a", storetest.Get(t, raw, "a").Rev, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Rewrap(t.Context(), raw, both); err != nil {
		t.Fatal(err)
	}
	if err := store.CheckKey(t.Context(), raw, old); !errors.Is(err, store.ErrMissingKey) {
		t.Errorf("with no value, and another ring: %v", err)
	}
}

func TestRewrapMovesEverythingToTheActiveKey(t *testing.T) {
	t.Parallel()
	raw := mem.New()
	old := ring(t, "1 "+key64(1)).Sealer("store")
	if err := store.CheckKey(t.Context(), raw, old); err != nil {
		t.Fatal(err)
	}
	for i := range 300 {
		storetest.Put(t, store.Sealed(raw, old), fmt.Sprintf("k/%d", i), fmt.Sprint(i))
	}
	both := ring(t, "1 "+key64(1)+"\n2 "+key64(2)+" active").Sealer("store")
	storetest.Put(t, store.Sealed(raw, both), "new", "x")
	busy := &busyKV{KV: raw, s: store.Sealed(raw, both)}
	for _, want := range []int{299, 0} { // one was written under the new key meanwhile
		got, err := store.Rewrap(t.Context(), busy, both)
		if err != nil || got != want {
			t.Fatalf("Rewrap changed %d, %v; want %d", got, err, want)
		}
	}
	alone := ring(t, "2 "+key64(2)).Sealer("store")
	if err := store.CheckKey(t.Context(), raw, alone); err != nil {
		t.Fatalf("the old key is still needed: %v", err)
	}
	for i := range 300 {
		want := fmt.Sprint(i)
		if i == 7 {
			want = "meanwhile"
		}
		if got := string(storetest.Get(t, store.Sealed(raw, alone), fmt.Sprintf("k/%d", i)).Data); got != want {
			t.Errorf("k/%d is %q, want %q", i, got, want)
		}
	}
}

// busyKV has one record written by somebody else between Get and Swap.
type busyKV struct {
	store.KV
	s    store.KV
	done bool
}

func (b *busyKV) Swap(ctx testContext, key string, rev uint64, data []byte) error {
	if key == "k/7" && !b.done {
		b.done = true
		if err := b.s.Swap(ctx, key, rev, []byte("meanwhile")); err != nil {
			return err
		}
		return login.ErrConflict
	}
	return b.KV.Swap(ctx, key, rev, data)
}
