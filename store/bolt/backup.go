package bolt

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"

	"go.etcd.io/bbolt"
	"golang.org/x/sys/unix"
)

// revisionsApart is added to the revisions of a restored database: those that
// were given after the copy was made are not given again.
const revisionsApart = 1 << 32

// Backup writes a consistent copy of the database, with everything that was
// acknowledged before it was called, while logins go on. The copy holds sealed
// values as the database does.
func (kv *KV) Backup(ctx context.Context, w io.Writer) error {
	if err := kv.settle(ctx); err != nil {
		return fmt.Errorf("fold the journal: %w", err)
	}
	out := &copyWriter{ctx: ctx, w: w}
	kv.parts.RLock() // the copy is of whole folds
	begun := sync.OnceFunc(kv.parts.RUnlock)
	defer begun()
	err := kv.view(func(tx *bbolt.Tx) error {
		begun() // the transaction sees what there is now, whatever comes
		_, err := tx.WriteTo(out)
		return err
	})
	if out.err != nil {
		return out.err // bbolt does not wrap it
	}
	return err
}

// A copyWriter ends a long copy with its context, and keeps the first error.
type copyWriter struct {
	ctx context.Context // lives as long as one call
	w   io.Writer
	err error
}

func (c *copyWriter) Write(b []byte) (n int, err error) {
	if err = c.ctx.Err(); err == nil {
		n, err = c.w.Write(b)
	}
	if c.err == nil {
		c.err = err
	}
	return n, err
}

// ErrExists is wrapped by the error of [Restore] when there is a database
// already.
var ErrExists = errors.New("bolt: database exists")

// Restore puts a copy made by [KV.Backup] in place as the database at path,
// after checking it. An existing database is refused, or with replace moved
// aside: it and its journals get the suffix ".replaced".
func Restore(backup, path string, replace bool) error {
	fresh := path + ".restore"
	if err := copyFile(backup, fresh); err != nil {
		return fmt.Errorf("copy %s: %w", backup, err)
	}
	defer func() { _ = os.Remove(fresh) }()
	if err := adopt(fresh); err != nil {
		return fmt.Errorf("copy %s cannot be restored: %w", backup, err)
	}
	if err := moveAside(path, replace); err != nil {
		return err
	}
	if err := os.Rename(fresh, path); err != nil {
		return err
	}
	return syncDir(path)
}

func copyFile(from, to string) error {
	src, err := os.Open(from) //nolint:gosec // the operator names the path
	if err != nil {
		return err
	}
	defer func() { _ = src.Close() }()
	if err := os.Remove(to); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	dst, err := makeFile(to)
	if err != nil {
		return err
	}
	_, err = io.Copy(dst, src)
	return errors.Join(err, dst.Sync(), dst.Close())
}

// adopt checks a copy and makes it a database of its own: journals of the one
// it was taken from do not belong to it.
func adopt(path string) error {
	f, err := os.Open(path) //nolint:gosec // derived from the configured path
	if err != nil {
		return err
	}
	info, err := f.Stat()
	if err == nil {
		err = verify(f, info.Size())
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	db, err := openDB(path)
	if err != nil {
		return err
	}
	err = guard(path, func() error { return errors.Join(checkPages(db), db.Update(renew)) })
	return errors.Join(err, db.Close())
}

// checkPages is bbolt's own check, which is safe only after verify.
func checkPages(db *bbolt.DB) error {
	return db.View(func(tx *bbolt.Tx) error {
		var first error
		for err := range tx.Check() {
			if first == nil {
				first = damaged("%v", err)
			}
		}
		return first
	})
}

func renew(tx *bbolt.Tx) error {
	meta := tx.Bucket(metaBucket)
	if meta == nil || tx.Bucket(recordsBucket) == nil || meta.Get(metaDatabase) == nil {
		return errors.New("not a copy of a Portvakt database")
	}
	rev := number(meta.Get(metaRev)) + revisionsApart
	return errors.Join(initialise(tx), meta.Put(metaRev, binary.BigEndian.AppendUint64(nil, rev)))
}

// moveAside makes room at path. The database must not be open elsewhere.
func moveAside(path string, replace bool) error {
	journals := journalPaths(path)
	names := []string{path, journals[0], journals[1]}
	for _, name := range names {
		if _, err := os.Lstat(name); err == nil && !replace {
			return fmt.Errorf("%s: %w; tell restore to replace it, or move it away", name, ErrExists)
		}
	}
	if f, err := os.Open(path); err == nil { //nolint:gosec // the operator names the path
		defer func() { _ = f.Close() }()
		if err := lock(f, unix.LOCK_EX); err != nil {
			return err
		}
	}
	for _, name := range names {
		aside := name + ".replaced"
		err := os.Rename(name, aside)
		if errors.Is(err, os.ErrNotExist) {
			err = os.Remove(aside) // a journal of an earlier one must not stand beside this one
		}
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return syncDir(path)
}
