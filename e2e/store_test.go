package e2e_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/portvakt/portvakt/e2e/peer"
	"github.com/portvakt/portvakt/e2e/server"
	"github.com/portvakt/portvakt/radiusd/client"
)

// disk mounts a small file system of its own.
func disk(t *testing.T, size int) string {
	t.Helper()
	peer.NeedRoot(t)
	dir := filepath.Join(t.TempDir(), "disk")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, fmt.Sprintf("size=%d,mode=0700", size)); err != nil {
		t.Fatalf("mount: %v", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(dir, syscall.MNT_DETACH) })
	return dir
}

// fill takes all the room of a file system, and returns what gives it back.
func fill(t *testing.T, dir string) (empty func()) {
	t.Helper()
	path := filepath.Join(dir, "full")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	for _, chunk := range []int{1 << 16, 4096, 1} {
		for err == nil {
			_, err = f.Write(make([]byte, chunk))
		}
		if !errors.Is(err, syscall.ENOSPC) {
			t.Fatalf("fill the disk: %v", err)
		}
		err = nil
	}
	return func() {
		if err := os.Remove(path); err != nil {
			t.Error(err)
		}
	}
}

// A code that cannot be recorded as used is not accepted, however right it is
// else it could be used twice.
func TestDiskFull(t *testing.T) {
	t.Parallel()
	const people, size = 40, 8 << 20
	slapd := peer.StartSlapd(t, peer.SlapdOptions{Bulk: people})
	dir := disk(t, size)
	site := server.New(t, server.Config{LDAP: server.LDAP(slapd), Store: dir})
	seeds := site.EnrollMany(t, people, bulk)
	d := site.Start(t)
	empty := fill(t, dir)

	used := map[int]string{} // what was accepted must have been recorded
	silent := 0
	for i := 0; i < people && silent < 3; i++ {
		state, code := ask(t, d, bulk(i)), seeds[i].Code(t)
		c := d.Client()
		c.Timeout = shortly
		switch reply, err := c.Do(t.Context(), client.Request{User: bulk(i), Password: code, State: state}); {
		case errors.Is(err, client.ErrNoReply):
			silent++
		case err == nil && reply.Code == client.AccessAccept:
			used[i] = code
		default:
			t.Fatalf("%s on a full disk: got %v, %v", bulk(i), reply.Code, err)
		}
	}
	if silent == 0 {
		t.Fatalf("all %d sign-ins were accepted: the disk was not full", people)
	}
	if !d.Alive(t, time.Second) {
		t.Error("no answer to Status-Server on a full disk")
	}
	d.AwaitLog(t, "no space left on device")

	empty()
	last := people - 1
	d.Await(t, "a sign-in when there is room again", func() bool {
		c := d.Client()
		c.Timeout = time.Second
		result, _, err := server.Walk(t, c, bulk(last), peer.UserPassword, seeds[last].Code(t))
		return err == nil && result.Accepted
	})
	d.Kill(t)
	d = site.Start(t)
	for i, code := range used {
		want(t, "the used code of "+bulk(i), exchange(t, d.Client(), bulk(i), code, ask(t, d, bulk(i))), client.AccessChallenge)
	}
}

// What is wrong with the store is said at the start, with what to do.
func TestAStoreThatCannotBeUsed(t *testing.T) {
	const unavailable = 69
	damage := func(do func(b []byte) []byte) func(*testing.T, *server.Site) {
		return func(t *testing.T, s *server.Site) {
			t.Helper()
			b, err := os.ReadFile(s.Database)
			if err != nil {
				t.Fatal(err)
			}
			server.WriteFile(t, s.Database, string(do(b)))
		}
	}
	for _, test := range []struct {
		name  string
		spoil func(t *testing.T, s *server.Site)
		says  []string
	}{
		{"truncated", damage(func(b []byte) []byte { return b[:len(b)/2+100] }), []string{"damaged", "portvakt restore"}},
		{"empty", damage(func([]byte) []byte { return nil }), []string{"damaged", "portvakt restore"}},
		{"zeros", damage(func(b []byte) []byte { return make([]byte, len(b)) }), []string{"damaged", "portvakt restore"}},
		{"something else", damage(func([]byte) []byte { return bytes.Repeat([]byte("no database "), 1000) }), []string{"damaged", "portvakt restore"}},
		{"in use", func(t *testing.T, s *server.Site) {
			t.Helper()
			other := *s
			other.File = filepath.Join(s.Dir, "other.toml")
			text, err := os.ReadFile(s.File)
			if err != nil {
				t.Fatal(err)
			}
			server.WriteFile(t, other.File, strings.ReplaceAll(string(text), "admin.sock", "other.sock"))
			other.Start(t)
		}, []string{"open in process", "stop the daemon"}},
		{"of another key", func(t *testing.T, s *server.Site) {
			t.Helper()
			server.WriteFile(t, s.Key, "1 "+strings.Repeat("Ab3", 14)+"Q= active\n")
		}, []string{"use the key ring that was saved with the database"}},
		{"on a read-only disk", func(t *testing.T, s *server.Site) {
			t.Helper()
			dir := filepath.Dir(s.Database)
			if err := syscall.Mount("", dir, "", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""); err != nil {
				t.Fatal(err)
			}
		}, []string{"read-only", "must be able to write"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			slapd := peer.StartSlapd(t, peer.SlapdOptions{})
			site := server.New(t, server.Config{LDAP: server.LDAP(slapd), Store: disk(t, 16<<20)})
			site.Enroll(t, "alice", server.NewSeed())
			test.spoil(t, site)
			d := site.Launch(t)
			if code := d.Wait(t); code != unavailable {
				t.Errorf("exit code %d, want %d", code, unavailable)
			}
			for _, part := range append(test.says, "portvakt: error: ") {
				if !strings.Contains(d.Log(), part) {
					t.Errorf("what it says lacks %q:\n%s", part, d.Log())
				}
			}
		})
	}
}

func TestAKeyThatEverybodyCanReadIsRefused(t *testing.T) {
	t.Parallel()
	slapd := peer.StartSlapd(t, peer.SlapdOptions{})
	site := server.New(t, server.Config{LDAP: server.LDAP(slapd)})
	if err := os.Chmod(site.Key, 0o644); err != nil {
		t.Fatal(err)
	}
	d := site.Launch(t)
	if code := d.Wait(t); code == 0 {
		t.Error("it ended as if all was well")
	}
	if !strings.Contains(d.Log(), "600") {
		t.Errorf("it does not say what mode the key must have:\n%s", d.Log())
	}
}
