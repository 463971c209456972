package bolt

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/portvakt/portvakt/store/storetest"
)

// frames encodes batches of one generation; each word of a batch is a key.
func frames(gen uint64, batches ...string) []byte {
	var all []byte
	rev := uint64(0)
	for i, keys := range batches {
		frame := make([]byte, frameHead)
		for key := range strings.FieldsSeq(keys) {
			rev++
			frame = appendRecord(frame, &entry{key: key, rev: rev, data: []byte("value of " + key)})
		}
		sealFrame(frame, gen, uint64(i+1))
		all = append(all, frame...)
	}
	return all
}

func replayed(b []byte, gen uint64) (string, error) {
	var keys []string
	_, err := replay(b, gen, math.MaxUint64, func(e *entry) { keys = append(keys, e.key) })
	return strings.Join(keys, " "), err
}

// A batch that nobody was told about may be torn in any way.
func TestTornTailIsDropped(t *testing.T) {
	t.Parallel()
	before, last := frames(7, "a b", "c"), frames(7, "a b", "c", "d e f")
	for n := len(before); n < len(last); n++ {
		for name, b := range map[string][]byte{
			"cut":           last[:n],
			"zero behind":   append(bytes.Clone(last[:n]), make([]byte, 4096)...),
			"zero before":   append(append(bytes.Clone(before), make([]byte, n-len(before))...), last[n:]...),
			"older behind":  append(bytes.Clone(last[:n]), frames(5, "x", "y", "z", "u", "v")...),
			"garbage after": append(bytes.Clone(last[:n]), bytes.Repeat([]byte{0xf5, 'P', 'v', 'J'}, 50)...),
		} {
			got, err := replayed(b, 7)
			if name == "zero before" && n == len(before) {
				continue // nothing was zeroed
			}
			if err != nil || got != "a b c" {
				t.Fatalf("%s at %d: got %q, error %v; want \"a b c\"", name, n, got, err)
			}
		}
	}
}

// Behind an acknowledged batch there is another one: then a bad octet is
// damage, wherever it is.
func TestDamageInTheMiddleIsRefused(t *testing.T) {
	t.Parallel()
	whole := frames(7, "a b", "c", "d e f", "g")
	last := len(whole) - len(frames(7, "g"))
	for i := range last {
		b := bytes.Clone(whole)
		b[i] ^= 0x40
		if got, err := replayed(b, 7); !errors.Is(err, ErrDamaged) {
			t.Fatalf("octet %d changed: got %q, error %v; want damaged", i, got, err)
		}
	}
	if got, err := replayed(whole, 8); got != "" || err != nil {
		t.Errorf("another generation: got %q, error %v; want nothing", got, err)
	}
}

// Each batch has its number: one that is gone is damage, and one that is there
// again changes nothing.
func TestBatchesAreInOrder(t *testing.T) {
	t.Parallel()
	one, two, three := frames(7, "a b"), frames(7, "a b", "c"), frames(7, "a b", "c", "d")
	gone := append(bytes.Clone(one), three[len(two):]...)
	if got, err := replayed(gone, 7); !errors.Is(err, ErrDamaged) {
		t.Errorf("the second is gone: got %q, error %v; want damaged", got, err)
	}
	again := append(bytes.Clone(two), one...)
	if got, err := replayed(again, 7); got != "a b c" || err != nil {
		t.Errorf("the first is there again: got %q, error %v; want \"a b c\"", got, err)
	}
}

// journaled makes a database whose generations 1 and 2 are not folded.
func journaled(t *testing.T) string {
	t.Helper()
	path := dbPath(t)
	fail := errors.New("fold fails")
	kv := open(t, path, Options{hook: func(string) error { return fail }})
	for i := range 3 {
		storetest.Put(t, kv, fmt.Sprintf("first/%d", i), "x")
	}
	if err := kv.settle(ctx); !errors.Is(err, fail) {
		t.Fatal(err)
	}
	for i := range 3 {
		storetest.Put(t, kv, fmt.Sprintf("second/%d", i), "x")
	}
	return filepath.Join(snapshot(t, path), filepath.Base(path))
}

