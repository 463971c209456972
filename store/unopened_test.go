package store_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/portvakt/portvakt/login"
	"github.com/portvakt/portvakt/store"
	"github.com/portvakt/portvakt/store/mem"
	"github.com/portvakt/portvakt/store/storetest"
)

// One value that is damaged, or whose key has gone, keeps no other from being
// read, and is told of in the end.
func TestScanGoesOnBehindValuesThatDoNotOpen(t *testing.T) {
	t.Parallel()
	raw := mem.New()
	storetest.Put(t, store.Sealed(raw, ring(t, "2 "+key64(2)).Sealer("store")), "k/a", "of a key that has gone")
	kv := store.Sealed(raw, ring(t, "1 "+key64(1)).Sealer("store"))
	for _, key := range []string{"k/b", "k/c", "k/d", "other"} {
		storetest.Put(t, kv, key, key)
	}
	storetest.Put(t, raw, "k/c", "damaged")
	for prefix, want := range map[string]struct {
		read     string
		unopened int
		says     []string
	}{
		"k/":  {"k/b k/d", 2, []string{`in "k/": 2`, `"k/a"`, "back into the key ring"}},
		"k/c": {"", 1, []string{`in "k/c": 1`, `"k/c"`, "portvakt restore"}},
		"":    {"k/b k/d other", 2, []string{"cannot be read: 2"}},
		"o":   {"other", 0, nil},
	} {
		var read []string
		err := kv.Scan(t.Context(), prefix, func(key string, v store.Value) error {
			read = append(read, key)
			if string(v.Data) != key {
				t.Errorf("%s is %q", key, v.Data)
			}
			return nil
		})
		if got := strings.Join(read, " "); got != want.read {
			t.Errorf("%q: read %q, want %q", prefix, got, want.read)
		}
		if n, other := store.Unopened(err); n != want.unopened || other != nil || (err == nil) != (n == 0) {
			t.Errorf("%q: %d unopened, %v; want %d", prefix, n, err, want.unopened)
		}
		for _, says := range want.says {
			if !strings.Contains(err.Error(), says) {
				t.Errorf("%q: %v; want that it says %q", prefix, err, says)
			}
		}
	}
	both := errors.Join(login.ErrConflict, kv.Scan(t.Context(), "k/", func(string, store.Value) error { return nil }))
	if n, other := store.Unopened(both); n != 0 || !errors.Is(other, login.ErrConflict) {
		t.Errorf("beside another error: %d unopened, %v", n, other)
	}
	err := kv.Scan(t.Context(), "k/", func(string, store.Value) error { return login.ErrConflict })
	if n, other := store.Unopened(err); n != 0 || !errors.Is(other, login.ErrConflict) {
		t.Errorf("an error of the callback: %d unopened, %v", n, other)
	}
}

// What cannot be sealed again is never passed over in silence: the old key must
// stay for it. All else is sealed again.
func TestRewrapTellsOfWhatItCannotSealAgain(t *testing.T) {
	t.Parallel()
	raw := mem.New()
	old := ring(t, "1 "+key64(1)).Sealer("store")
	if err := store.CheckKey(t.Context(), raw, old); err != nil {
		t.Fatal(err)
	}
	for i := range 200 {
		storetest.Put(t, store.Sealed(raw, old), fmt.Sprintf("k/%03d", i), "x")
	}
	damaged := storetest.Get(t, raw, "k/007").Data
	damaged[len(damaged)-1] ^= 1
	storetest.Put(t, raw, "k/007", string(damaged))
	storetest.Put(t, raw, "k/009", "damaged, too")
	both := ring(t, "1 "+key64(1)+"\n2 "+key64(2)+" active").Sealer("store")
	for _, want := range []int{198, 0} {
		changed, err := store.Rewrap(t.Context(), raw, both)
		if n, other := store.Unopened(err); changed != want || n != 2 || other != nil || !errors.Is(err, store.ErrSealed) {
			t.Errorf("changed %d, %v; want %d, and two that do not open", changed, err, want)
		}
	}
	if err := store.CheckKey(t.Context(), raw, ring(t, "2 "+key64(2)).Sealer("store")); !errors.Is(err, store.ErrMissingKey) {
		t.Errorf("without the old key: %v; want that it is still needed", err)
	}
}

// A session whose record is damaged costs no other: they are listed, and known
// after a restart.
func TestADamagedSessionHidesNoOther(t *testing.T) {
	t.Parallel()
	raw := mem.New()
	kv := store.Sealed(raw, ring(t, "1 "+key64(1)).Sealer("store"))
	s := sessionsOn(t, kv, store.DefaultSessionsConfig())
	record(t, s, told(login.SessionStart, 0), told(login.SessionStart, 1, named("gw", "s2", "bob")), told(login.SessionStart, 2, named("gw", "s3", "carol")))
	var first string
	if err := raw.Scan(t.Context(), "session/", func(key string, v store.Value) error {
		if first == "" {
			first = key
			return raw.Swap(t.Context(), key, v.Rev, []byte("damaged"))
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	storetest.Put(t, kv, first+"x", "{")        // opens, and is no session
	storetest.Put(t, kv, first+"y", `{"v":99}`) // of a newer program
	listed := 0
	err := s.List(t.Context(), "", func(login.Session) error { listed++; return nil })
	if n, other := store.Unopened(err); listed != 2 || n != 3 || other != nil {
		t.Errorf("listed %d, %v; want 2 and word of the others", listed, err)
	}
	again := store.NewSessions(kv, []byte("a key"), store.DefaultSessionsConfig())
	err = again.Load(t.Context())
	kept, active := again.Counts(noon.Add(time.Minute))
	if n, other := store.Unopened(err); kept != 2 || active != 2 || n != 3 || other != nil {
		t.Errorf("after a restart %d are kept, %d active, %v; want 2 and word of the others", kept, active, err)
	}
}
