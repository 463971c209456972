package bolt

import (
	"cmp"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
	"golang.org/x/sys/unix"
)

// mapSize is how much address space is mapped at first. A long read, a backup,
// does not hold up folds while the file is smaller; it costs no memory.
const mapSize = 256 << 20

// growStep is how far the file grows at a time.
const growStep = 1 << 20

// Open opens the database at path, or makes a new one when there is neither a
// file nor a journal. The whole file is checked first. It refuses a database
// that is open elsewhere ([ErrInUse]), one that is damaged ([ErrDamaged]) and
// one that others than its owner may read.
func Open(path string, o Options) (*KV, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.openFile == nil {
		o.openFile = openFile
	}
	if o.Cache == 0 {
		o.Cache = DefaultCache
	}
	if o.hook == nil {
		o.hook = func(string) error { return nil }
	}
	if err := create(path); err != nil {
		return nil, err
	}
	if err := check(path); err != nil {
		return nil, err
	}
	db, err := openDB(path)
	if err != nil {
		return nil, err
	}
	kv := &KV{
		path: path, log: o.Log, hook: o.hook, part: cmp.Or(o.part, foldPart), db: db,
		pending: make(map[string]*batch), overlay: &changes{}, batch: newBatch(nil),
		cache: newCache(o.Cache),
		wake:  make(chan struct{}, 1), fold: make(chan chan error), quit: make(chan struct{}), done: make(chan struct{}),
		j:      journal{path: path, open: o.openFile},
		folder: folder{result: make(chan error, 1)},
	}
	if err := kv.recover(); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	go kv.commit() // Close waits for it
	return kv, nil
}

func openDB(path string) (db *bbolt.DB, err error) {
	err = guard(path, func() error {
		db, err = bbolt.Open(path, 0o600, &bbolt.Options{
			Timeout: lockTimeout, FreelistType: bbolt.FreelistMapType, InitialMmapSize: mapSize,
		})
		if err == nil {
			db.AllocSize = growStep
		}
		return err
	})
	switch {
	case errors.Is(err, bolterrors.ErrTimeout):
		return nil, inUse(path)
	case errors.Is(err, ErrDamaged):
		return nil, err
	case err != nil:
		return nil, fmt.Errorf("open %s: %w; the daemon must be able to write it", path, err)
	}
	return db, nil
}

// create makes a new database under another name first: an empty file under
// path is then always an accident.
func create(path string) error {
	if _, err := os.Lstat(path); !errors.Is(err, os.ErrNotExist) { //nolint:gosec // the operator names the path
		return err
	}
	for _, name := range journalPaths(path) {
		if _, err := os.Lstat(name); err == nil {
			return fmt.Errorf("%s is missing but its journal %s is there; put the database back, "+
				"or remove the journal to begin with an empty one", path, name)
		}
	}
	if _, err := os.Stat(filepath.Dir(path)); err != nil { //nolint:gosec // the operator names the path
		return fmt.Errorf("directory of the database: %w; make it, owned by the daemon's user, mode 0700", err)
	}
	fresh := fmt.Sprintf("%s.new-%d", path, os.Getpid())
	remove := func() { _ = os.Remove(fresh) } //nolint:gosec // derived from the configured path
	remove()                                  // in a container every start has the same number
	defer remove()
	empty, err := makeFile(fresh)
	if err == nil {
		err = empty.Close()
	}
	if err != nil {
		return fmt.Errorf("create %s: %w", path, err)
	}
	db, err := bbolt.Open(fresh, 0o600, &bbolt.Options{Timeout: lockTimeout, FreelistType: bbolt.FreelistMapType})
	if err != nil {
		return fmt.Errorf("create %s: %w", path, err)
	}
	err = errors.Join(db.Update(initialise), db.Close())
	if err != nil {
		return fmt.Errorf("create %s: %w", path, err)
	}
	// Link refuses to replace what another process has made meanwhile.
	if err := os.Link(fresh, path); err != nil && !errors.Is(err, os.ErrExist) {
		return fmt.Errorf("create %s: %w", path, err)
	}
	return syncDir(path)
}

func initialise(tx *bbolt.Tx) error {
	if _, err := tx.CreateBucketIfNotExists(recordsBucket); err != nil {
		return err
	}
	meta, err := tx.CreateBucketIfNotExists(metaBucket)
	if err != nil {
		return err
	}
	var id [16]byte
	_, _ = rand.Read(id[:])
	return meta.Put(metaDatabase, id[:])
}

// check refuses a file that is not ours to open, before anything maps it.
func check(path string) error {
	f, err := os.Open(path) //nolint:gosec // the operator names the path
	if err != nil {
		return fmt.Errorf("open database: %w", err)
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err == nil {
		err = private(path, info)
	}
	if err != nil {
		return err
	}
	if err := lock(f, unix.LOCK_SH); err != nil {
		return err
	}
	if info, err = f.Stat(); err != nil {
		return err
	}
	if err := verify(f, info.Size()); err != nil {
		return refuse(path, err)
	}
	return nil
}

// private refuses what others than the owner may read or write.
func private(path string, info os.FileInfo) error {
	switch mode := info.Mode(); {
	case !mode.IsRegular():
		return fmt.Errorf("%s is not a file", path)
	case mode.Perm()&0o077 != 0:
		return fmt.Errorf("%s has mode %#o and others than its owner may open it; do \"chmod 600 %s\"", path, mode.Perm(), path)
	}
	return nil
}

// recover reads what the file and the journals know, and folds the journals.
func (kv *KV) recover() error {
	err := kv.view(func(tx *bbolt.Tx) error {
		meta := tx.Bucket(metaBucket)
		if meta == nil || tx.Bucket(recordsBucket) == nil || len(meta.Get(metaDatabase)) != len(kv.j.database) {
			return fmt.Errorf("%s is a bbolt file, but not a database of Portvakt", kv.path)
		}
		copy(kv.j.database[:], meta.Get(metaDatabase))
		kv.folder.folded = number(meta.Get(metaFolded))
		kv.rev = number(meta.Get(metaRev))
		return nil
	})
	if err != nil {
		return err
	}
	begin := time.Now()
	left, gen, err := readJournals(kv.path, kv.j.database, kv.folder.folded)
	if errors.Is(err, ErrDamaged) {
		return refuse(kv.path, err)
	}
	if err != nil {
		return err
	}
	if gen == kv.folder.folded {
		return nil
	}
	if err := kv.apply(left, gen); err != nil {
		return fmt.Errorf("fold the journal into %s: %w", kv.path, err)
	}
	for c := range left.all() {
		kv.rev = max(kv.rev, c.rev())
	}
	kv.folder.folded = gen
	if left.len() > 0 {
		kv.logReplay(left.len(), time.Since(begin))
	}
	return nil
}
