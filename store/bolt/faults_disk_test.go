package bolt

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/portvakt/portvakt/login"
	"github.com/portvakt/portvakt/store/storetest"
)

// What could not be recorded must not be accepted: a one-time code could be
// used twice.
func TestFailingDiskRefusesAndRecovers(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		fail func(f *faults, on bool)
		want error
	}{
		"disk full":               {func(f *faults, on bool) { f.full.Store(on) }, syscall.ENOSPC},
		"sync fails":              {func(f *faults, on bool) { f.sync.Store(on) }, syscall.EIO},
		"cutting back fails, too": {func(f *faults, on bool) { f.sync.Store(on); f.cut.Store(on) }, syscall.EIO},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, path := newFaults(), dbPath(t)
			kv := open(t, path, f.options())
			rev := storetest.Put(t, kv, "before", "one")
			tc.fail(f, true)
			for range 3 {
				if err := kv.Swap(t.Context(), "before", rev, []byte("refused, and longer than the next one")); !errors.Is(err, tc.want) {
					t.Fatalf("got %v, want %v", err, tc.want)
				}
				if err := kv.Swap(t.Context(), "new", 0, []byte("refused")); !errors.Is(err, tc.want) {
					t.Fatalf("got %v, want %v", err, tc.want)
				}
			}
			if v := storetest.Get(t, kv, "before"); string(v.Data) != "one" || v.Rev != rev {
				t.Errorf("got %q at %d, want what is durable", v.Data, v.Rev)
			}
			if _, err := kv.Get(t.Context(), "new"); !errors.Is(err, login.ErrNotFound) {
				t.Errorf("got %v, want not found", err)
			}
			if !f.cut.Load() {
				killed := open(t, filepath.Join(snapshot(t, path), filepath.Base(path)), Options{})
				if got := string(storetest.Get(t, killed, "before").Data); got != "one" {
					t.Errorf("killed while it fails: got %q, want one", got)
				}
				if _, err := killed.Get(t.Context(), "new"); !errors.Is(err, login.ErrNotFound) {
					t.Errorf("killed while it fails: a refused swap came back: %v", err)
				}
			}
			tc.fail(f, false)
			if err := kv.Swap(t.Context(), "before", rev, []byte("two")); err != nil {
				t.Fatalf("after recovery: %v", err)
			}
			for name, dir := range map[string]string{"killed": snapshot(t, path), "closed": closed(t, kv, path)} {
				again := open(t, filepath.Join(dir, filepath.Base(path)), Options{})
				if got := string(storetest.Get(t, again, "before").Data); got != "two" {
					t.Errorf("%s: got %q, want two", name, got)
				}
				if _, err := again.Get(t.Context(), "new"); !errors.Is(err, login.ErrNotFound) {
					t.Errorf("%s: a refused swap came back: %v", name, err)
				}
			}
		})
	}
}

func closed(t *testing.T, kv *KV, path string) string {
	t.Helper()
	if err := kv.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
	return filepath.Dir(path)
}

// snapshot copies the directory of a database as it would be found after the
// process was killed.
func snapshot(t testing.TB, path string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(filepath.Dir(path))); err != nil {
		t.Fatal(err)
	}
	for _, name := range append([]string{path}, names(path)...) {
		err := os.Chmod(filepath.Join(dir, filepath.Base(name)), 0o600)
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
	}
	return dir
}

func names(path string) []string {
	n := journalPaths(path)
	return n[:]
}

// On a real full file system the database must open, answer, refuse to write,
// and write again when there is room.
func TestFullFileSystem(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mount("none", dir, "tmpfs", 0, "size=512k,mode=0700"); err != nil {
		if os.Getenv("CI") == "true" && os.Getuid() == 0 {
			t.Fatalf("mount a small file system: %v", err)
		}
		t.Skipf("SKIPPED: cannot mount a small file system: %v", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(dir, syscall.MNT_DETACH) })
	path := filepath.Join(dir, "portvakt.db")
	kv := open(t, path, Options{})
	data := []byte(strings.Repeat("x", 32<<10))
	var written []string
	var err error
	for i := 0; err == nil; i++ {
		if i > 64 {
			t.Fatal("a file system of 512 KiB took 2 MiB")
		}
		key := fmt.Sprintf("k/%02d", i)
		if err = kv.Swap(t.Context(), key, 0, data); err == nil {
			written = append(written, key)
		}
	}
	if !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("got %v, want no space left", err)
	}
	for _, key := range written {
		if got := storetest.Get(t, kv, key).Data; string(got) != string(data) {
			t.Fatalf("%q is lost on the full disk", key)
		}
	}
	if err := syscall.Mount("none", dir, "tmpfs", syscall.MS_REMOUNT, "size=16m,mode=0700"); err != nil {
		t.Fatal(err)
	}
	storetest.Put(t, kv, "room", "again")
	if err := kv.Close(); err != nil {
		t.Fatalf("Close: %v", err)
	}
	kv = open(t, path, Options{})
	for _, key := range append(written, "room") {
		storetest.Get(t, kv, key)
	}
	if err := kv.Close(); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("none", dir, "tmpfs", syscall.MS_REMOUNT|syscall.MS_RDONLY, "size=16m"); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(path, Options{}); !errors.Is(err, syscall.EROFS) || !strings.Contains(err.Error(), path) {
		t.Errorf("read-only file system: got %v", err)
	}
}
