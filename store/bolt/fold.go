package bolt

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"go.etcd.io/bbolt"

	"github.com/portvakt/portvakt/login"
	"github.com/portvakt/portvakt/store"
)

var (
	recordsBucket = []byte("records")
	metaBucket    = []byte("meta")

	metaDatabase = []byte("database") // 16 random octets
	metaFolded   = []byte("folded")   // the last folded generation
	metaRev      = []byte("revision") // the highest revision folded
)

// A folder is what the committer knows of folds.
type folder struct {
	folded  uint64       // the last generation in the file
	running bool         // a fold is under way; its error comes through result
	result  chan error   // holds one
	asked   []chan error // want everything that is durable now folded; hold one each
	waiting []chan error // wait for the fold under way
	failing bool
	err     error // of the last fold that failed
	timer   *time.Timer
	armed   bool
	spare   *batch   // has the room of one, to be used again
	emptied *changes // was folded before, to be filled again
}

const (
	// foldPart is how many records one transaction folds: few milliseconds
	// of the disk.
	foldPart = 1024
	// giveBackEvery is after how many parts the file's pages are given back:
	// what is read meanwhile has to be mapped again.
	giveBackEvery = 8
	// longestRest bounds what a fold rests between its parts.
	longestRest = 100 * time.Millisecond
)

func (f *folder) arm() {
	f.timer.Reset(foldEvery)
	f.armed = true
}

// startFold begins to fold the present generation, or again the one that could
// not be folded, unless a fold is under way.
func (kv *KV) startFold() {
	f := &kv.folder
	if f.running {
		return
	}
	f.armed = false
	if kv.folding == nil { // only the committer sets it
		if kv.overlay.len() == 0 {
			f.answer(&f.asked, nil)
			return
		}
		if err := kv.j.start(kv.j.gen + 1); err != nil {
			kv.foldFailed(err)
			f.answer(&f.asked, err)
			return
		}
		fresh := f.emptied
		if f.emptied = nil; fresh == nil {
			fresh = &changes{}
		}
		kv.mu.Lock()
		kv.folding, kv.overlay = kv.overlay, fresh
		kv.mu.Unlock()
		f.waiting, f.asked = f.asked, nil
	}
	f.running = true
	folding, gen := kv.folding, f.folded+1
	go func() { f.result <- kv.apply(folding, gen) }() // endFold waits for it
}

// endFold takes in the result of a fold.
func (kv *KV) endFold(err error) {
	f := &kv.folder
	f.running = false
	if err != nil {
		kv.foldFailed(err)
		f.answer(&f.waiting, err)
		f.answer(&f.asked, err)
		return
	}
	f.folded++
	f.failing = false
	kv.mu.Lock()
	folded := kv.folding
	kv.folding = nil
	kv.epoch++
	kv.mu.Unlock()
	folded.clear() // nobody reads it any more
	f.emptied = folded
	kv.folds.Add(1)
	f.answer(&f.waiting, nil)
	if len(f.asked) > 0 || kv.j.size >= foldBytes {
		kv.startFold()
	}
}

func (f *folder) answer(list *[]chan error, err error) {
	for _, reply := range *list {
		reply <- err
	}
	*list = nil
}

// foldFailed lets the journal grow and tries again later; nothing is lost.
func (kv *KV) foldFailed(err error) {
	kv.foldErrors.Add(1)
	if !kv.folder.failing {
		kv.log.Error("journal cannot be folded into the database; trying again",
			slog.String(login.KeyPath, kv.path), slog.Any(login.KeyErr, err))
	}
	kv.folder.failing, kv.folder.err = true, err
	kv.folder.arm()
}

// makeRoom waits until the journal is folded. Swaps wait meanwhile.
func (kv *KV) makeRoom() error {
	for range 2 { // one that is under way, then the present generation
		if kv.j.size < maxJournal {
			return nil
		}
		before := kv.foldErrors.Load()
		kv.startFold()
		if kv.folder.running && kv.j.size >= maxJournal {
			kv.endFold(<-kv.folder.result)
		}
		if kv.foldErrors.Load() != before {
			return kv.folder.err
		}
	}
	return nil
}

// foldAll folds until nothing is left.
func (kv *KV) foldAll() error {
	for {
		before := kv.foldErrors.Load()
		kv.startFold()
		if kv.folder.running {
			kv.endFold(<-kv.folder.result)
		} else if kv.foldErrors.Load() == before {
			return nil
		}
		if kv.foldErrors.Load() != before {
			return fmt.Errorf("fold the journal (it is kept, and read at the next start): %w", kv.folder.err)
		}
	}
}

// apply writes the changes into the file in the order of their keys, and that
// generation gen is folded with the last of them. One transaction for all would
// keep the disk busy, while the commits of the journal wait for it: it is as
// many as there are parts. What a crash leaves of them is folded once more.
func (kv *KV) apply(all *changes, gen uint64) error {
	if err := kv.hook("before fold"); err != nil {
		return err
	}
	sorted := all.sorted()
	kv.parts.Lock()
	defer kv.parts.Unlock()
	if err := kv.readers.suspend(); err != nil {
		return err
	}
	defer kv.readers.resume()
	parts := 0
	for {
		begin := time.Now()
		part := sorted[:min(kv.part, len(sorted))]
		sorted = sorted[len(part):]
		err := guard(kv.path, func() error {
			return kv.db.Update(func(tx *bbolt.Tx) error { return kv.fill(tx, part, gen, len(sorted) == 0) })
		})
		if err != nil {
			return err
		}
		if parts++; len(sorted) == 0 || parts%giveBackEvery == 0 {
			giveBack(kv.db)
		}
		if len(sorted) == 0 {
			return kv.hook("after fold")
		}
		kv.giveWay(time.Since(begin))
	}
}

// giveWay rests for as long as a part of a fold took, while others write and
// the next fold is not due yet: they wait for milliseconds, a fold has seconds.
func (kv *KV) giveWay(took time.Duration) {
	if written := kv.journalBytes.Load(); written == 0 || written > foldBytes/2 {
		return
	}
	select {
	case <-time.After(min(took, longestRest)):
	case <-kv.quit:
	}
}

// fill writes a part of a fold, the last one with what is folded then.
func (kv *KV) fill(tx *bbolt.Tx, sorted []change, gen uint64, last bool) error {
	records, meta := tx.Bucket(recordsBucket), tx.Bucket(metaBucket)
	rev := number(meta.Get(metaRev))
	for _, c := range sorted {
		rev = max(rev, c.rev())
		var err error
		if c.deleted() {
			err = records.Delete(c.key())
		} else {
			err = records.Put(c.key(), c.raw())
		}
		if err != nil {
			return err
		}
	}
	if err := kv.hook("in fold"); err != nil {
		return err
	}
	err := meta.Put(metaRev, binary.BigEndian.AppendUint64(nil, rev))
	if last {
		err = errors.Join(err, meta.Put(metaFolded, binary.BigEndian.AppendUint64(nil, gen)))
	}
	return err
}

// number reads a counter of the meta bucket.
func number(b []byte) uint64 {
	if len(b) != 8 {
		return 0
	}
	return binary.BigEndian.Uint64(b)
}

// settle folds everything that is durable now, for a copy of the file.
func (kv *KV) settle(ctx context.Context) error {
	reply := make(chan error, 1)
	select {
	case kv.fold <- reply:
	case <-kv.done:
		return store.ErrClosed
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case err := <-reply:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}
