package bolt

import (
	"context"
	"encoding/binary"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"go.etcd.io/bbolt"

	"github.com/portvakt/portvakt/login"
	"github.com/portvakt/portvakt/store"
)

// Options are what [Open] may be told.
type Options struct {
	// Log gets what an operator must know: replays, failing disks. Nil logs
	// nothing.
	Log *slog.Logger
	// Cache is the most memory for values of the file, in octets; 0 is
	// [DefaultCache].
	Cache int

	openFile func(path string) (file, error)
	hook     func(point string) error // called at named points of a fold
	part     int                      // records that one transaction folds; 0 is foldPart
}

// A KV is a [store.KV] in a bbolt file. Use [Open].
type KV struct {
	path string
	log  *slog.Logger
	hook func(point string) error
	part int
	db   *bbolt.DB

	mu      sync.RWMutex
	batch   *batch            // being filled
	pending map[string]*batch // by key, in which it is changed but not durably yet
	overlay *changes          // durable, in the journal's present generation
	folding *changes          // durable, being folded; not written to, nil when none are
	epoch   uint64            // counts how often folding was dropped
	rev     uint64            // the last revision given
	readers readers           // of the file
	cache   *cache            // of durable values, whether in the journal or in the file
	closed  atomic.Bool       // set under the lock

	wake chan struct{}   // a batch has its first record
	fold chan chan error // a caller wants everything folded
	quit chan struct{}
	done chan struct{} // the committer has ended
	err  error         // of the committer's end; read after done

	parts sync.RWMutex // held for writing while the file has only a part of a fold

	j      journal // the committer's
	folder folder  // the committer's

	commits, commitErrors, folds, foldErrors, swaps, journalBytes atomic.Uint64
	failing                                                       atomic.Bool // the last commit has failed
}

var (
	_ store.KV      = (*KV)(nil)
	_ store.Reviser = (*KV)(nil)
	_ login.Starter = (*KV)(nil)
)

// An entry is a change of one key.
type entry struct {
	key     string
	rev     uint64
	data    []byte
	deleted bool
}

// A batch is what shares one fdatasync.
type batch struct {
	frame   []byte
	changed []changed
	done    chan struct{}
	err     error // read after done
}

// A changed is an entry whose data is in the frame of its batch.
type changed struct {
	key      string
	rev      uint64
	from, to int // no octets when it is deleted
	deleted  bool
}

// entry is one as long as the frame is not changed.
func (c *changed) entry(frame []byte) entry {
	return entry{key: c.key, rev: c.rev, data: frame[c.from:c.to], deleted: c.deleted}
}

// maxBatch is the size in octets at which swaps wait for the next batch.
const maxBatch = 4 << 20

// newBatch makes a batch, in the room of one that has ended.
func newBatch(spare *batch) *batch {
	b := &batch{done: make(chan struct{})}
	if spare != nil {
		b.frame, b.changed = spare.frame, spare.changed
	}
	b.frame = append(b.frame[:0], make([]byte, frameHead)...)
	b.changed = b.changed[:0]
	return b
}

// Get returns the durable value of key, or [login.ErrNotFound].
func (kv *KV) Get(ctx context.Context, key string) (store.Value, error) {
	if err := ctx.Err(); err != nil {
		return store.Value{}, err
	}
	if err := store.ValidKey(key); err != nil {
		return store.Value{}, err
	}
	if kv.closed.Load() {
		return store.Value{}, store.ErrClosed
	}
	v, ok := kv.cache.get(key)
	if !ok {
		var err error
		if v, err = kv.find(key); err != nil {
			return store.Value{}, err
		}
	}
	if v.Rev == 0 {
		return store.Value{}, login.ErrNotFound
	}
	return v, nil
}

// Revision returns the revision of the durable value of key, 0 when there is
// none; see [store.Reviser].
func (kv *KV) Revision(ctx context.Context, key string) (uint64, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	if err := store.ValidKey(key); err != nil {
		return 0, err
	}
	if kv.closed.Load() {
		return 0, store.ErrClosed
	}
	if rev, ok := kv.cache.revision(key); ok {
		return rev, nil
	}
	v, err := kv.find(key)
	return v.Rev, err
}

// find is Get of a key that the cache does not have; the revision is 0 when there
// is no value.
func (kv *KV) find(key string) (store.Value, error) {
	kv.mu.RLock()
	epoch := kv.epoch
	if c := kv.durable(key); c != nil {
		defer kv.mu.RUnlock()
		return c.value(), nil
	}
	kv.mu.RUnlock()
	return kv.readAt(epoch, key)
}

// value is what an entry leaves under its key.
func (e *entry) value() store.Value {
	if e.deleted {
		return store.Value{}
	}
	return store.Value{Data: e.data, Rev: e.rev}
}

// durable returns the change of key that is not in the file yet. It is to be
// looked at while the caller holds the mutex.
func (kv *KV) durable(key string) change {
	if c := kv.overlay.find(key); c != nil || kv.folding == nil {
		return c
	}
	return kv.folding.find(key)
}

