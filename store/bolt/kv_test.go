package bolt

import (
	"errors"
	"fmt"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/portvakt/portvakt/login"
	"github.com/portvakt/portvakt/store"
	"github.com/portvakt/portvakt/store/storetest"
)

func open(t testing.TB, path string, o Options) *KV {
	t.Helper()
	kv, err := Open(path, o)
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	t.Cleanup(func() { _ = kv.Close() })
	return kv
}

func dbPath(t testing.TB) string { return filepath.Join(t.TempDir(), "portvakt.db") }

func TestConformance(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T) store.KV { return open(t, dbPath(t), Options{}) })
	storetest.RunDurable(t, func(t *testing.T, dir string) store.KV {
		return open(t, filepath.Join(dir, "portvakt.db"), Options{})
	})
}

// Each key is in the file, in a fold that cannot finish, or in the present
// journal when the rules are tried.
func TestConformanceWhileFolding(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T) store.KV { return eager{open(t, dbPath(t), Options{})} })
}

// eager folds after each change.
type eager struct{ *KV }

func (e eager) Swap(ctx testContext, key string, rev uint64, data []byte) error {
	err := e.KV.Swap(ctx, key, rev, data)
	if err == nil {
		err = e.settle(ctx)
	}
	return err
}

func TestFoldComesByTime(t *testing.T) {
	t.Parallel()
	path := dbPath(t)
	synctest.Test(t, func(t *testing.T) {
		kv := open(t, path, Options{})
		storetest.Put(t, kv, "a", "one")
		if got := kv.Stats().Folds; got != 0 {
			t.Errorf("%d folds at once, want none", got)
		}
		time.Sleep(foldEvery + time.Second)
		synctest.Wait()
		if got := kv.Stats().Folds; got != 1 {
			t.Errorf("%d folds after %v, want 1", got, foldEvery)
		}
		time.Sleep(time.Hour)
		synctest.Wait()
		if got := kv.Stats(); got.Folds != 1 || got.Commits != 1 {
			t.Errorf("an idle store went on working: %+v", got)
		}
		if got := string(storetest.Get(t, kv, "a").Data); got != "one" {
			t.Errorf("got %q after the fold, want one", got)
		}
		if err := kv.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
}

// While no swap is acknowledged sooner than its commit, commits are at least
// 2 ms apart and share what has come.
func TestCommitsAreShared(t *testing.T) {
	t.Parallel()
	kv := open(t, dbPath(t), Options{})
	const writers, times = 64, 8
	begin := time.Now()
	errs := make(chan error, writers)
	for w := range writers {
		go func() {
			var err error
			for i := range times {
				err = errors.Join(err, kv.Swap(t.Context(), fmt.Sprintf("%d/%d", w, i), 0, []byte("x")))
			}
			errs <- err
		}()
	}
	for range writers {
		if err := <-errs; err != nil {
			t.Fatal(err)
		}
	}
	s := kv.Stats()
	if s.Swaps != writers*times || s.Commits > writers*times/4 {
		t.Errorf("%d swaps in %d commits, want them to share", s.Swaps, s.Commits)
	}
	if limit := uint64(time.Since(begin)/commitEvery) + 3; s.Fsyncs > limit {
		t.Errorf("%d fsyncs, want at most %d", s.Fsyncs, limit)
	}
}

func TestGetShowsOnlyWhatIsDurable(t *testing.T) {
	t.Parallel()
	f := newFaults()
	kv := open(t, dbPath(t), f.options())
	storetest.Put(t, kv, "a", "old")
	release := f.holdSync()
	done := make(chan error)
	go func() { done <- kv.Swap(t.Context(), "a", storetest.Get(t, kv, "a").Rev, []byte("new")) }()
	<-f.held
	if got := string(storetest.Get(t, kv, "a").Data); got != "old" {
		t.Errorf("got %q before the commit, want old", got)
	}
	select {
	case err := <-done:
		t.Fatalf("acknowledged before it was durable: %v", err)
	default:
	}
	close(release)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if got := string(storetest.Get(t, kv, "a").Data); got != "new" {
		t.Errorf("got %q after the commit, want new", got)
	}
}

func TestRevisionsSurviveTheirKey(t *testing.T) {
	t.Parallel()
	path := dbPath(t)
	kv := open(t, path, Options{})
	rev := storetest.Put(t, kv, "a", "one")
	if err := kv.Swap(t.Context(), "a", rev, nil); err != nil {
		t.Fatal(err)
	}
	if err := kv.Close(); err != nil {
		t.Fatal(err)
	}
	kv = open(t, path, Options{})
	if again := storetest.Put(t, kv, "a", "two"); again <= rev {
		t.Errorf("revision %d after %d", again, rev)
	}
	if err := kv.Swap(t.Context(), "a", rev, nil); !errors.Is(err, login.ErrConflict) {
		t.Errorf("got %v, want a conflict", err)
	}
}
