package bolt

import (
	"errors"
	"sync"

	"github.com/portvakt/portvakt/login"
	"github.com/portvakt/portvakt/store"
)

// maxKept is how many values a fileCache has: what is read for a question is
// mostly asked for again by its answer, and by the Swap behind a Get.
const maxKept = 16384

// A fileCache keeps what was read from the file. What the file has changes only
// when a fold ends, and what is newer lies in the overlays, which are asked
// first; so a value is good for the epoch it was read in.
type fileCache struct {
	mu    sync.Mutex
	epoch uint64
	kept  map[string]store.Value // Rev 0: the file has no such key
}

func (c *fileCache) get(epoch uint64, key string) (v store.Value, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.epoch != epoch {
		return v, false
	}
	v, ok = c.kept[key]
	return v, ok
}

func (c *fileCache) put(epoch uint64, key string, v store.Value) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case epoch < c.epoch:
		return
	case epoch > c.epoch || c.kept == nil || len(c.kept) >= maxKept:
		c.epoch = epoch
		c.kept = make(map[string]store.Value)
	}
	c.kept[key] = v
}

// readAt is read with the cache; epoch must have been seen, under the mutex,
// no later than the overlays were found not to have the key.
func (kv *KV) readAt(epoch uint64, key string) (store.Value, error) {
	v, ok := kv.files.get(epoch, key)
	if !ok {
		var err error
		if v, err = kv.read(key); err != nil && !errors.Is(err, login.ErrNotFound) {
			return v, err
		}
		kv.files.put(epoch, key, v)
	}
	if v.Rev == 0 {
		return store.Value{}, login.ErrNotFound
	}
	return v, nil
}
