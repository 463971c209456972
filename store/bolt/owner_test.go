package bolt

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// Root enrolls somebody, and restores a copy, where the daemon of another user
// keeps its database: it can open everything afterwards.
func TestWhatRootMakesBelongsToTheDaemon(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("only root can give files away")
	}
	const user, group = 12345, 23456
	dir := t.TempDir()
	if err := os.Chown(dir, user, group); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "portvakt.db")
	copied := filepath.Join(t.TempDir(), "copy.db")
	belongs := func(when string, names ...string) {
		t.Helper()
		for _, name := range names {
			info, err := os.Lstat(name)
			if err != nil {
				t.Fatalf("%s: %v", when, err)
			}
			if st, ok := info.Sys().(*syscall.Stat_t); !ok || st.Uid != user || st.Gid != group || info.Mode() != 0o600 {
				t.Errorf("%s: %s belongs to %d:%d, mode %v", when, filepath.Base(name), st.Uid, st.Gid, info.Mode())
			}
		}
	}
	kv, err := Open(path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := kv.Swap(t.Context(), "k", 0, []byte("x")); err != nil {
		t.Fatal(err)
	}
	journals := journalPaths(path)
	belongs("while it is open", path, journals[kv.j.gen%2])
	out, err := os.Create(copied)
	if err != nil {
		t.Fatal(err)
	}
	if err := kv.Backup(context.WithoutCancel(t.Context()), out); err != nil {
		t.Fatal(err)
	}
	if err := kv.Close(); err != nil {
		t.Fatal(err)
	}
	if err := Restore(copied, path, true); err != nil {
		t.Fatal(err)
	}
	belongs("restored", path, path+".replaced")
}

// What a start that was killed has left keeps none from making a database: in a
// container each has the same process number.
func TestAHalfMadeDatabaseIsMadeAgain(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "portvakt.db")
	if err := os.WriteFile(fmt.Sprintf("%s.new-%d", path, os.Getpid()), []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	kv, err := Open(path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := kv.Close(); err != nil {
		t.Error(err)
	}
}

// The daemon's user can write the folder: a link that waits there for root must
// not give her what it leads to.
func TestRootFollowsNoLinkInTheDaemonsFolder(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	other := filepath.Join(t.TempDir(), "other")
	link := filepath.Join(dir, "portvakt.db.restore")
	if err := os.Symlink(other, link); err != nil {
		t.Fatal(err)
	}
	if f, err := makeFile(link); err == nil {
		_ = f.Close()
		t.Error("a link was taken for a new file")
	}
	if _, err := os.Lstat(other); err == nil {
		t.Error("what it leads to was made")
	}
}
