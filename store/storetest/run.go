package storetest

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"github.com/portvakt/portvakt/login"
	"github.com/portvakt/portvakt/store"
)

// Run proves the contract of [store.KV] for a backend. open returns an empty
// KV; the suite closes it.
func Run(t *testing.T, open func(t *testing.T) store.KV) {
	t.Helper()
	for name, rule := range map[string]func(t *testing.T, kv store.KV){
		"a key that is not there is not found":            absent,
		"a swap replaces only the revision it names":      swaps,
		"a deleted key can be made again":                 deletes,
		"revisions are never 0 and never used twice":      revisions,
		"a revision that is told is the value's":          told,
		"what was started is there when waited for":       started,
		"empty data is a value, nil data is none":         emptyData,
		"keys and values outside the limits are refused":  limits,
		"a cancelled context does nothing":                cancelled,
		"data is not kept by Swap and not changed by Get": aliasing,
		"a scan is in order and keeps to its prefix":      scanOrder,
		"a scan sees many keys once":                      scanMany,
		"a scan ends with the error of its function":      scanError,
		"a scan's function may get and swap":              scanWrites,
		"one of many swaps of a revision wins":            race,
		"swaps of different keys do not disturb another":  crowd,
		"a closed store answers with errors":              closes,
	} {
		t.Run(strings.ReplaceAll(name, " ", "_"), func(t *testing.T) {
			t.Parallel()
			kv := open(t)
			t.Cleanup(func() { _ = kv.Close() })
			rule(t, kv)
		})
	}
}

func absent(t *testing.T, kv store.KV) {
	_, err := kv.Get(t.Context(), "a")
	wantErr(t, err, login.ErrNotFound)
	wantErr(t, kv.Swap(t.Context(), "a", 7, []byte("x")), login.ErrConflict)
	wantErr(t, kv.Swap(t.Context(), "a", 7, nil), login.ErrConflict)
	if err := kv.Swap(t.Context(), "a", 0, nil); err != nil {
		t.Errorf("deleting what must not exist and does not: %v", err)
	}
	_, err = kv.Get(t.Context(), "a")
	wantErr(t, err, login.ErrNotFound)
}

func swaps(t *testing.T, kv store.KV) {
	swap(t, kv, "a", 0, []byte("one"))
	one := Get(t, kv, "a")
	wantErr(t, kv.Swap(t.Context(), "a", 0, []byte("again")), login.ErrConflict)
	wantErr(t, kv.Swap(t.Context(), "a", 0, nil), login.ErrConflict)
	wantErr(t, kv.Swap(t.Context(), "a", one.Rev+1, []byte("ahead")), login.ErrConflict)
	wantData(t, kv, "a", "one")
	swap(t, kv, "a", one.Rev, []byte("two"))
	wantData(t, kv, "a", "two")
	wantErr(t, kv.Swap(t.Context(), "a", one.Rev, []byte("late")), login.ErrConflict)
	wantData(t, kv, "a", "two")
	_, err := kv.Get(t.Context(), "b")
	wantErr(t, err, login.ErrNotFound)
}

// told is for a backend that is a [store.Reviser], and those above it.
func told(t *testing.T, kv store.KV) {
	r, ok := kv.(store.Reviser)
	if !ok {
		return
	}
	want := func(key string, rev uint64) {
		t.Helper()
		if got, err := r.Revision(t.Context(), key); err != nil || got != rev {
			t.Errorf("revision of %q is %d %v, want %d", key, got, err, rev)
		}
	}
	want("a", 0)
	one := Put(t, kv, "a", "one")
	want("a", one)
	two := Put(t, kv, "a", "two")
	want("a", two)
	wantData(t, kv, "a", "two")
	want("b", 0)
	swap(t, kv, "a", two, nil)
	want("a", 0)
	_, err := kv.Get(t.Context(), "a")
	wantErr(t, err, login.ErrNotFound)
	want("a", 0)
	_, err = r.Revision(t.Context(), "")
	wantErr(t, err, store.ErrLimit)
}

