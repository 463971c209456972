package socket

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/portvakt/portvakt/login"
	"github.com/portvakt/portvakt/store"
	"github.com/portvakt/portvakt/store/mem"
	"github.com/portvakt/portvakt/store/storetest"
)

// serve answers with kv until the test ends, or stop is called.
func serve(t testing.TB, kv store.KV, o Options) (path string, stop func()) {
	t.Helper()
	dir, err := os.MkdirTemp("", "pv") //nolint:usetesting // a socket's path has at most 107 octets
	if err != nil {
		t.Fatal(err)
	}
	path = filepath.Join(dir, "admin.sock")
	l, err := Listen(path)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := Serve(ctx, l, kv, o); err != nil {
			t.Errorf("Serve: %v", err)
		}
	})
	stop = sync.OnceFunc(func() { cancel(); wg.Wait() })
	t.Cleanup(func() { stop(); _ = os.RemoveAll(dir) })
	return path, stop
}

func dial(t testing.TB, path string) *KV {
	t.Helper()
	kv, err := Dial(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = kv.Close() })
	return kv
}

func TestConformance(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T) store.KV {
		path, _ := serve(t, mem.New(), Options{})
		return dial(t, path)
	})
}

func TestSocketIsItsOwnersOnly(t *testing.T) {
	t.Parallel()
	path, stop := serve(t, mem.New(), Options{})
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v; want 0600", info.Mode(), err)
	}
	stop()
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the socket is left behind: %v", err)
	}
	if _, err := Dial(t.Context(), path); !errors.Is(err, ErrNoDaemon) {
		t.Errorf("got %v, want no daemon", err)
	}
}

func TestListenReplacesOnlyWhatIsDead(t *testing.T) {
	t.Parallel()
	path, stop := serve(t, mem.New(), Options{})
	if _, err := Listen(path); !errors.Is(err, ErrServed) || !strings.Contains(err.Error(), path) {
		t.Errorf("a daemon answers: got %v", err)
	}
	stop()
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	_ = l.Close() // as a killed daemon leaves it
	if _, err := Dial(t.Context(), path); !errors.Is(err, ErrNoDaemon) {
		t.Errorf("got %v, want no daemon", err)
	}
	again, err := Listen(path)
	if err != nil {
		t.Fatalf("a dead socket: %v", err)
	}
	_ = again.Close()
	if err := os.WriteFile(path, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Listen(path); err == nil {
		t.Error("a file was replaced")
	}
}

func TestAMissingDirectoryIsMade(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "run", "portvakt", "admin.sock")
	l, err := Listen(path)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if info, err := os.Stat(filepath.Dir(path)); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("got %v %v, want a directory of mode 0700", info, err)
	}
}

const childEnv = "PORTVAKT_SOCKET_CHILD"

func TestMain(m *testing.M) {
	path := os.Getenv(childEnv)
	if path == "" {
		os.Exit(m.Run())
	}
	if err := syscall.Setuid(65534); err != nil {
		fmt.Println("setuid:", err)
		return
	}
	kv, err := Dial(context.Background(), path)
	if err == nil {
		_, err = kv.Get(context.Background(), "seed")
	}
	fmt.Println(err)
}

// The mode of the socket could be wrong; the peer's user cannot.
func TestOtherUsersAreRefused(t *testing.T) {
	t.Parallel()
	if os.Getuid() != 0 {
		if os.Getenv("CI") == "true" {
			t.Fatal("needs root")
		}
		t.Skip("SKIPPED: needs root to become another user")
	}
	kv := mem.New()
	storetest.Put(t, kv, "seed", "x")
	path, _ := serve(t, kv, Options{})
	for name, mode := range map[string]os.FileMode{filepath.Dir(path): 0o755, path: 0o666} {
		if err := os.Chmod(name, mode); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), childEnv+"="+path)
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "only root and the daemon's user") {
		t.Errorf("got %q, %v; want a refusal", out, err)
	}
	if allowed(uint32(os.Geteuid())+1) || !allowed(0) || !allowed(uint32(os.Geteuid())) {
		t.Error("allowed is wrong")
	}
}

type backuper struct{ write func(w io.Writer) error }

func (b backuper) Backup(_ context.Context, w io.Writer) error { return b.write(w) }

func TestStatusArrivesWholeOrFails(t *testing.T) {
	t.Parallel()
	whole := bytes.Repeat([]byte("0123456789abcdef"), 30000)
	path, _ := serve(t, mem.New(), Options{Status: func() ([]byte, error) { return whole, nil }})
	kv := dial(t, path)
	for range 2 {
		if got, err := kv.Status(t.Context()); err != nil || !bytes.Equal(got, whole) {
			t.Errorf("got %d octets, %v; want %d", len(got), err, len(whole))
		}
	}
	for _, o := range []Options{{}, {Status: func() ([]byte, error) { return nil, errors.New("no status today") }}} {
		path, _ = serve(t, mem.New(), o)
		kv := dial(t, path)
		if got, err := kv.Status(t.Context()); err == nil || len(got) > 0 {
			t.Errorf("got %q, %v", got, err)
		}
		if _, err := kv.Get(t.Context(), "seed"); !errors.Is(err, login.ErrNotFound) {
			t.Errorf("the connection is of no use behind it: %v", err)
		}
	}
}

