package main

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/portvakt/portvakt/conf"
	"github.com/portvakt/portvakt/internal/logging"
	"github.com/portvakt/portvakt/login"
	"github.com/portvakt/portvakt/radiusd"
	"github.com/portvakt/portvakt/store"
)

// newReloadable is a daemon behind the demonstration's directory, without its
// socket. The function changes its file and reloads it.
func newReloadable(t *testing.T) (d *daemon, change func(old, fresh string)) {
	t.Helper()
	dir := t.TempDir()
	directory, err := startDemoDirectory(t.Context(), "service")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(directory.stop)
	dm := &demo{dir: dir, secret: "eighteen characters", exchange: "sip:127.0.0.1"}
	f, err := dm.configure(t.Context(), directory)
	if err != nil {
		t.Fatal(err)
	}
	log := logging.New(conf.DefaultLog(), t.Output())
	st, err := openOwnStorage(t.Context(), f, log.Logger)
	if err != nil {
		t.Fatal(err)
	}
	st.codes = io.Discard
	d = &daemon{path: filepath.Join(dir, "portvakt.toml"), log: slog.New(slog.DiscardHandler), logging: log, store: st}
	s, err := build(f, st, d.log)
	if err != nil {
		t.Fatal(err)
	}
	d.current.Store(newRunning(s, login.NewFlow(s.flowConfig(nil))))
	if d.radius, err = radiusd.New(f.Server.Config, d, radiusd.Options{Records: d}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	t.Cleanup(func() {
		cancel()
		d.retired.Wait()
		if err := errors.Join(d.current.Load().close(), st.close()); err != nil {
			t.Error(err)
		}
		log.Close()
	})
	return d, func(old, fresh string) {
		t.Helper()
		b, err := os.ReadFile(d.path)
		if err != nil {
			t.Fatal(err)
		}
		text := strings.Replace(string(b), old, fresh, 1)
		if text == string(b) {
			t.Fatalf("the file has no %q", old)
		}
		if err := os.WriteFile(d.path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := d.reload(ctx); err != nil {
			t.Fatal(err)
		}
	}
}

func TestReloadKeepsTheDirectoryWhenItsSectionIsTheSame(t *testing.T) {
	d, change := newReloadable(t)
	before := d.current.Load()
	change(`issuer = "Portvakt demo"`, `issuer = "Another"`)
	after := d.current.Load()
	if after == before || after.file.TOTP.Issuer != "Another" {
		t.Fatal("the new configuration is not in force")
	}
	if after.directory != before.directory {
		t.Error("got another directory, want the one with its connections")
	}
	d.retired.Wait()
	if _, err := after.directory.Lookup(t.Context(), "alice", 0); err != nil {
		t.Errorf("the directory does not answer any more: %v", err)
	}
}

// TestAReloadThatFailsKeepsAllOfTheOldFile, also when the file itself is right: here
// its key opens nothing in the store. Clients of the new one with rules of the
// old one would be nobody's configuration.
func TestAReloadThatFailsKeepsAllOfTheOldFile(t *testing.T) {
	d, _ := newReloadable(t)
	before, patience := d.current.Load(), d.radius.Stats().Clients[demoClient].Clock.Patience
	if err := store.NewRingFile(filepath.Join(filepath.Dir(d.path), "another.key")); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(d.path)
	if err != nil {
		t.Fatal(err)
	}
	text := strings.NewReplacer("store.key", "another.key", `patience = "55s"`, `patience = "20s"`, "Portvakt demo", "Another").Replace(string(b))
	if err := os.WriteFile(d.path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if f, _, err := conf.LoadFile(d.path); err != nil || f.Clients[0].Patience == patience {
		t.Fatalf("the file is to be right, and another: %v", err)
	}
	if err := d.reload(t.Context()); err == nil {
		t.Fatal("a file with the wrong key was put in force")
	}
	if got := d.radius.Stats().Clients[demoClient].Clock.Patience; got != patience || d.current.Load() != before {
		t.Errorf("a part of the new file is in force: patience %v, want %v", got, patience)
	}
}

func TestReloadClosesADirectoryWhenItsLoginsHaveEnded(t *testing.T) {
	d, change := newReloadable(t)
	first := d.enter() // a login under way
	change("insecure      = true", "insecure      = true\ntimeout = \"4s\"")
	change(`issuer = "Portvakt demo"`, `issuer = "Another"`) // waits for the one before
	if now := d.current.Load(); now.directory == first.directory {
		t.Fatal("got the same directory, want one of the new section")
	}
	if _, err := first.directory.Lookup(t.Context(), "alice", 0); err != nil {
		t.Errorf("the directory of a login under way was closed: %v", err)
	}
	first.leave()
	d.retired.Wait()
	if _, err := first.directory.Lookup(t.Context(), "alice", 0); err == nil {
		t.Error("the directory that nobody uses is still open")
	}
	if _, err := d.current.Load().directory.Lookup(t.Context(), "alice", 0); err != nil {
		t.Errorf("the new directory does not answer: %v", err)
	}
}

func TestReloadWaitsForALoginNoLongerThanTheDrain(t *testing.T) {
	d, change := newReloadable(t)
	change(`reject_delay = "300ms"`, "reject_delay = \"300ms\"\ndrain = \"1s\"")
	stuck := d.enter()
	change("insecure      = true", "insecure      = true\ntimeout = \"4s\"")
	<-d.retired.last
	if _, err := stuck.directory.Lookup(t.Context(), "alice", 0); err == nil {
		t.Error("the old directory is open after the drain")
	}
	stuck.leave()
}

func TestReloadsDisturbNoLogin(t *testing.T) {
	d, change := newReloadable(t)
	ctx, stop := context.WithTimeout(t.Context(), 10*time.Second)
	defer stop()
	done := make(chan struct{})
	var people sync.WaitGroup
	for _, p := range demoPeople() {
		people.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-done:
					return
				default:
				}
				step, err := d.Begin(ctx, login.Attempt{
					User: p.uid, Secret: login.Cleartext(p.password), Via: login.Via{Client: "somewhere", CanAsk: true},
				})
				if err != nil {
					t.Errorf("%s, sign-in %d: could not decide: %v", p.uid, n, err)
					return
				}
				if _, ok := step.(login.Accept); ok {
					t.Errorf("%s, sign-in %d: got in without a second factor", p.uid, n)
				}
			}
		})
	}
	was := "insecure      = true"
	for _, is := range []string{"2s", "3s", "4s", "5s", "2s", "3s"} {
		now := "insecure = true\ntimeout = \"" + is + "\""
		change(was, now)
		was = now
	}
	close(done)
	people.Wait()
}
