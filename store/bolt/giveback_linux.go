package bolt

import (
	"go.etcd.io/bbolt"
	"golang.org/x/sys/unix"
)

// giveBack takes the pages of the mapped file off the process; what is read
// later comes from the kernel's cache. A fold touches most of them, and they
// would count as memory of the process until the kernel needs it: as much as the
// file is long. Only the fold calls it: nobody else maps the file anew.
func giveBack(db *bbolt.DB) {
	var size int64
	if db.View(func(tx *bbolt.Tx) error {
		size = tx.Size()
		return nil
	}) == nil {
		_, _, _ = unix.Syscall(unix.SYS_MADVISE, db.Info().Data, uintptr(size), unix.MADV_DONTNEED) //nolint:gosec // advice
	}
}
