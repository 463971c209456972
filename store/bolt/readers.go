package bolt

import (
	"bytes"
	"errors"
	"sync"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	"github.com/portvakt/portvakt/store"
)

// maxReaders is how many read transactions are kept for the next read: as many
// as read at one time where nobody waits.
const maxReaders = 8

// readers keep read transactions open between reads: to begin one costs more
// than to find a record. While the file is written none is kept, since an open
// one would show what was there before, keep pages from being used again, and
// hold up a file that must be mapped anew.
type readers struct {
	mu      sync.Mutex
	idle    []*reader
	writing bool
	era     uint64 // counts beginnings and ends of writing
}

// A reader is one read transaction, of one era.
type reader struct {
	tx     *bbolt.Tx
	cursor *bbolt.Cursor // of the records
	era    uint64
}

// take returns a reader that shows all that was written before.
func (s *readers) take(db *bbolt.DB) (*reader, error) {
	s.mu.Lock()
	if last := len(s.idle) - 1; last >= 0 {
		r := s.idle[last]
		s.idle = s.idle[:last]
		s.mu.Unlock()
		return r, nil
	}
	r := &reader{era: s.era}
	s.mu.Unlock()
	var err error
	if r.tx, err = db.Begin(false); err != nil {
		return nil, err
	}
	return r, nil
}

// leave has a reader used again when it can be, and ends it else.
func (s *readers) leave(r *reader, sound bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if sound && !s.writing && r.era == s.era && len(s.idle) < maxReaders {
		s.idle = append(s.idle, r)
		return nil
	}
	return r.tx.Rollback()
}

// suspend ends what is kept, and keeps nothing until resume: the file is going to
// be written, or closed.
func (s *readers) suspend() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var err error
	for _, r := range s.idle {
		err = errors.Join(err, r.tx.Rollback())
	}
	s.idle, s.writing = nil, true
	s.era++
	return err
}

func (s *readers) resume() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.writing = false
	s.era++
}

// find returns a copy of what the file has under key; the revision is 0 when it
// has nothing.
func (r *reader) find(key string) (store.Value, error) {
	if r.cursor == nil {
		r.cursor = r.tx.Bucket(recordsBucket).Cursor()
	}
	k, raw := r.cursor.Seek([]byte(key))
	if raw == nil || string(k) != key {
		return store.Value{}, nil
	}
	return decode(bytes.Clone(raw))
}

// read returns what the bbolt file has under key; the revision is 0 when it has
// nothing.
func (kv *KV) read(key string) (v store.Value, err error) {
	err = guard(kv.path, func() (err error) {
		r, err := kv.readers.take(kv.db)
		if err != nil {
			return err
		}
		sound := false // not when a damaged file made it panic
		defer func() { err = errors.Join(err, kv.readers.leave(r, sound)) }()
		v, err = r.find(key)
		sound = err == nil
		return err
	})
	if errors.Is(err, bolterrors.ErrDatabaseNotOpen) {
		err = store.ErrClosed
	}
	return v, err
}
