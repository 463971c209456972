package bolt

import (
	"bufio"
	"fmt"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// smallest is a cache that keeps nothing: each read is one of the file.
const smallest = 1

// A read transaction that is kept shows what was there when it began: none may
// outlive a fold.
func TestReadersShowWhatWasFolded(t *testing.T) {
	t.Parallel()
	kv := open(t, dbPath(t), Options{Cache: smallest, part: 2})
	const keys, folds = 5, 20
	var durable [keys]atomic.Uint64 // the least that a read may show
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for i := 0; ; i = (i + 1) % keys {
				select {
				case <-stop:
					return
				default:
				}
				least := durable[i].Load()
				if v, err := kv.Get(ctx, fmt.Sprint("k/", i)); least > 0 && (err != nil || v.Rev < least) {
					t.Errorf("k/%d: revision %d, %v; %d was durable before", i, v.Rev, err, least)
					return
				}
			}
		})
	}
	for range folds {
		for i := range keys {
			key := fmt.Sprint("k/", i)
			if err := kv.Swap(ctx, key, durable[i].Load(), []byte("x")); err != nil {
				t.Fatal(err)
			}
			v, err := kv.Get(ctx, key)
			if err != nil {
				t.Fatal(err)
			}
			durable[i].Store(v.Rev)
		}
		if err := kv.settle(ctx); err != nil {
			t.Fatal(err)
		}
	}
	close(stop)
	wg.Wait()
	if n := kv.db.Stats().OpenTxN; n > maxReaders {
		t.Errorf("%d read transactions are open, want at most %d", n, maxReaders)
	}
}

// A fold touches most pages of the file; they must not stay with the process.
func TestAFoldGivesTheFileBack(t *testing.T) {
	t.Parallel()
	path := dbPath(t)
	kv := open(t, path, Options{})
	const records = 4096
	var wg sync.WaitGroup
	for i := range records {
		wg.Go(func() {
			if err := kv.Swap(ctx, fmt.Sprintf("k/%06d", i), 0, make([]byte, 1000)); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if err := kv.settle(ctx); err != nil {
		t.Fatal(err)
	}
	if kb := mapped(t, path); kb > 512 {
		t.Errorf("%d KiB of the file are in memory behind a fold of %d", kb, records)
	}
	for i := range records {
		if v, err := kv.read(fmt.Sprintf("k/%06d", i)); err != nil || len(v.Data) != 1000 {
			t.Fatalf("record %d: %d octets, %v", i, len(v.Data), err)
		}
	}
	if kb := mapped(t, path); kb < 1024 {
		t.Errorf("%d KiB are mapped when all of it was read: this test measures nothing", kb)
	}
}

// mapped is how much of a file is in the memory of this process, in KiB.
func mapped(t *testing.T, path string) (kb int) {
	t.Helper()
	f, err := os.Open("/proc/self/smaps")
	if err != nil {
		t.Skip("no /proc here: ", err)
	}
	defer func() { _ = f.Close() }()
	its := false
	for lines := bufio.NewScanner(f); lines.Scan(); {
		line := lines.Text()
		if addresses, _, _ := strings.Cut(line, " "); strings.Contains(addresses, "-") {
			its = strings.HasSuffix(line, path) // a mapping begins
		}
		if n := 0; its && strings.HasPrefix(line, "Rss:") {
			if _, err := fmt.Sscanf(line, "Rss: %d kB", &n); err != nil {
				t.Fatal(err)
			}
			kb += n
		}
	}
	return kb
}
