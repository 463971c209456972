package bolt

import (
	"bytes"
	"fmt"
	"path/filepath"
	"sync"
	"testing"

	"github.com/portvakt/portvakt/store/storetest"
)

// A fold is several transactions. From what a killed process leaves between any
// two of them everything comes back as it was acknowledged.
func TestAFoldCanBeInterruptedBetweenItsParts(t *testing.T) {
	t.Parallel()
	path := dbPath(t)
	var snaps []string
	var mu sync.Mutex
	kv := open(t, path, Options{part: 2, hook: func(string) error {
		mu.Lock()
		defer mu.Unlock()
		snaps = append(snaps, snapshot(t, path))
		return nil
	}})
	const keys = 7
	for round := range 2 {
		for k := range keys {
			storetest.Put(t, kv, fmt.Sprint("k/", k), fmt.Sprint(round))
		}
		gone := fmt.Sprint("gone/", round)
		storetest.Put(t, kv, gone, "x")
		if err := kv.Swap(ctx, gone, storetest.Get(t, kv, gone).Rev, nil); err != nil {
			t.Fatal(err)
		}
		if err := kv.settle(ctx); err != nil {
			t.Fatal(err)
		}
	}
	const points = 2 + (keys+1)/2 // of a fold: before, in each part, after
	if len(snaps) != 2*points {
		t.Fatalf("%d points, want %d", len(snaps), 2*points)
	}
	for n, dir := range snaps {
		again := open(t, filepath.Join(dir, filepath.Base(path)), Options{})
		for k := range keys {
			if got, want := string(storetest.Get(t, again, fmt.Sprint("k/", k)).Data), fmt.Sprint(n/points); got != want {
				t.Errorf("point %d: k/%d is %q, want %s", n, k, got, want)
			}
		}
		if _, err := again.Get(ctx, fmt.Sprint("gone/", n/points)); err == nil {
			t.Errorf("point %d: what was deleted is there", n)
		}
	}
}

// A backup is of whole folds: of two records that were changed one after the
// other it never has the second alone.
func TestNoBackupIsMadeAmongThePartsOfAFold(t *testing.T) {
	t.Parallel()
	var kv *KV
	parts := 0
	kv = open(t, dbPath(t), Options{part: 1, hook: func(point string) error {
		if point != "in fold" {
			return nil
		}
		parts++
		if kv.parts.TryRLock() {
			kv.parts.RUnlock()
			t.Error("a backup may begin here")
		}
		return nil
	}})
	storetest.Put(t, kv, "b", "x")
	storetest.Put(t, kv, "a", "x")
	var copied bytes.Buffer
	if err := kv.Backup(ctx, &copied); err != nil {
		t.Fatal(err)
	}
	if parts != 2 {
		t.Errorf("%d parts, want 2", parts)
	}
}
