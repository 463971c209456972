package bolt

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

const (
	// allocStep is how far ahead a journal file is allocated, so that the
	// fdatasync of a batch has no new size to write.
	allocStep = 4 << 20
	// foldBytes is the size of a journal that is folded before its time.
	foldBytes = 8 << 20
	// maxJournal is the size at which swaps wait for a fold that is under way,
	// and fail when folding fails.
	maxJournal = 64 << 20
)

// A file is what a journal needs of a file. Tests put failing ones in its
// place.
type file interface {
	io.WriterAt
	io.Closer
	Truncate(size int64) error
	// Allocate reserves room; the file grows.
	Allocate(off, size int64) error
	// Datasync returns when the content is durable.
	Datasync() error
}

type osFile struct{ *os.File }

func (f osFile) Allocate(off, size int64) error {
	return retry(func() error { return unix.Fallocate(int(f.Fd()), 0, off, size) })
}

func (f osFile) Datasync() error {
	return retry(func() error { return unix.Fdatasync(int(f.Fd())) })
}

func retry(fn func() error) error {
	for {
		if err := fn(); !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}

func openFile(path string) (file, error) {
	f, err := makeFile(path)
	if errors.Is(err, os.ErrExist) {
		f, err = os.OpenFile(path, os.O_RDWR, 0) //nolint:gosec // the operator names the path
	}
	if err != nil {
		return nil, err
	}
	return osFile{f}, nil
}

// journalPaths are the two journal files of a database.
func journalPaths(path string) [2]string {
	return [2]string{path + ".journal.0", path + ".journal.1"}
}

// A journal writes frames. It belongs to the committer.
type journal struct {
	path     string
	database [16]byte
	open     func(path string) (file, error)
	files    [2]file
	gen      uint64 // the generation being written; 0: none yet
	seq      uint64 // durable frames in it
	size     int64  // durable octets in it
	alloc    int64  // octets the file has
	dirty    bool   // there may be something behind size
	syncs    atomic.Uint64
}

// start begins a generation. When it fails the journal goes on as it was.
func (j *journal) start(gen uint64) error {
	if j.dirty {
		if err := j.clean(); err != nil {
			return err
		}
	}
	h := header{database: j.database, gen: gen}
	if j.gen == gen-1 {
		h.before = j.seq
	}
	which := gen % 2
	name := journalPaths(j.path)[which]
	if j.files[which] == nil {
		f, err := j.open(name)
		if err != nil {
			return fmt.Errorf("open journal: %w", err)
		}
		j.files[which] = f
		if err := syncDir(j.path); err != nil {
			return err
		}
	}
	f := j.files[which]
	// What an earlier generation left is only in the way when it is long: its
	// frames have another number.
	if err := f.Truncate(allocStep); err != nil {
		return fmt.Errorf("cut journal: %w", err)
	}
	_ = f.Allocate(0, allocStep) // a hint; writing tells whether there is room
	if _, err := f.WriteAt(h.encode(), 0); err != nil {
		return fmt.Errorf("write journal: %w", err)
	}
	j.syncs.Add(1)
	if err := f.Datasync(); err != nil {
		return fmt.Errorf("sync journal: %w", err)
	}
	j.gen, j.seq, j.size, j.alloc = gen, 0, headerSize, allocStep
	return nil
}

// append makes one frame durable. When it fails the journal is as it was.
func (j *journal) append(frame []byte) error {
	if j.dirty {
		if err := j.clean(); err != nil {
			return err
		}
	}
	sealFrame(frame, j.gen, j.seq+1)
	f := j.files[j.gen%2]
	end := j.size + int64(len(frame))
	if end > j.alloc {
		step := max(int64(allocStep), end-j.alloc)
		if f.Allocate(j.alloc, step) == nil {
			j.alloc += step
		}
	}
	j.dirty = true
	if _, err := f.WriteAt(frame, j.size); err != nil {
		_ = j.clean()
		return fmt.Errorf("write journal: %w", err)
	}
	j.syncs.Add(1)
	if err := f.Datasync(); err != nil {
		_ = j.clean()
		return fmt.Errorf("sync journal: %w", err)
	}
	j.dirty = false
	j.size, j.seq = end, j.seq+1
	return nil
}

// clean cuts off what a failed append may have left: it was refused, so it
// must not come back at replay.
func (j *journal) clean() error {
	if err := j.files[j.gen%2].Truncate(j.size); err != nil {
		return fmt.Errorf("cut journal: %w", err)
	}
	j.alloc, j.dirty = j.size, false
	return nil
}

// close closes the files and, when all is folded, removes them: what is beside
// a cleanly closed database says nothing.
func (j *journal) close(remove bool) error {
	var errs []error
	for i, f := range j.files {
		if f != nil {
			errs = append(errs, f.Close())
		}
		if remove {
			if err := os.Remove(journalPaths(j.path)[i]); err != nil && !errors.Is(err, os.ErrNotExist) {
				errs = append(errs, err)
			}
		}
	}
	return errors.Join(errs...)
}

// syncDir makes the names in path's directory durable.
func syncDir(path string) error {
	dir, err := os.Open(filepath.Dir(path)) //nolint:gosec // the operator names the path
	if err != nil {
		return err
	}
	err = dir.Sync()
	return errors.Join(err, dir.Close())
}
