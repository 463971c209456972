package bolt

import (
	"errors"
	"fmt"
	"runtime/debug"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	"github.com/portvakt/portvakt/store"
)

// damaged describes content that cannot be right.
func damaged(format string, args ...any) error {
	return fmt.Errorf(format+": %w", append(args, ErrDamaged)...)
}

// refuse names the file and the way out.
func refuse(path string, err error) error {
	return fmt.Errorf("%s: %w; keep the file and its .journal files for analysis and restore the last copy with "+
		"\"portvakt restore\" (copies are made with \"portvakt backup\")", path, err)
}

// guard turns what bbolt does with a damaged file into an error: it panics, or
// reads beyond the end of its mapping, where another process or a broken disk
// has changed the file under it.
func guard(path string, fn func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if r := recover(); r != nil {
			err = refuse(path, damaged("%v", r))
		}
	}()
	return fn()
}

// view runs fn in a read transaction.
func (kv *KV) view(fn func(tx *bbolt.Tx) error) error {
	err := guard(kv.path, func() error { return kv.db.View(fn) })
	if errors.Is(err, bolterrors.ErrDatabaseNotOpen) {
		return store.ErrClosed
	}
	return err
}
