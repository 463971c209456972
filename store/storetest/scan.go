package storetest

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/portvakt/portvakt/store"
)

func scan(t *testing.T, kv store.KV, prefix string) (keys []string) {
	t.Helper()
	err := kv.Scan(t.Context(), prefix, func(key string, v store.Value) error {
		if v.Rev == 0 {
			t.Errorf("%q has revision 0", key)
		}
		keys = append(keys, key+"="+string(v.Data))
		return nil
	})
	if err != nil {
		t.Fatalf("Scan %q: %v", prefix, err)
	}
	return keys
}

func scanOrder(t *testing.T, kv store.KV) {
	for _, key := range []string{"b/2", "a", "b/10", "c", "b/1", "b", "b/é", "b0"} {
		Put(t, kv, key, "of "+key)
	}
	for prefix, want := range map[string][]string{
		"":    {"a=of a", "b=of b", "b/1=of b/1", "b/10=of b/10", "b/2=of b/2", "b/é=of b/é", "b0=of b0", "c=of c"},
		"b/":  {"b/1=of b/1", "b/10=of b/10", "b/2=of b/2", "b/é=of b/é"},
		"b/1": {"b/1=of b/1", "b/10=of b/10"},
		"d":   nil,
	} {
		if got := scan(t, kv, prefix); !slices.Equal(got, want) {
			t.Errorf("scan of %q: got %q, want %q", prefix, got, want)
		}
	}
	swap(t, kv, "b/10", Get(t, kv, "b/10").Rev, nil)
	Put(t, kv, "b/1", "new")
	want := []string{"b/1=new", "b/2=of b/2", "b/é=of b/é"}
	if got := scan(t, kv, "b/"); !slices.Equal(got, want) {
		t.Errorf("scan after changes: got %q, want %q", got, want)
	}
}

func scanMany(t *testing.T, kv store.KV) {
	var want []string
	for i := range 700 {
		want = append(want, fmt.Sprintf("k/%04d=%d", i, i))
	}
	each(len(want), 64, func(i int) {
		swap(t, kv, fmt.Sprintf("k/%04d", i), 0, fmt.Append(nil, i))
	})
	if got := scan(t, kv, "k/"); !slices.Equal(got, want) {
		t.Errorf("got %d keys, want %d in order", len(got), len(want))
	}
}

func scanError(t *testing.T, kv store.KV) {
	for _, key := range []string{"a", "b", "c"} {
		Put(t, kv, key, "x")
	}
	errEnough := errors.New("enough")
	var seen []string
	err := kv.Scan(t.Context(), "", func(key string, _ store.Value) error {
		seen = append(seen, key)
		if key == "b" {
			return errEnough
		}
		return nil
	})
	wantErr(t, err, errEnough)
	if want := []string{"a", "b"}; !slices.Equal(seen, want) {
		t.Errorf("saw %q, want %q", seen, want)
	}
	wantData(t, kv, "c", "x")
}

func scanWrites(t *testing.T, kv store.KV) {
	each(300, 64, func(i int) { swap(t, kv, fmt.Sprintf("k/%03d", i), 0, []byte("old")) })
	n := 0
	err := kv.Scan(t.Context(), "k/", func(key string, _ store.Value) error {
		n++
		if n%10 == 0 {
			return kv.Swap(t.Context(), key, Get(t, kv, key).Rev, []byte("new"))
		}
		return nil
	})
	if err != nil || n != 300 {
		t.Fatalf("saw %d keys, want 300; error %v", n, err)
	}
	fresh := 0
	for _, kv := range scan(t, kv, "k/") {
		if kv[len(kv)-3:] == "new" {
			fresh++
		}
	}
	if fresh != 30 {
		t.Errorf("%d values were changed, want 30", fresh)
	}
}
