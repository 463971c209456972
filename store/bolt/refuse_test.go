package bolt

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/portvakt/portvakt/store/storetest"
)

// holdChild keeps the database open until its standard input ends.
func holdChild(path string) {
	kv, err := Open(path, Options{})
	if err != nil {
		fmt.Println("error", err)
		return
	}
	fmt.Println("open")
	_, _ = os.Stdin.Read(make([]byte, 1))
	_ = kv.Close()
}

func TestDatabaseInUseSaysByWhom(t *testing.T) {
	t.Parallel()
	path := dbPath(t)
	cmd, lines := child(t, "hold:"+path)
	if !lines.Scan() || lines.Text() != "open" {
		t.Fatalf("child said %q", lines.Text())
	}
	_, err := Open(path, Options{})
	if !errors.Is(err, ErrInUse) {
		t.Fatalf("got %v, want in use", err)
	}
	for _, part := range []string{path, fmt.Sprintf("process %d", cmd.Process.Pid), "admin socket", "stop the daemon"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("error lacks %q: %v", part, err)
		}
	}
}

// filled makes a closed database with some hundred values in it.
func filled(t *testing.T) string {
	t.Helper()
	path := dbPath(t)
	kv := open(t, path, Options{})
	done := make(chan error)
	for i := range 400 {
		go func() { done <- kv.Swap(ctx, fmt.Sprintf("k/%03d", i), 0, bytes.Repeat([]byte{byte(i)}, 300)) }()
	}
	for range 400 {
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	}
	if err := kv.Close(); err != nil {
		t.Fatal(err)
	}
	// Behind the last page there is only what the file has grown ahead.
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	m, err := bestMeta(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, int64(m.high)*int64(m.pageSize)); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestDamagedDatabaseIsRefused(t *testing.T) {
	t.Parallel()
	const ps = 4096
	whole, err := os.ReadFile(filled(t))
	if err != nil {
		t.Fatal(err)
	}
	garbage := func(from, to int) func([]byte) []byte {
		return func(b []byte) []byte {
			for i := from; i < to; i++ {
				b[i] = byte(i*7 + 13)
			}
			return b
		}
	}
	for name, change := range map[string]func(b []byte) []byte{
		"zero length":          func([]byte) []byte { return nil },
		"one octet":            func(b []byte) []byte { return b[:1] },
		"half a page":          func(b []byte) []byte { return b[:ps/2] },
		"two pages":            func(b []byte) []byte { return b[:2*ps] },
		"cut in the middle":    func(b []byte) []byte { return b[:len(b)/2/ps*ps] },
		"all garbage":          garbage(0, len(whole)),
		"both first pages":     garbage(0, 2*ps),
		"all but first pages":  garbage(2*ps, len(whole)),
		"a text file":          func([]byte) []byte { return bytes.Repeat([]byte("no database\n"), 1000) },
		"all zero":             func(b []byte) []byte { return make([]byte, len(b)) },
		"all but first zeroed": func(b []byte) []byte { clear(b[2*ps:]); return b },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := dbPath(t)
			if err := os.WriteFile(path, change(bytes.Clone(whole)), 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := Open(path, Options{})
			if !errors.Is(err, ErrDamaged) {
				t.Fatalf("got %v, want damaged", err)
			}
			for _, part := range []string{path, "portvakt restore"} {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("error lacks %q: %v", part, err)
				}
			}
		})
	}
}

// One garbage page anywhere must never end the process. A page that is free or
// the older meta page may be garbage.
func TestGarbagePageNeverPanics(t *testing.T) {
	t.Parallel()
	const ps = 4096
	whole, err := os.ReadFile(filled(t))
	if err != nil {
		t.Fatal(err)
	}
	refused := 0
	dir := t.TempDir()
	for at := 0; at < len(whole); at += ps {
		for _, n := range []int{16, 64, ps} {
			b := bytes.Clone(whole)
			for i := range n {
				b[at+i] ^= byte(i*31 + 85)
			}
			// The journals of all of them would take gigabytes.
			one := filepath.Join(dir, fmt.Sprintf("%d-%d", at/ps, n))
			if err := os.Mkdir(one, 0o700); err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(one, "portvakt.db")
			if err := os.WriteFile(path, b, 0o600); err != nil {
				t.Fatal(err)
			}
			if kv, err := Open(path, Options{}); err != nil {
				refused++
			} else {
				for i := range 400 {
					_, _ = kv.Get(ctx, fmt.Sprintf("k/%03d", i))
				}
				_ = kv.Close()
			}
			if err := os.RemoveAll(one); err != nil {
				t.Fatal(err)
			}
		}
	}
	if refused < len(whole)/ps {
		t.Errorf("%d of %d damaged files refused", refused, 3*len(whole)/ps)
	}
}

func TestFileThatShrinksUnderTheDaemon(t *testing.T) {
	t.Parallel()
	path := filled(t)
	kv := open(t, path, Options{})
	if err := os.Truncate(path, 3*4096); err != nil {
		t.Fatal(err)
	}
	failed := 0
	for i := range 400 {
		if _, err := kv.Get(ctx, fmt.Sprintf("k/%03d", i)); errors.Is(err, ErrDamaged) {
			failed++
		}
	}
	if failed == 0 {
		t.Error("every value could be read from a truncated file")
	}
}

func TestS28WiderModeIsRefused(t *testing.T) {
	t.Parallel()
	path := filled(t)
	for _, mode := range []os.FileMode{0o640, 0o604, 0o620} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(path, Options{}); err == nil || !strings.Contains(err.Error(), "chmod 600 "+path) {
			t.Errorf("mode %#o: got %v", mode, err)
		}
	}
	if err := os.Chmod(path, 0o600); err != nil {
		t.Fatal(err)
	}
	open(t, path, Options{})
}

func TestS28WiderModeOfAJournalIsRefused(t *testing.T) {
	t.Parallel()
	path := journaled(t)
	for _, name := range names(path) {
		if err := os.Chmod(name, 0o640); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(path, Options{}); err == nil || !strings.Contains(err.Error(), "chmod 600 "+name) {
			t.Errorf("%s: got %v", name, err)
		}
		if err := os.Chmod(name, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	open(t, path, Options{})
}

// The umask of an installation script must not decide who may read.
func TestNewFilesBelongToTheirOwner(t *testing.T) {
	path := dbPath(t)
	old := syscall.Umask(0)
	kv, err := Open(path, Options{})
	if err == nil {
		err = kv.Swap(t.Context(), "a", 0, []byte("x"))
	}
	syscall.Umask(old)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = kv.Close() })
	files, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(files) < 2 {
		t.Fatalf("%d files, error %v", len(files), err)
	}
	for _, f := range files {
		info, err := f.Info()
		if err != nil || info.Mode() != 0o600 {
			t.Errorf("%s has mode %v, error %v", f.Name(), info.Mode(), err)
		}
	}
}

func TestMissingDatabaseBesideItsJournalIsRefused(t *testing.T) {
	t.Parallel()
	path := dbPath(t)
	kv := open(t, path, Options{})
	storetest.Put(t, kv, "a", "x")
	dir := snapshot(t, path)
	path = filepath.Join(dir, filepath.Base(path))
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(path, Options{}); err == nil || !strings.Contains(err.Error(), "journal") {
		t.Errorf("got %v, want a refusal that names the journal", err)
	}
}

func TestMissingDirectoryIsNamed(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "no", "portvakt.db")
	if _, err := Open(path, Options{}); !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), filepath.Dir(path)) {
		t.Errorf("got %v", err)
	}
}