// readAt is read that fills the cache. No change of key was known to memory in the
// epoch. What was read is kept only while that is so: then nothing can have
// changed it in the file meanwhile.
func (kv *KV) readAt(epoch uint64, key string) (store.Value, error) {
	v, err := kv.read(key)
	if err != nil {
		return store.Value{}, err
	}
	kv.mu.RLock()
	defer kv.mu.RUnlock()
	if kv.epoch == epoch && kv.durable(key) == nil {
		kv.cache.put(key, v)
	}
	return v, nil
}

// Swap replaces the value that has revision rev and returns when that is
// durable. When the context ends first, the change may still become durable;
// after any other error nothing has changed.
func (kv *KV) Swap(ctx context.Context, key string, rev uint64, data []byte) error {
	p, err := kv.Start(ctx, key, rev, data)
	if err != nil || p == nil {
		return err
	}
	return p.Wait(ctx)
}

// Start is Swap that does not wait, see [login.Starter]: what is started before
// the next commit shares its fdatasync.
func (kv *KV) Start(ctx context.Context, key string, rev uint64, data []byte) (login.Pending, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := store.ValidSwap(key, data); err != nil {
		return nil, err
	}
	for {
		b, joined, err := kv.join(key, rev, data)
		if err != nil || b == nil {
			return nil, err
		}
		if joined {
			return b, nil
		}
		select {
		case <-b.done: // its outcome is that of others
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// Wait returns when the batch is durable, or cannot be.
func (b *batch) Wait(ctx context.Context) error {
	select {
	case <-b.done:
		return b.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// join puts a change into the present batch. When joined is false the caller
// tries again after the batch; a nil batch means there was nothing to do.
func (kv *KV) join(key string, rev uint64, data []byte) (b *batch, joined bool, err error) {
	now, epoch, known := uint64(0), uint64(0), false
	for {
		kv.mu.Lock()
		if kv.closed.Load() {
			kv.mu.Unlock()
			return nil, false, store.ErrClosed
		}
		if b := kv.pending[key]; b != nil {
			kv.mu.Unlock()
			return b, false, nil
		}
		if rev, ok := kv.cache.revision(key); ok {
			now = rev
			break
		}
		if c := kv.durable(key); c != nil {
			if !c.deleted() {
				now = c.rev()
			}
			break
		}
		if known && epoch == kv.epoch { // else a fold may have changed the file since it was read
			break
		}
		epoch = kv.epoch
		kv.mu.Unlock()
		v, err := kv.readAt(epoch, key)
		if err != nil {
			return nil, false, err
		}
		now, known = v.Rev, true
	}
	defer kv.mu.Unlock()
	if now != rev {
		return nil, false, login.ErrConflict
	}
	if data == nil && rev == 0 {
		return nil, false, nil
	}
	b = kv.batch
	if len(b.frame) >= maxBatch {
		return b, false, nil
	}
	kv.add(key, data)
	return b, true, nil
}

// add records a change as pending. The caller holds the mutex.
func (kv *KV) add(key string, data []byte) {
	kv.rev++
	b := kv.batch
	b.frame = appendRecord(b.frame, &entry{key: key, rev: kv.rev, data: data, deleted: data == nil})
	end := len(b.frame)
	b.changed = append(b.changed, changed{key, kv.rev, end - len(data), end, data == nil})
	kv.pending[key] = b
	kv.swaps.Add(1)
	if len(b.changed) == 1 {
		select {
		case kv.wake <- struct{}{}:
		default:
		}
	}
}

// Close makes what is pending durable, folds everything into the file and
// closes it. It may be called more than once.
func (kv *KV) Close() error {
	kv.mu.Lock()
	first := !kv.closed.Swap(true)
	kv.mu.Unlock()
	if first {
		close(kv.quit)
	}
	<-kv.done
	return kv.err
}

// Stats counts work since Open.
type Stats struct {
	Swaps        uint64 // changes taken into batches
	Commits      uint64 // batches made durable
	CommitErrors uint64 // batches that could not be
	Fsyncs       uint64 // of the journal
	Folds        uint64 // journals folded into the file
	FoldErrors   uint64
	JournalBytes uint64 // in the journal's present generation
	Failing      bool   // nothing can be written at the moment
}

// Stats returns the counters.
func (kv *KV) Stats() Stats {
	return Stats{
		Swaps: kv.swaps.Load(), Commits: kv.commits.Load(), CommitErrors: kv.commitErrors.Load(), Fsyncs: kv.j.syncs.Load(),
		Folds: kv.folds.Load(), FoldErrors: kv.foldErrors.Load(), JournalBytes: kv.journalBytes.Load(),
		Failing: kv.failing.Load(),
	}
}

// revSize is what a revision takes in front of the data.
const revSize = 8

func decode(raw []byte) (store.Value, error) {
	if len(raw) < revSize {
		return store.Value{}, damaged("a record of %d octets", len(raw))
	}
	v := store.Value{Data: raw[revSize:], Rev: binary.BigEndian.Uint64(raw)}
	if v.Rev == 0 {
		return store.Value{}, damaged("a record without revision")
	}
	return v, nil
}

const (
	// commitEvery is the least time between two commits: at most 500 fsyncs a
	// second, at any load.
	commitEvery = 2 * time.Millisecond
	// foldEvery is how long a durable change stays out of the file.
	foldEvery = 10 * time.Second
)
