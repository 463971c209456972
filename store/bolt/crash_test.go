package bolt

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/portvakt/portvakt/store"
	"github.com/portvakt/portvakt/store/storetest"
)

const childEnv = "PORTVAKT_BOLT_CHILD"

func TestMain(m *testing.M) {
	switch path := os.Getenv(childEnv); {
	case path == "":
		os.Exit(m.Run())
	case strings.HasPrefix(path, "hold:"):
		holdChild(strings.TrimPrefix(path, "hold:"))
	default:
		writeChild(path)
	}
}

// writeChild swaps without end and says what was acknowledged.
func writeChild(path string) {
	kv, err := Open(path, Options{})
	if err != nil {
		fmt.Println("error", err)
		return
	}
	start := kv.rev
	var mu sync.Mutex
	var wg sync.WaitGroup
	for w := range 16 {
		wg.Go(func() {
			for i := 0; ; i++ {
				key := fmt.Sprintf("k/%d/%d/%d", start, w, i)
				if err := kv.Swap(ctx, key, 0, []byte(key)); err != nil {
					fmt.Println("error", err)
					return
				}
				mu.Lock()
				fmt.Println(key)
				mu.Unlock()
				if i%50 == 49 && w == 0 {
					_ = kv.settle(ctx)
				}
			}
		})
	}
	wg.Wait()
}

func child(t *testing.T, env string) (*exec.Cmd, *bufio.Scanner) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), childEnv+"="+env)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = in.Close() })
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	return cmd, bufio.NewScanner(out)
}

func TestKilledDaemonForgetsNothing(t *testing.T) {
	t.Parallel()
	path := dbPath(t)
	acknowledged := make(map[string]bool)
	for round := range 4 {
		cmd, lines := child(t, path)
		for enough := len(acknowledged) + 700*(round+1); lines.Scan(); {
			if strings.HasPrefix(lines.Text(), "error") {
				t.Fatal(lines.Text())
			}
			acknowledged[lines.Text()] = true
			if len(acknowledged) == enough {
				_ = cmd.Process.Kill() // what it has said before is still read
			}
		}
		_ = cmd.Wait()
	}
	kv := open(t, path, Options{})
	for key := range acknowledged {
		if got := string(storetest.Get(t, kv, key).Data); got != key {
			t.Fatalf("%q holds %q", key, got)
		}
	}
}

// At each point of a fold the files are copied as a killed process would leave
// them; from each copy everything must come back, and only that.
func TestFoldCanBeInterruptedAnywhere(t *testing.T) {
	t.Parallel()
	path := dbPath(t)
	var snaps []string
	var mu sync.Mutex
	kv := open(t, path, Options{hook: func(point string) error {
		mu.Lock()
		defer mu.Unlock()
		snaps = append(snaps, point+":"+snapshot(t, path))
		return nil
	}})
	for i := range 5 {
		storetest.Put(t, kv, "hot", fmt.Sprint(i))
		storetest.Put(t, kv, fmt.Sprintf("k/%d", i), "x")
		if i > 0 {
			gone := fmt.Sprintf("k/%d", i-1)
			if err := kv.Swap(ctx, gone, storetest.Get(t, kv, gone).Rev, nil); err != nil {
				t.Fatal(err)
			}
		}
		if err := kv.settle(ctx); err != nil {
			t.Fatal(err)
		}
	}
	if len(snaps) != 15 {
		t.Fatalf("%d points, want 15", len(snaps))
	}
	for n, snap := range snaps {
		point, dir, _ := strings.Cut(snap, ":")
		again := open(t, filepath.Join(dir, filepath.Base(path)), Options{})
		i := n / 3
		if got := string(storetest.Get(t, again, "hot").Data); got != fmt.Sprint(i) {
			t.Errorf("%s %d: hot is %q, want %d", point, i, got, i)
		}
		for k := range i {
			if _, err := again.Get(ctx, fmt.Sprintf("k/%d", k)); err == nil {
				t.Errorf("%s %d: k/%d was deleted and is there", point, i, k)
			}
		}
		storetest.Get(t, again, fmt.Sprintf("k/%d", i))
		if got, want := again.rev, storetest.Get(t, again, "hot").Rev; got < want {
			t.Errorf("%s %d: next revision after %d, the record has %d", point, i, got, want)
		}
	}
}

