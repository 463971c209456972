package store_test

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/portvakt/portvakt/store"
)

// key64 is a key of its own for each n, in base64.
func key64(n byte) string {
	b := bytes.Repeat([]byte{n}, 31)
	return base64.StdEncoding.EncodeToString(append(b, n+1))
}

func ring(t testing.TB, text string) *store.Ring {
	t.Helper()
	r, err := store.ParseRing([]byte(text))
	if err != nil {
		t.Fatalf("ParseRing: %v", err)
	}
	return r
}

func TestRingFormat(t *testing.T) {
	t.Parallel()
	a, b := key64(1), key64(2)
	for name, tc := range map[string]struct {
		text   string
		active int // -1: refused
	}{
		"one key":                     {"1 " + a, 1},
		"the first is active":         {"7 " + a + "\n3 " + b + "\n", 7},
		"the marked one is active":    {"7 " + a + "\n3 " + b + " active\n", 3},
		"comments and empty lines":    {"# keys\n\n  5\t" + a + " active # 2026\r\n", 5},
		"a key alone":                 {a + "\n", 0},
		"nothing":                     {"", -1},
		"only comments":               {"# keys\n", -1},
		"an id twice":                 {"1 " + a + "\n1 " + b, -1},
		"two active ones":             {"1 " + a + " active\n2 " + b + " active", -1},
		"an id above 255":             {"256 " + a, -1},
		"a negative id":               {"-1 " + a, -1},
		"a short key":                 {"1 " + a[:40], -1},
		"a long key":                  {"1 " + base64.StdEncoding.EncodeToString(make([]byte, 33)), -1},
		"all octets equal":            {"1 " + base64.StdEncoding.EncodeToString(make([]byte, 32)), -1},
		"a key that is no base64":     {"1 " + strings.Repeat("!", 44), -1},
		"another word behind the key": {"1 " + a + " old", -1},
		"two keys without ids":        {a + "\n" + b, -1},
		"more than a ring can have":   {strings.Repeat("#\n", 40<<10), -1},
	} {
		r, err := store.ParseRing([]byte(tc.text))
		if tc.active < 0 {
			if err == nil {
				t.Errorf("%s: was taken", name)
			} else if strings.Contains(err.Error(), a[:8]) || strings.Contains(err.Error(), "!!") {
				t.Errorf("%s: the error has the key: %v", name, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		sealed, err := r.Sealer("test").Seal("x", nil)
		if err != nil || int(sealed[0]) != tc.active {
			t.Errorf("%s: sealed under %d, want %d", name, sealed[0], tc.active)
		}
	}
}

func TestSealedOpensOnlyWhereItBelongs(t *testing.T) {
	t.Parallel()
	r := ring(t, "1 "+key64(1)+"\n2 "+key64(2)+" active")
	s := r.Sealer("store")
	sealed, err := s.Seal("here", []byte("plain"))
	if err != nil {
		t.Fatal(err)
	}
	if got := len(sealed) - len("plain"); got > 29 {
		t.Errorf("sealing adds %d octets, want at most 29", got)
	}
	again, err := s.Seal("here", []byte("plain"))
	if err != nil || bytes.Equal(sealed, again) {
		t.Error("the same value sealed twice looks the same")
	}
	got, err := s.Open("here", sealed)
	if err != nil || string(got) != "plain" {
		t.Fatalf("got %q, %v; want plain", got, err)
	}
	for i := range sealed {
		for _, bit := range []byte{1, 128} {
			changed := bytes.Clone(sealed)
			changed[i] ^= bit
			if _, err := s.Open("here", changed); err == nil {
				t.Fatalf("octet %d was changed and nobody saw it", i)
			}
		}
	}
	for n := range sealed {
		if _, err := s.Open("here", sealed[:n]); err == nil {
			t.Fatalf("opened when cut to %d octets", n)
		}
	}
	for name, other := range map[string]func() ([]byte, error){
		"another place":   func() ([]byte, error) { return s.Open("there", sealed) },
		"another purpose": func() ([]byte, error) { return r.Sealer("ticket").Open("here", sealed) },
		"another key":     func() ([]byte, error) { return ring(t, "2 "+key64(9)).Sealer("store").Open("here", sealed) },
	} {
		if _, err := other(); !errors.Is(err, store.ErrSealed) {
			t.Errorf("%s: got %v, want that it does not open", name, err)
		}
	}
	_, err = ring(t, "1 "+key64(1)).Sealer("store").Open("here", sealed)
	if !errors.Is(err, store.ErrMissingKey) || !strings.Contains(err.Error(), "key 2") {
		t.Errorf("got %v, want an error that names key 2", err)
	}
}

func TestRingFiles(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "store.key")
	if err := store.NewRingFile(path); err != nil {
		t.Fatal(err)
	}
	first, err := store.LoadRing(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := store.NewRingFile(path); !errors.Is(err, os.ErrExist) {
		t.Errorf("a second time: got %v, want that it exists", err)
	}
	sealed, _ := first.Sealer("x").Seal("c", []byte("old"))
	for i, activate := range []bool{false, true} {
		id, err := store.AddKey(path, activate)
		if err != nil || int(id) != i+2 {
			t.Fatalf("AddKey: id %d, %v; want %d", id, err, i+2)
		}
		r, err := store.LoadRing(path)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := r.Sealer("x").Open("c", sealed); err != nil || string(got) != "old" {
			t.Errorf("the old key is lost: %v", err)
		}
		fresh, _ := r.Sealer("x").Seal("c", nil)
		if want := map[bool]byte{false: 1, true: id}[activate]; fresh[0] != want {
			t.Errorf("sealed under %d, want %d", fresh[0], want)
		}
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode() != 0o600 {
		t.Errorf("mode %v, want 0600", info.Mode())
	}
}

// S-28: the key of the database protects nothing where others can read it.
func TestS28AKeyThatOthersCanReadIsRefused(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "store.key")
	if err := store.NewRingFile(path); err != nil {
		t.Fatal(err)
	}
	for _, mode := range []os.FileMode{0o640, 0o604, 0o644} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		if _, err := store.LoadRing(path); err == nil || !strings.Contains(err.Error(), "chmod 600 "+path) {
			t.Errorf("mode %#o: got %v", mode, err)
		}
	}
}

// A key that is known of one purpose tells nothing of another one's.
func TestKeysAreOfTheirPurpose(t *testing.T) {
	t.Parallel()
	r := ring(t, "1 "+key64(1)+"\n2 "+key64(2)+" active")
	seen := map[string]string{}
	note := func(what string, key []byte) {
		if had := seen[string(key)]; had != "" || len(key) != 32 {
			t.Errorf("%s is also %q, of %d octets", what, had, len(key))
		}
		seen[string(key)] = what
	}
	for _, purpose := range []string{"codes", "numbers"} {
		active, old := r.Keys(purpose)
		note("the active key of "+purpose, active)
		note("the steady key of "+purpose, r.Steady(purpose))
		for _, key := range old {
			note("an old key of "+purpose, key)
		}
		if again, _ := r.Keys(purpose); !bytes.Equal(again, active) {
			t.Errorf("the key of %s changes", purpose)
		}
	}
	if len(seen) != 6 {
		t.Errorf("%d keys, want 6", len(seen))
	}
}

func TestAddKeyToAKeyAlone(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "store.key")
	if err := os.WriteFile(path, []byte(key64(4)), 0o600); err != nil {
		t.Fatal(err)
	}
	sealed, _ := ring(t, key64(4)).Sealer("x").Seal("c", []byte("old"))
	if _, err := store.AddKey(path, true); err != nil {
		t.Fatal(err)
	}
	r, err := store.LoadRing(path)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := r.Sealer("x").Open("c", sealed); err != nil || string(got) != "old" {
		t.Errorf("the old key is lost: %v", err)
	}
}

func FuzzParseRing(f *testing.F) {
	f.Add([]byte("1 " + key64(1) + " active\n# old\n2 " + key64(2)))
	f.Add([]byte(key64(3)))
	f.Add([]byte("256 x"))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := store.ParseRing(b)
		if err != nil {
			return
		}
		s := r.Sealer("x")
		sealed, err := s.Seal("c", b)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := s.Open("c", sealed); err != nil || !bytes.Equal(got, b) {
			t.Errorf("got %q, %v", got, err)
		}
	})
}

func FuzzSealedOpen(f *testing.F) {
	s := ring(f, "1 "+key64(1)).Sealer("x")
	sealed, _ := s.Seal("c", []byte("plain"))
	f.Add("c", sealed)
	f.Add("d", sealed)
	f.Add("", []byte{})
	f.Fuzz(func(t *testing.T, context string, b []byte) {
		plain, err := s.Open(context, b)
		if err == nil && (context != "c" || string(plain) != "plain") {
			t.Errorf("opened a forgery as %q in %q", plain, context)
		}
	})
}

func BenchmarkSealer(b *testing.B) {
	s := ring(b, "1 "+key64(1)).Sealer("ticket")
	plain := make([]byte, 120)
	b.ReportAllocs()
	for b.Loop() {
		sealed, _ := s.Seal("context", plain)
		if _, err := s.Open("context", sealed); err != nil {
			b.Fatal(fmt.Errorf("open: %w", err))
		}
	}
}
