package socket

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/portvakt/portvakt/store"
)

// serveDesk answers with desk until the test ends.
func serveDesk(t *testing.T, desk Desk) (path string) {
	t.Helper()
	dir, err := os.MkdirTemp("", "pv") //nolint:usetesting // a socket's path has at most 107 octets
	if err != nil {
		t.Fatal(err)
	}
	path = filepath.Join(dir, "desk.sock")
	l, err := ListenFor(path, os.Getgid())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := ServeDesk(ctx, l, desk, nil); err != nil {
			t.Errorf("ServeDesk: %v", err)
		}
	})
	t.Cleanup(func() { cancel(); wg.Wait(); _ = os.RemoveAll(dir) })
	return path
}

func TestTheDeskIsAskedAndSaysWhoAsks(t *testing.T) {
	t.Parallel()
	whole := bytes.Repeat([]byte("0123456789"), 20000)
	path := serveDesk(t, func(_ context.Context, uid uint32, request []byte) ([]byte, error) {
		if int(uid) != os.Getuid() || string(request) != "hello" {
			return nil, errors.New("who are you")
		}
		return whole, nil
	})
	kv := dial(t, path)
	for range 2 {
		if got, err := kv.Ask(t.Context(), []byte("hello")); err != nil || !bytes.Equal(got, whole) {
			t.Errorf("got %d octets, %v", len(got), err)
		}
	}
	if _, err := kv.Ask(t.Context(), []byte("who")); err == nil || !strings.Contains(err.Error(), "who are you") {
		t.Errorf("got %v", err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o660 {
		t.Errorf("mode %v, %v; want 0660", info.Mode(), err)
	}
}

// Nothing of the store is to be had at the desk's socket, by any request.
func TestTheDeskDoesNotReachTheStore(t *testing.T) {
	t.Parallel()
	asked := 0
	path := serveDesk(t, func(context.Context, uint32, []byte) ([]byte, error) { asked++; return nil, nil })
	kv := dial(t, path)
	_, get := kv.Get(t.Context(), "seed")
	_, status := kv.Status(t.Context())
	for name, err := range map[string]error{
		"get": get, "status": status,
		"swap":   kv.Swap(t.Context(), "seed", 0, []byte("x")),
		"delete": kv.Swap(t.Context(), "seed", 1, nil),
		"scan":   kv.Scan(t.Context(), "", func(string, store.Value) error { return nil }),
		"backup": kv.Backup(t.Context(), &bytes.Buffer{}),
	} {
		if err == nil || !strings.Contains(err.Error(), "which may not do that") {
			t.Errorf("%s: got %v", name, err)
		}
	}
	for kind := range 256 {
		c, err := net.Dial("unix", path)
		if err != nil {
			t.Fatal(err)
		}
		if kind != opDesk {
			_, _ = c.Write(appendFrame(nil, message{kind: byte(kind), key: "seed"}))
			if m, err := readMessage(c); err != nil || m.kind != ansError {
				t.Errorf("request %d: got %c, %v", kind, m.kind, err)
			}
		}
		_ = c.Close()
	}
	if asked != 0 {
		t.Errorf("the desk was asked %d times", asked)
	}
}

func TestTheAdminSocketIsNoDesk(t *testing.T) {
	t.Parallel()
	path, _ := serve(t, nil, Options{})
	if _, err := dial(t, path).Ask(t.Context(), nil); err == nil || !strings.Contains(err.Error(), "does not know this request") {
		t.Errorf("got %v", err)
	}
}

// Who asks is known from the kernel alone: where it cannot say, nobody is
// there, and least of all root.
func TestTheDeskAnswersNobodyWhomTheKernelDoesNotName(t *testing.T) {
	t.Parallel()
	ours, theirs := net.Pipe()
	asked := false
	s := &server{
		desk: func(context.Context, uint32, []byte) ([]byte, error) { asked = true; return nil, nil },
		o:    Options{Log: slog.New(slog.DiscardHandler)},
	}
	var wg sync.WaitGroup
	wg.Go(func() { s.serve(t.Context(), ours) })
	wg.Go(func() { _, _ = theirs.Write(appendFrame(nil, message{kind: opDesk, data: []byte("hello")})) })
	m, err := readMessage(theirs)
	_ = theirs.Close()
	wg.Wait()
	if err != nil || m.kind != ansError || asked {
		t.Errorf("got %c, %v, asked %v, want a refusal", m.kind, err, asked)
	}
}
