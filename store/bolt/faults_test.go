package bolt

import (
	"context"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

type testContext = context.Context

// ctx is for callbacks that outlive no test.
var ctx = context.Background()

// faults makes journal files that fail when told.
type faults struct {
	full   atomic.Bool // writing beyond what is there: no space left
	sync   atomic.Bool // fdatasync: input/output error
	cut    atomic.Bool // truncate: input/output error
	held   chan struct{}
	mu     sync.Mutex
	holder chan struct{}
}

func newFaults() *faults { return &faults{held: make(chan struct{}, 1)} }

func (f *faults) options() Options {
	return Options{openFile: func(path string) (file, error) {
		inner, err := openFile(path)
		return &faultyFile{inner, f}, err
	}}
}

// holdSync makes the next fdatasync wait until the channel is closed.
func (f *faults) holdSync() chan struct{} {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.holder = make(chan struct{})
	return f.holder
}

type faultyFile struct {
	file
	f *faults
}

// WriteAt writes half when the disk is full, as a disk would.
func (f *faultyFile) WriteAt(b []byte, off int64) (int, error) {
	if f.f.full.Load() {
		n, _ := f.file.WriteAt(b[:len(b)/2], off)
		return n, unix.ENOSPC
	}
	return f.file.WriteAt(b, off)
}

func (f *faultyFile) Allocate(off, size int64) error {
	if f.f.full.Load() {
		return unix.ENOSPC
	}
	return f.file.Allocate(off, size)
}

func (f *faultyFile) Truncate(size int64) error {
	if f.f.cut.Load() {
		return unix.EIO
	}
	return f.file.Truncate(size)
}

func (f *faultyFile) Datasync() error {
	f.f.mu.Lock()
	holder := f.f.holder
	f.f.holder = nil
	f.f.mu.Unlock()
	if holder != nil {
		f.f.held <- struct{}{}
		<-holder
	}
	if f.f.sync.Load() {
		return unix.EIO
	}
	return f.file.Datasync()
}
