package bolt

import (
	"fmt"
	"log/slog"
	"runtime"
	"time"

	"github.com/portvakt/portvakt/login"
)

// commit is the committer: it alone writes the journal and starts folds.
func (kv *KV) commit() {
	defer close(kv.done)
	kv.folder.timer = time.NewTimer(foldEvery)
	kv.folder.timer.Stop()
	defer kv.folder.timer.Stop()
	var last time.Time
	for {
		select {
		case <-kv.wake:
			if early := commitEvery - time.Since(last); early > 0 {
				time.Sleep(early) //nolint:forbidigo // what comes meanwhile shares one fdatasync
			}
			if kv.few() {
				// Let those who are about to change something do so first: their changes
				// join, and nobody is left behind on the processor that waits for the disk.
				// Where many have done so there are many more, and all would wait for them.
				runtime.Gosched()
			}
			last = time.Now()
			kv.report(kv.flush())
		case <-kv.folder.timer.C:
			kv.startFold()
		case err := <-kv.folder.result:
			kv.endFold(err)
		case reply := <-kv.fold:
			kv.folder.asked = append(kv.folder.asked, reply)
			kv.startFold()
		case <-kv.quit:
			kv.err = kv.finish()
			return
		}
	}
}

// fewChanges are not worth a commit while there are others to come.
const fewChanges = 64

// few reports whether the present batch is small.
func (kv *KV) few() bool {
	kv.mu.RLock()
	defer kv.mu.RUnlock()
	return len(kv.batch.changed) < fewChanges
}

// report logs when commits begin to fail and when they work again; a full disk
// would otherwise fill the log 500 times a second.
func (kv *KV) report(err error) {
	switch failing := kv.failing.Swap(err != nil); {
	case err != nil && !failing:
		kv.log.Error("store cannot write; one-time codes are refused until it can",
			slog.String(login.KeyPath, kv.path), slog.Any(login.KeyErr, err),
			slog.String(login.KeyHint, "check free space and mount options of the file system"))
	case err == nil && failing:
		kv.log.Info("store can write again", slog.String(login.KeyPath, kv.path))
	}
}

// maxSpare is the size up to which a batch's buffer is kept for the next one.
const maxSpare = 256 << 10

// flush makes the present batch durable and wakes its swaps.
func (kv *KV) flush() error {
	kv.mu.Lock()
	b := kv.batch
	if len(b.changed) == 0 {
		kv.mu.Unlock()
		return nil
	}
	kv.batch = newBatch(kv.folder.spare)
	kv.mu.Unlock()
	kv.folder.spare = nil
	b.err = kv.write(b)
	kv.mu.Lock()
	for i := range b.changed {
		e := b.changed[i].entry(b.frame)
		delete(kv.pending, e.key)
		if b.err == nil {
			kv.overlay.put(&e)
			kv.cache.update(e.key, e.value())
		}
	}
	kv.mu.Unlock()
	if cap(b.frame) <= maxSpare {
		kv.folder.spare = &batch{frame: b.frame, changed: b.changed}
	}
	b.frame, b.changed = nil, nil
	close(b.done)
	kv.journalBytes.Store(uint64(kv.j.size)) //nolint:gosec // a size is not negative
	if b.err != nil {
		kv.commitErrors.Add(1)
		return b.err
	}
	kv.commits.Add(1)
	switch {
	case kv.j.size >= foldBytes:
		kv.startFold()
	case !kv.folder.armed:
		kv.folder.arm()
	}
	return nil
}

func (kv *KV) write(b *batch) error {
	if kv.j.gen == 0 {
		if err := kv.j.start(kv.folder.folded + 1); err != nil {
			return err
		}
	}
	if kv.j.size >= maxJournal {
		if err := kv.makeRoom(); err != nil {
			return fmt.Errorf("journal is full and cannot be folded: %w", err)
		}
	}
	return kv.j.append(b.frame)
}

// finish is the end of the committer: everything durable, everything folded.
func (kv *KV) finish() error {
	err := kv.flush()
	if ferr := kv.foldAll(); err == nil {
		err = ferr
	}
	for _, reply := range kv.folder.asked {
		reply <- err
	}
	if jerr := kv.j.close(err == nil && kv.j.gen != 0); err == nil {
		err = jerr
	}
	if rerr := kv.readers.suspend(); err == nil {
		err = rerr
	}
	if cerr := kv.db.Close(); err == nil {
		err = cerr
	}
	return err
}
