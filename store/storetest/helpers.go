package storetest

import (
	"errors"
	"testing"

	"github.com/portvakt/portvakt/login"
	"github.com/portvakt/portvakt/store"
)

// Get returns the value of key and fails the test when there is none.
func Get(t testing.TB, kv store.KV, key string) store.Value {
	t.Helper()
	v, err := kv.Get(t.Context(), key)
	if err != nil {
		t.Fatalf("Get %q: %v", key, err)
	}
	if v.Rev == 0 {
		t.Fatalf("Get %q: revision 0", key)
	}
	return v
}

// Put sets key to data, whatever it was, and returns the new revision.
func Put(t testing.TB, kv store.KV, key, data string) uint64 {
	t.Helper()
	var rev uint64
	v, err := kv.Get(t.Context(), key)
	switch {
	case err == nil:
		rev = v.Rev
	case !errors.Is(err, login.ErrNotFound):
		t.Fatalf("Get %q: %v", key, err)
	}
	swap(t, kv, key, rev, []byte(data))
	return Get(t, kv, key).Rev
}

func swap(t testing.TB, kv store.KV, key string, rev uint64, data []byte) {
	t.Helper()
	if err := kv.Swap(t.Context(), key, rev, data); err != nil {
		t.Fatalf("Swap %q at %d: %v", key, rev, err)
	}
}

func wantErr(t testing.TB, got, want error) {
	t.Helper()
	if !errors.Is(got, want) {
		t.Errorf("got error %v, want %v", got, want)
	}
}

func wantData(t testing.TB, kv store.KV, key, want string) {
	t.Helper()
	if got := string(Get(t, kv, key).Data); got != want {
		t.Errorf("%q is %q, want %q", key, got, want)
	}
}
