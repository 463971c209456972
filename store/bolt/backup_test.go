package bolt

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/portvakt/portvakt/store"
	"github.com/portvakt/portvakt/store/storetest"
)

func keysOf(t *testing.T, kv *KV) string {
	t.Helper()
	var keys []string
	err := kv.Scan(t.Context(), "", func(key string, _ store.Value) error {
		keys = append(keys, key)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(keys, " ")
}

// backup copies a database into a file.
func backup(t *testing.T, kv *KV) string {
	t.Helper()
	var b bytes.Buffer
	if err := kv.Backup(t.Context(), &b); err != nil {
		t.Fatalf("Backup: %v", err)
	}
	path := filepath.Join(t.TempDir(), "copy")
	if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// A copy has every swap that was acknowledged before it was asked for, also
// while others go on.
func TestBackupIsConsistentWhileLoginsGoOn(t *testing.T) {
	t.Parallel()
	kv := open(t, dbPath(t), Options{})
	stop, done := make(chan struct{}), make(chan error, 4)
	for w := range 4 {
		go func() {
			for i := 0; ; i++ {
				select {
				case <-stop:
					done <- nil
					return
				default:
				}
				// b is never ahead of a.
				for _, k := range []string{"a", "b"} {
					if err := kv.Swap(t.Context(), fmt.Sprintf("%s/%d/%d", k, w, i), 0, []byte("x")); err != nil {
						done <- err
						return
					}
				}
			}
		}()
	}
	for i := range 5 {
		key := fmt.Sprintf("mark/%d", i)
		storetest.Put(t, kv, key, "x")
		path := filepath.Join(t.TempDir(), "portvakt.db")
		if err := Restore(backup(t, kv), path, false); err != nil {
			t.Fatalf("Restore: %v", err)
		}
		copied := open(t, path, Options{})
		storetest.Get(t, copied, key)
		keys := " " + keysOf(t, copied) + " "
		for key := range strings.FieldsSeq(keys) {
			if rest, ok := strings.CutPrefix(key, "b/"); ok && !strings.Contains(keys, " a/"+rest+" ") {
				t.Errorf("copy has %q without what was before it", key)
			}
		}
	}
	close(stop)
	for range 4 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

func TestRestoreDoesNotOverwrite(t *testing.T) {
	t.Parallel()
	path := dbPath(t)
	kv := open(t, path, Options{})
	rev := storetest.Put(t, kv, "a", "copied")
	saved := backup(t, kv)
	storetest.Put(t, kv, "a", "later")
	if err := Restore(saved, path, true); !errors.Is(err, ErrInUse) {
		t.Fatalf("while it is open: got %v, want in use", err)
	}
	killed := filepath.Join(snapshot(t, path), filepath.Base(path)) // with its journals
	if err := Restore(saved, killed, false); !errors.Is(err, ErrExists) {
		t.Fatalf("not told to replace: got %v, want exists", err)
	}
	if err := Restore(saved, killed, true); err != nil {
		t.Fatalf("Restore: %v", err)
	}
	again := open(t, killed, Options{})
	v := storetest.Get(t, again, "a")
	if string(v.Data) != "copied" || v.Rev != rev {
		t.Errorf("got %q at %d, want the copy at %d", v.Data, v.Rev, rev)
	}
	if next := storetest.Put(t, again, "a", "on"); next < rev+revisionsApart {
		t.Errorf("revision %d may have been given before the restore", next)
	}
	if _, err := os.Stat(killed + ".replaced"); err != nil {
		t.Errorf("what was replaced is gone: %v", err)
	}
}

// A restored database is one of its own: what was changed after the copy was
// made must not come back when the journals are put beside it again.
func TestJournalsOfBeforeDoNotFitARestoredDatabase(t *testing.T) {
	t.Parallel()
	path := dbPath(t)
	kv := open(t, path, Options{})
	storetest.Put(t, kv, "a", "copied")
	saved := backup(t, kv)
	storetest.Put(t, kv, "a", "later")
	killed := filepath.Join(snapshot(t, path), filepath.Base(path)) // with its journals
	if err := Restore(saved, killed, true); err != nil {
		t.Fatal(err)
	}
	put := 0
	for _, name := range names(killed) {
		if os.Rename(name+".replaced", name) == nil {
			put++
		}
	}
	if put == 0 {
		t.Fatal("there was no journal to replace")
	}
	if _, err := Open(killed, Options{}); !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), "belongs to another database") {
		t.Errorf("got %v, want that the journal is another database's", err)
	}
}

// Journals of an earlier restore must not stand beside what a later one has
// moved aside: they would be taken for its own.
func TestRestoreLeavesNoJournalsOfAnEarlierOne(t *testing.T) {
	t.Parallel()
	path := dbPath(t)
	kv := open(t, path, Options{})
	storetest.Put(t, kv, "a", "copied")
	saved := backup(t, kv)
	storetest.Put(t, kv, "a", "later")
	killed := filepath.Join(snapshot(t, path), filepath.Base(path)) // with its journals
	for range 2 {                                                   // the second time it has none
		if err := Restore(saved, killed, true); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range names(killed) {
		if _, err := os.Stat(name + ".replaced"); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s.replaced is there, of the first time: %v", filepath.Base(name), err)
		}
	}
}

func TestRestoreRefusesBadCopies(t *testing.T) {
	t.Parallel()
	kv := open(t, dbPath(t), Options{})
	for i := range 50 {
		if err := kv.Swap(t.Context(), fmt.Sprint(i), 0, make([]byte, 2000)); err != nil {
			t.Fatal(err)
		}
	}
	saved := backup(t, kv)
	good, err := os.ReadFile(saved)
	if err != nil {
		t.Fatal(err)
	}
	for name, b := range map[string][]byte{
		"empty": nil, "cut": good[:len(good)/2], "text": []byte("-- MySQL dump"),
		"garbage": append(bytes.Clone(good[:8192]), bytes.Repeat([]byte{0xA5}, len(good)-8192)...),
	} {
		if err := os.WriteFile(saved, b, 0o600); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(t.TempDir(), "portvakt.db")
		if err := Restore(saved, path, false); !errors.Is(err, ErrDamaged) {
			t.Errorf("%s: got %v, want damaged", name, err)
		}
		if left, _ := os.ReadDir(filepath.Dir(path)); len(left) != 0 {
			t.Errorf("%s: files were left: %v", name, left)
		}
	}
}

func TestBackupEndsWithItsContext(t *testing.T) {
	t.Parallel()
	kv := open(t, dbPath(t), Options{})
	storetest.Put(t, kv, "a", "x")
	cancelled, cancel := context.WithCancel(t.Context())
	w := writerFunc(func(b []byte) (int, error) { cancel(); return len(b), nil })
	if err := kv.Backup(cancelled, w); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want cancelled", err)
	}
	storetest.Put(t, kv, "a", "goes on")
}

type writerFunc func(b []byte) (int, error)

func (f writerFunc) Write(b []byte) (int, error) { return f(b) }