// A fold that fails is tried again; swaps go on and nothing is lost, also when
// the process is killed meanwhile.
func TestFailingFoldKeepsTheJournal(t *testing.T) {
	t.Parallel()
	for _, point := range []string{"before fold", "in fold", "after fold"} {
		t.Run(point, func(t *testing.T) {
			t.Parallel()
			path := dbPath(t)
			errFold := errors.New("no fold today")
			fail := true
			var mu sync.Mutex
			kv := open(t, path, Options{hook: func(at string) error {
				mu.Lock()
				defer mu.Unlock()
				if fail && at == point {
					return errFold
				}
				return nil
			}})
			storetest.Put(t, kv, "a", "one")
			for i := range 3 {
				if err := kv.settle(ctx); !errors.Is(err, errFold) {
					t.Fatalf("fold: got %v, want its failure", err)
				}
				storetest.Put(t, kv, "a", fmt.Sprint(i))
				storetest.Put(t, kv, "b", fmt.Sprint(i))
			}
			dir := snapshot(t, path)
			mu.Lock()
			fail = false
			mu.Unlock()
			if err := kv.Close(); err != nil {
				t.Fatalf("Close: %v", err)
			}
			for _, dir := range []string{dir, filepath.Dir(path)} {
				again := open(t, filepath.Join(dir, filepath.Base(path)), Options{})
				for _, key := range []string{"a", "b"} {
					if got := string(storetest.Get(t, again, key).Data); got != "2" {
						t.Errorf("%q is %q, want 2", key, got)
					}
				}
			}
		})
	}
}

// What could not be folded at the end is in the journal, and is there again.
func TestAFailingFoldAtTheEndLosesNothing(t *testing.T) {
	t.Parallel()
	path, errFold := dbPath(t), errors.New("no fold today")
	kv := open(t, path, Options{hook: func(string) error { return errFold }})
	storetest.Put(t, kv, "a", "one")
	if err := kv.Close(); !errors.Is(err, errFold) {
		t.Fatalf("Close: got %v, want the failure of the fold", err)
	}
	again := open(t, path, Options{})
	if got := string(storetest.Get(t, again, "a").Data); got != "one" {
		t.Errorf("got %q, want one", got)
	}
}

// A revision is given once, also when the process was killed behind it: who has
// read the old value would else replace the new one.
func TestRevisionsGoOnBehindAReplay(t *testing.T) {
	t.Parallel()
	path := dbPath(t)
	kv := open(t, path, Options{})
	var last uint64
	for i := range 5 {
		last = storetest.Put(t, kv, fmt.Sprint(i), "x")
	}
	again := open(t, filepath.Join(snapshot(t, path), filepath.Base(path)), Options{})
	if next := storetest.Put(t, again, "new", "x"); next <= last {
		t.Errorf("got revision %d, and %d was given before", next, last)
	}
}

// A memoryFile takes everything and keeps nothing.
type memoryFile struct{}

func (memoryFile) WriteAt(b []byte, _ int64) (int, error) { return len(b), nil }
func (memoryFile) Truncate(int64) error                   { return nil }
func (memoryFile) Allocate(int64, int64) error            { return nil }
func (memoryFile) Datasync() error                        { return nil }
func (memoryFile) Close() error                           { return nil }

// A journal that grew beyond its bound would be refused at the next start. So
// changes are, while folding fails; when it works again, so do they.
func TestAJournalThatCannotBeFoldedIsBounded(t *testing.T) {
	t.Parallel()
	errFold := errors.New("no fold today")
	var folds atomic.Bool
	kv := open(t, dbPath(t), Options{
		openFile: func(string) (file, error) { return memoryFile{}, nil },
		hook: func(string) error {
			if folds.Load() {
				return nil
			}
			return errFold
		},
	})
	value := make([]byte, store.MaxData)
	const most = maxJournal / store.MaxData // fewer fit, with their heads
	var refused atomic.Int32
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for n := range 2 * most / 8 {
				err := kv.Swap(t.Context(), fmt.Sprint(i, "/", n), 0, value)
				if errors.Is(err, errFold) {
					refused.Add(1)
					return
				}
				if err != nil {
					t.Errorf("got %v, want the failure of the fold", err)
					return
				}
			}
		})
	}
	wg.Wait()
	if refused.Load() != 8 {
		t.Fatalf("twice of what a journal may have was taken; %d of 8 were refused", refused.Load())
	}
	folds.Store(true)
	storetest.Put(t, kv, "again", "x")
}

// When the next journal cannot be begun, the present one goes on; what it
// takes then must count although the other's header names fewer batches.
func TestJournalGoesOnWhenTheNextCannotBegin(t *testing.T) {
	t.Parallel()
	f, path := newFaults(), dbPath(t)
	kv := open(t, path, f.options())
	storetest.Put(t, kv, "a", "one")
	f.sync.Store(true)
	if err := kv.settle(ctx); err == nil {
		t.Fatal("a fold without a journal to go on in")
	}
	f.sync.Store(false)
	storetest.Put(t, kv, "a", "two")
	again := open(t, filepath.Join(snapshot(t, path), filepath.Base(path)), Options{})
	if got := string(storetest.Get(t, again, "a").Data); got != "two" {
		t.Errorf("got %q, want two", got)
	}
}