func TestBackupArrivesWholeOrFails(t *testing.T) {
	t.Parallel()
	whole := bytes.Repeat([]byte("0123456789abcdef"), 30000)
	errDisk := errors.New("no space")
	path, _ := serve(t, mem.New(), Options{Backup: backuper{func(w io.Writer) error {
		_, err := w.Write(whole)
		return err
	}}})
	kv := dial(t, path)
	for range 2 {
		var got bytes.Buffer
		if err := kv.Backup(t.Context(), &got); err != nil || !bytes.Equal(got.Bytes(), whole) {
			t.Errorf("got %d octets, %v; want %d", got.Len(), err, len(whole))
		}
	}
	failing := backuper{func(w io.Writer) error { _, _ = w.Write(whole[:100]); return errDisk }}
	path, _ = serve(t, mem.New(), Options{Backup: failing})
	if err := dial(t, path).Backup(t.Context(), io.Discard); err == nil || !strings.Contains(err.Error(), "no space") {
		t.Errorf("got %v, want the daemon's error", err)
	}
	path, _ = serve(t, mem.New(), Options{})
	if err := dial(t, path).Backup(t.Context(), io.Discard); err == nil {
		t.Error("a store that cannot be copied was copied")
	}
}

func TestTooManyConnectionsAreTold(t *testing.T) {
	t.Parallel()
	path, _ := serve(t, mem.New(), Options{})
	for range maxConns {
		kv := dial(t, path)
		if _, err := kv.Get(t.Context(), "a"); !errors.Is(err, login.ErrNotFound) {
			t.Fatal(err)
		}
	}
	if _, err := dial(t, path).Get(t.Context(), "a"); err == nil || !strings.Contains(err.Error(), "too many") {
		t.Errorf("got %v, want too many", err)
	}
}

// A daemon that stops does not wait for commands that hold their connection.
func TestStopEndsConnections(t *testing.T) {
	t.Parallel()
	path, stop := serve(t, mem.New(), Options{})
	kv := dial(t, path)
	storetest.Put(t, kv, "a", "x")
	stop()
	if err := kv.Swap(t.Context(), "b", 0, []byte("x")); err == nil {
		t.Error("a swap after the end")
	}
}

func TestContextEndsAWaitingRequest(t *testing.T) {
	t.Parallel()
	held := holdKV{mem.New(), make(chan struct{}, 1)}
	path, _ := serve(t, held, Options{})
	kv := dial(t, path)
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-held.held; cancel() }()
	if err := kv.Swap(ctx, "a", 0, []byte("x")); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want cancelled", err)
	}
	if _, err := kv.Get(t.Context(), "a"); !errors.Is(err, login.ErrNotFound) {
		t.Errorf("the next request: got %v, want not found", err)
	}
}

// holdKV never finishes a swap.
type holdKV struct {
	*mem.KV
	held chan struct{}
}

func (h holdKV) Swap(ctx context.Context, _ string, _ uint64, _ []byte) error {
	h.held <- struct{}{}
	<-ctx.Done()
	return ctx.Err()
}

// A frame that says it is longer than any is refused before there is room for it
// (attack: whoever may connect has the daemon take 4 GB).
func TestTooLongFramesAreRefusedByTheirHead(t *testing.T) {
	t.Parallel()
	for _, length := range []uint32{maxBody + 1, 1 << 24, 1<<32 - 1} {
		if _, err := readMessage(bytes.NewReader(binary.BigEndian.AppendUint32(nil, length))); !errors.Is(err, errFrame) {
			t.Errorf("%d octets: got %v, want %v", length, err, errFrame)
		}
	}
}

func FuzzFrame(f *testing.F) {
	f.Add(appendFrame(nil, message{kind: opGet, key: "a"}))
	f.Add(appendFrame(nil, message{kind: opSwap, key: "a", rev: 7, data: []byte("data")}))
	f.Add([]byte{0xff, 0xff, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := readMessage(bytes.NewReader(b))
		if err != nil {
			return
		}
		again := appendFrame(nil, m)
		if !bytes.HasPrefix(b, again) {
			t.Errorf("%x was read as %x", b, again)
		}
	})
}

// FuzzServer sends what any program of the same user could.
func FuzzServer(f *testing.F) {
	path, _ := serve(f, mem.New(), Options{})
	f.Add(appendFrame(nil, message{kind: opScan}))
	f.Add(appendFrame(nil, message{kind: 'Z', key: "a"}))
	f.Add(appendFrame(appendFrame(nil, message{kind: opSwap, key: "a", data: []byte("x")}), message{kind: opDelete, key: "a", rev: 1}))
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := net.Dial("unix", path)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		_, _ = c.Write(b)
		_ = c.(*net.UnixConn).CloseWrite()
		for {
			if _, err := readMessage(c); errors.Is(err, errFrame) {
				t.Fatal("the daemon answered with what is no frame")
			} else if err != nil {
				return
			}
		}
	})
}
