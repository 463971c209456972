package storetest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/portvakt/portvakt/login"
	"github.com/portvakt/portvakt/store"
)

// RunDurable proves that a backend remembers what Swap acknowledged. open
// opens the store in dir, making it when there is none.
func RunDurable(t *testing.T, open func(t *testing.T, dir string) store.KV) {
	t.Helper()
	for name, rule := range map[string]func(t *testing.T, reopen func() store.KV){
		"what was swapped is there after reopening":   remembers,
		"what was deleted stays away":                 forgets,
		"revisions go on rising after reopening":      rises,
		"many values and all changes of one are kept": remembersMany,
	} {
		t.Run(strings.ReplaceAll(name, " ", "_"), func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			var kv store.KV
			closeIt := func() {
				if kv == nil {
					return
				}
				if err := kv.Close(); err != nil {
					t.Errorf("Close: %v", err)
				}
			}
			t.Cleanup(closeIt)
			rule(t, func() store.KV {
				closeIt()
				kv = open(t, dir)
				return kv
			})
		})
	}
}

func remembers(t *testing.T, reopen func() store.KV) {
	kv := reopen()
	rev := Put(t, kv, "a", "one")
	swap(t, kv, "empty", 0, []byte{})
	kv = reopen()
	wantData(t, kv, "a", "one")
	wantData(t, kv, "empty", "")
	if got := Get(t, kv, "a").Rev; got != rev {
		t.Errorf("revision became %d, was %d", got, rev)
	}
	swap(t, kv, "a", rev, []byte("two"))
	wantData(t, reopen(), "a", "two")
}

func forgets(t *testing.T, reopen func() store.KV) {
	kv := reopen()
	Put(t, kv, "a", "one")
	kv = reopen()
	swap(t, kv, "a", Get(t, kv, "a").Rev, nil)
	for range 2 {
		kv = reopen()
		_, err := kv.Get(t.Context(), "a")
		wantErr(t, err, login.ErrNotFound)
	}
	if got := scan(t, kv, ""); len(got) != 0 {
		t.Errorf("scan found %q", got)
	}
}

func rises(t *testing.T, reopen func() store.KV) {
	var last uint64
	for range 4 {
		kv := reopen()
		rev := Put(t, kv, "a", "x")
		if rev <= last {
			t.Fatalf("revision %d after %d", rev, last)
		}
		swap(t, kv, "a", rev, nil)
		kv = reopen()
		if last = Put(t, kv, "a", "y"); last <= rev {
			t.Fatalf("revision %d after %d", last, rev)
		}
		if err := kv.Swap(t.Context(), "a", rev, []byte("late")); !errors.Is(err, login.ErrConflict) {
			t.Fatalf("a swap for the deleted value: got %v, want a conflict", err)
		}
	}
}

func remembersMany(t *testing.T, reopen func() store.KV) {
	kv := reopen()
	var want []string
	for i := range 500 {
		want = append(want, fmt.Sprintf("k/%04d=%d", i, i))
	}
	each(len(want), 32, func(i int) { swap(t, kv, fmt.Sprintf("k/%04d", i), 0, fmt.Append(nil, i)) })
	for i := range 20 {
		Put(t, kv, "hot", fmt.Sprint(i))
	}
	kv = reopen()
	if got := scan(t, kv, "k/"); !slices.Equal(got, want) {
		t.Errorf("got %d values, want %d", len(got), len(want))
	}
	wantData(t, kv, "hot", "19")
}
