package bolt

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/portvakt/portvakt/login"
	"github.com/portvakt/portvakt/store"
)

// value is one that tells its revision.
func value(rev uint64, size int) store.Value {
	return store.Value{Data: bytes.Repeat([]byte{byte(rev)}, size), Rev: rev}
}

func TestACacheHasTheLastValuePutOrNone(t *testing.T) {
	t.Parallel()
	const octets = 2 * cacheShards * cachePage
	c, last := newCache(octets), map[string]store.Value{}
	hits := 0
	for rev := range uint64(100_000) {
		key := fmt.Sprint("guard/", rand.IntN(20_000))
		if want, known := last[key]; known {
			got, ok := c.get(key)
			if ok && (got.Rev != want.Rev || !bytes.Equal(got.Data, want.Data)) {
				t.Fatalf("%s: got %d, want %d", key, got.Rev, want.Rev)
			}
			if r, known := c.revision(key); known != ok || known && r != want.Rev {
				t.Fatalf("%s: revision is %d %t, want %d %t", key, r, known, want.Rev, ok)
			}
			if ok {
				hits++
			}
		}
		v := value(rev+1, rand.IntN(300))
		switch rand.IntN(100) {
		case 0:
			v = store.Value{} // the file has none
		case 1:
			v = value(rev+1, maxKept) // too large to be kept
		}
		if rand.IntN(2) == 0 {
			c.update(key, v)
		} else {
			c.put(key, v)
		}
		last[key] = v
	}
	if hits < 10_000 {
		t.Errorf("%d hits, want some", hits)
	}
	for i := range c.shards {
		if n := len(c.shards[i].pages); n > 2 {
			t.Errorf("a shard has %d pages, want at most 2", n)
		}
	}
}

// People are many, those who come back soon are few: what is only written takes
// no memory, nor does the first value of a key that was looked for.
func TestACacheMakesRoomForWhatIsRead(t *testing.T) {
	t.Parallel()
	c := newCache(cacheShards * cachePage)
	c.update("guard/1", value(1, 40))
	if _, ok := c.get("guard/1"); ok {
		t.Error("what was only written is kept")
	}
	c.put("claim/1", store.Value{})
	c.update("claim/1", value(1, 40))
	if _, ok := c.get("claim/1"); ok {
		t.Error("the first value of a key is kept")
	}
	c.put("guard/1", value(1, 40))
	for _, size := range []int{48, 4, 48, 49, 40, 400} { // the first room is for 48
		c.update("guard/1", value(2, size))
		if v, ok := c.get("guard/1"); !ok || v.Rev != 2 || len(v.Data) != size {
			t.Errorf("with %d octets: got %d of revision %d, kept %t", size, len(v.Data), v.Rev, ok)
		}
	}
	c.update("guard/1", store.Value{})
	if v, ok := c.get("guard/1"); !ok || v.Rev != 0 {
		t.Errorf("deleted: got revision %d, known %t", v.Rev, ok)
	}
}

// Two keys of one hash share a place: one of them is kept, and neither shows
// the other's value.
func TestACacheTellsKeysOfOneHashApart(t *testing.T) {
	t.Parallel()
	c := newCache(cacheShards * cachePage)
	c.put("guard/1", value(1, 10))
	s, hash := c.lock("guard/1")
	s.mu.Unlock()
	if k := s.find(hash, "guard/2"); k != nil {
		t.Errorf("found %q for guard/2", k.key())
	}
}

// A population somewhat larger than the cache must still be served from it.
func TestACacheThatIsTooSmallKeepsSome(t *testing.T) {
	t.Parallel()
	c := newCache(4 * cacheShards * cachePage)
	const people, size = 20_000, 400 // twice the octets there are
	hits := 0
	for range 4 {
		for n := range people {
			key := fmt.Sprint("enroll/", n)
			if _, ok := c.get(key); ok {
				hits++
			} else {
				c.put(key, value(1, size))
			}
		}
	}
	if hits < 3*people/10 {
		t.Errorf("got %d hits in %d, want a tenth at least", hits, 3*people)
	}
}

// Readers that fill the cache while values change and are folded must never
// leave an old value behind.
func TestCacheNeverShowsAnOldValue(t *testing.T) {
	t.Parallel()
	kv := open(t, dbPath(t), Options{Cache: cacheShards * cachePage})
	const keys = 50
	var wg, readers sync.WaitGroup
	stop := make(chan struct{})
	for range 4 {
		readers.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				key := fmt.Sprint("k", rand.IntN(keys))
				if _, err := kv.Get(ctx, key); err != nil && !errors.Is(err, login.ErrNotFound) {
					t.Error(err)
					return
				}
			}
		})
	}
	readers.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				if err := kv.settle(ctx); err != nil {
					t.Error(err)
					return
				}
			}
		}
	})
	for k := range keys {
		wg.Go(func() {
			key, rev := fmt.Sprint("k", k), uint64(0)
			for i := range 40 {
				var data []byte // deleted each fourth time
				if i%4 != 3 {
					data = fmt.Append(nil, k, i)
				}
				if err := kv.Swap(ctx, key, rev, data); err != nil {
					t.Errorf("%s: %v", key, err)
					return
				}
				v, err := kv.Get(ctx, key)
				if data == nil && !errors.Is(err, login.ErrNotFound) || data != nil && (err != nil || !bytes.Equal(v.Data, data)) {
					t.Errorf("%s: got %q %v behind a swap to %q", key, v.Data, err, data)
					return
				}
				if r, err := kv.Revision(ctx, key); err != nil || r != v.Rev {
					t.Errorf("%s: revision is %d %v, want %d", key, r, err, v.Rev)
				}
				rev = v.Rev
			}
		})
	}
	wg.Wait()
	close(stop)
	readers.Wait()
}