func TestJournalsMustFitTheDatabase(t *testing.T) {
	t.Parallel()
	edit := func(name string, change func(b []byte) []byte) func(t *testing.T, path string) {
		return func(t *testing.T, path string) {
			t.Helper()
			b, err := os.ReadFile(path + name)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path+name, change(b), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	remove := func(name string) func(t *testing.T, path string) {
		return func(t *testing.T, path string) {
			t.Helper()
			if err := os.Remove(path + name); err != nil {
				t.Fatal(err)
			}
		}
	}
	flip := func(i int) func(b []byte) []byte {
		return func(b []byte) []byte { b[i] ^= 1; return b }
	}
	zero := func(i int) func(b []byte) []byte {
		return func(b []byte) []byte { b[i] = 0; return b }
	}
	first, second := ".journal.1", ".journal.0" // of generations 1 and 2
	numbers := len(headerMagic) + 16            // of a header: two, of eight octets
	for name, tc := range map[string]struct {
		change func(t *testing.T, path string)
		want   string // the keys that are there, or "refused"
	}{
		"both whole":                          {func(*testing.T, string) {}, "first/0 first/1 first/2 second/0 second/1 second/2"},
		"first is missing":                    {remove(first), "refused"},
		"second is missing":                   {remove(second), "first/0 first/1 first/2"},
		"first has lost its header":           {edit(first, flip(3)), "refused"},
		"second has lost its header":          {edit(second, flip(3)), "refused"},
		"second has a damaged generation":     {edit(second, zero(numbers+7)), "refused"},
		"second has a damaged count":          {edit(second, zero(numbers+15)), "refused"},
		"first is cut short":                  {edit(first, func(b []byte) []byte { return b[:headerSize+60] }), "refused"},
		"first has a bad last batch":          {edit(first, flip(headerSize+2*45)), "refused"},
		"second has a torn first batch":       {edit(second, func(b []byte) []byte { return b[:headerSize+40] }), "first/0 first/1 first/2"},
		"second has a bad first batch":        {edit(second, flip(headerSize+30)), "refused"},
		"second is cut in its header":         {edit(second, func(b []byte) []byte { return b[:100] }), "first/0 first/1 first/2"},
		"second is of another database":       {edit(second, func(b []byte) []byte { return reheader(b, func(h *header) { h.database[0]++ }) }), "refused"},
		"second is of a later generation":     {edit(second, func(b []byte) []byte { return reheader(b, func(h *header) { h.gen = 4 }) }), "refused"},
		"second knows more of the first":      {edit(second, func(b []byte) []byte { return reheader(b, func(h *header) { h.before = 9 }) }), "refused"},
		"the first has what was not answered": {edit(second, func(b []byte) []byte { return reheader(b, func(h *header) { h.before = 2 }) }), "first/0 first/1 second/0 second/1 second/2"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := journaled(t)
			tc.change(t, path)
			kv, err := Open(path, Options{})
			if err != nil {
				if tc.want != "refused" || !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), "portvakt restore") {
					t.Fatalf("got %v, want %s", err, tc.want)
				}
				return
			}
			defer func() { _ = kv.Close() }()
			if got := keysOf(t, kv); got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

func reheader(b []byte, change func(h *header)) []byte {
	h, _ := parseHeader(b)
	change(&h)
	copy(b, h.encode())
	return b
}

func FuzzReplay(f *testing.F) {
	whole := frames(7, "a b", "c", "d e f")
	f.Add(whole, uint64(7))
	f.Add(whole[:len(whole)-3], uint64(7))
	f.Add(frames(6, "a"), uint64(7))
	f.Add([]byte{}, uint64(0))
	f.Fuzz(func(t *testing.T, b []byte, gen uint64) {
		// What is added behind a torn batch may only be dropped or refused.
		n, err := replay(b, gen, math.MaxUint64, func(e *entry) {
			if e.key == "" || e.rev == 0 {
				t.Errorf("impossible change %q at %d", e.key, e.rev)
			}
		})
		if err != nil && !errors.Is(err, ErrDamaged) {
			t.Errorf("got %v", err)
		}
		if n > uint64(len(b)/frameHead) {
			t.Errorf("%d frames in %d octets", n, len(b))
		}
	})
}

func FuzzHeader(f *testing.F) {
	f.Add(header{gen: 3, before: 9}.encode())
	f.Add([]byte("portvakt journal 1\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if h, ok := parseHeader(b); ok && !bytes.Equal(h.encode()[:72], b[:72]) {
			t.Errorf("header %+v is not what was read", h)
		}
	})
}

// FuzzVerify changes single octets of a small database, anywhere.
func FuzzVerify(f *testing.F) {
	path := dbPath(f)
	kv := open(f, path, Options{})
	storetest.Put(f, kv, "a", "x")
	if err := kv.Close(); err != nil {
		f.Fatal(err)
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		f.Fatal(err)
	}
	whole = whole[:min(len(whole), 1<<16)]
	f.Add([]byte{}, uint16(0), byte(0))
	f.Add([]byte{1, 2, 3}, uint16(8192), byte(255))
	f.Fuzz(func(t *testing.T, page []byte, at uint16, x byte) {
		b := bytes.Clone(whole)
		copy(b[int(at)&^0xFFF:], page)
		b[int(at)%len(b)] ^= x
		if err := verify(bytes.NewReader(b), int64(len(b))); err != nil && !errors.Is(err, ErrDamaged) {
			t.Errorf("got %v", err)
		}
	})
}