func deletes(t *testing.T, kv store.KV) {
	rev := Put(t, kv, "a", "one")
	wantErr(t, kv.Swap(t.Context(), "a", rev+1, nil), login.ErrConflict)
	swap(t, kv, "a", rev, nil)
	_, err := kv.Get(t.Context(), "a")
	wantErr(t, err, login.ErrNotFound)
	wantErr(t, kv.Swap(t.Context(), "a", rev, []byte("late")), login.ErrConflict)
	swap(t, kv, "a", 0, []byte("two"))
	wantData(t, kv, "a", "two")
}

// A revision used twice would let a swap that was meant for an earlier value
// replace a later one.
func revisions(t *testing.T, kv store.KV) {
	seen := make(map[uint64]bool)
	for range 20 {
		for range 3 {
			rev := Put(t, kv, "a", "same")
			if seen[rev] {
				t.Fatalf("revision %d came twice", rev)
			}
			seen[rev] = true
		}
		swap(t, kv, "a", Get(t, kv, "a").Rev, nil)
		for rev := range seen {
			wantErr(t, kv.Swap(t.Context(), "a", rev, []byte("x")), login.ErrConflict)
			break
		}
	}
}

func emptyData(t *testing.T, kv store.KV) {
	swap(t, kv, "a", 0, []byte{})
	v := Get(t, kv, "a")
	if len(v.Data) != 0 {
		t.Errorf("got %q, want no data", v.Data)
	}
	swap(t, kv, "a", v.Rev, nil)
	_, err := kv.Get(t.Context(), "a")
	wantErr(t, err, login.ErrNotFound)
}

// limits leaves room for what a sealing KV adds to a value.
func limits(t *testing.T, kv store.KV) {
	long := strings.Repeat("k", store.MaxKey)
	big := bytes.Repeat([]byte("d"), store.MaxData-64)
	swap(t, kv, long, 0, big)
	wantData(t, kv, long, string(big))
	for name, key := range map[string]string{
		"empty": "", "too long": long + "k", "NUL": "a\x00b", "not UTF-8": "a\xffb",
	} {
		if err := kv.Swap(t.Context(), key, 0, []byte("x")); err == nil {
			t.Errorf("Swap took a key that is %s", name)
		}
		if _, err := kv.Get(t.Context(), key); err == nil {
			t.Errorf("Get took a key that is %s", name)
		}
	}
	wantErr(t, kv.Swap(t.Context(), "", 0, nil), store.ErrLimit)
	wantErr(t, kv.Swap(t.Context(), "big", 0, make([]byte, store.MaxData+1)), store.ErrLimit)
	_, err := kv.Get(t.Context(), "big")
	wantErr(t, err, login.ErrNotFound)
}

func cancelled(t *testing.T, kv store.KV) {
	Put(t, kv, "a", "one")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := kv.Get(ctx, "a")
	wantErr(t, err, context.Canceled)
	wantErr(t, kv.Swap(ctx, "b", 0, []byte("x")), context.Canceled)
	wantErr(t, kv.Scan(ctx, "", func(string, store.Value) error { return nil }), context.Canceled)
	_, err = kv.Get(t.Context(), "b")
	wantErr(t, err, login.ErrNotFound)
}

func aliasing(t *testing.T, kv store.KV) {
	data := []byte("one")
	swap(t, kv, "a", 0, data)
	copy(data, "XXX")
	wantData(t, kv, "a", "one")
	kept := Get(t, kv, "a")
	for range 10 {
		Put(t, kv, "a", "two")
	}
	if got := string(kept.Data); got != "one" {
		t.Errorf("a kept value became %q", got)
	}
}

func closes(t *testing.T, kv store.KV) {
	Put(t, kv, "a", "one")
	if err := kv.Close(); err != nil {
		t.Fatalf("Close: %v", err)
	}
	_, err := kv.Get(t.Context(), "a")
	wantErr(t, err, store.ErrClosed)
	wantErr(t, kv.Swap(t.Context(), "b", 0, []byte("x")), store.ErrClosed)
	wantErr(t, kv.Scan(t.Context(), "", func(string, store.Value) error { return nil }), store.ErrClosed)
}
