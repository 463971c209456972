package bolt

import (
	"bytes"
	"encoding/binary"
	"hash/maphash"
	"iter"
	"slices"

	"github.com/portvakt/portvakt/store"
)

const (
	changePage = 64 << 10
	// maxSparePages bounds the pages kept for the next changes: those of a
	// journal that is folded before its time.
	maxSparePages = foldBytes / changePage
	// changeHead is the place of an earlier change, deleted, length of key,
	// length of data; key, revision and data follow.
	changeHead = 8 + 1 + 2 + 4
)

// changes are those of a journal that are not in the file yet: the last one of
// each key counts. There may be a hundred thousand, so they lie one behind the
// other in pages without any pointer, which costs the garbage collector nothing.
// The zero value is ready.
type changes struct {
	seed  maphash.Seed
	index map[uint64]uint64 // by hash of the key: its latest change, or that of another key of the hash
	pages [][]byte
	last  int // the page being filled
	// fewer bits of a hash are used, by tests in which keys are to meet.
	fewer uint8
}

// A change is one of them in its page.
type change []byte

func (c change) before() uint64 { return binary.LittleEndian.Uint64(c) }
func (c change) deleted() bool  { return c[8] != 0 }
func (c change) keyLen() int    { return int(binary.LittleEndian.Uint16(c[9:])) }
func (c change) dataLen() int   { return int(binary.LittleEndian.Uint32(c[11:])) }
func (c change) key() []byte    { return c[changeHead:][:c.keyLen():c.keyLen()] }

// raw is the revision and the data, as the file has a value.
func (c change) raw() []byte {
	n := revSize + c.dataLen()
	return c[changeHead+c.keyLen():][:n:n]
}

func (c change) rev() uint64 { return binary.BigEndian.Uint64(c.raw()) }

// value is a copy of what the change leaves under its key.
func (c change) value() store.Value {
	if c.deleted() {
		return store.Value{}
	}
	return store.Value{Rev: c.rev(), Data: bytes.Clone(c.raw()[revSize:])}
}

// A place is page and octet of a change and never 0, which is none: the first
// page has number 1.
func (s *changes) at(place uint64) change { return s.pages[place>>32-1][uint32(place):] } //nolint:gosec // the octet is the lower half

func (s *changes) len() int { return len(s.index) }

func (s *changes) hash(key string) uint64 { return maphash.String(s.seed, key) >> s.fewer }

// find returns the last change of a key, nil when there is none.
func (s *changes) find(key string) change {
	if len(s.index) == 0 {
		return nil
	}
	for place := s.index[s.hash(key)]; place != 0; {
		c := s.at(place)
		if string(c.key()) == key {
			return c
		}
		place = c.before()
	}
	return nil
}

// put adds a change of a key, which takes the place of the one before.
func (s *changes) put(e *entry) {
	if s.index == nil {
		s.index, s.seed = map[uint64]uint64{}, maphash.MakeSeed()
	}
	hash := s.hash(e.key)
	before := s.index[hash]
	if before != 0 {
		// Only another key of the same hash must still be found.
		if c := s.at(before); string(c.key()) == e.key {
			before = c.before()
		}
	}
	b, place := s.room(changeHead + len(e.key) + revSize + len(e.data))
	binary.LittleEndian.PutUint64(b, before)
	b[8] = 0
	if e.deleted {
		b[8] = 1
	}
	binary.LittleEndian.PutUint16(b[9:], uint16(len(e.key)))   //nolint:gosec // store.ValidKey bounds it
	binary.LittleEndian.PutUint32(b[11:], uint32(len(e.data))) //nolint:gosec // store.ValidSwap bounds it
	b = b[changeHead+copy(b[changeHead:], e.key):]
	binary.BigEndian.PutUint64(b, e.rev)
	copy(b[revSize:], e.data)
	s.index[hash] = place
}

// room makes room for a change.
func (s *changes) room(size int) (b []byte, place uint64) {
	for s.last < len(s.pages) && cap(s.pages[s.last])-len(s.pages[s.last]) < size {
		s.last++
	}
	if s.last == len(s.pages) {
		s.pages = append(s.pages, make([]byte, 0, max(changePage, size)))
	}
	page := s.pages[s.last]
	at := len(page)
	s.pages[s.last] = page[:at+size]
	return s.pages[s.last][at:], uint64(s.last+1)<<32 | uint64(at) //nolint:gosec // neither is negative
}

// all yields the last change of each key, in no order.
func (s *changes) all() iter.Seq[change] {
	return func(yield func(change) bool) {
		for _, place := range s.index {
			var seen [][]byte // of more keys than one of a hash
			for place != 0 {
				c := s.at(place)
				place = c.before()
				if slices.ContainsFunc(seen, func(key []byte) bool { return bytes.Equal(key, c.key()) }) {
					continue
				}
				if !yield(c) {
					return
				}
				if place != 0 {
					seen = append(seen, c.key())
				}
			}
		}
	}
}

// sorted returns the last change of each key in the order of the keys.
func (s *changes) sorted() []change {
	all := slices.AppendSeq(make([]change, 0, len(s.index)), s.all())
	slices.SortFunc(all, func(a, b change) int { return bytes.Compare(a.key(), b.key()) })
	return all
}

// clear forgets all, and keeps the room of as many as there usually are. A map never
// shrinks: that of a journal that could not be folded for long is given up.
func (s *changes) clear() {
	if len(s.pages) > 2*maxSparePages {
		s.index = nil
	}
	clear(s.index)
	s.pages = slices.Delete(s.pages, min(len(s.pages), maxSparePages), len(s.pages))
	for i, page := range s.pages {
		s.pages[i] = page[:0]
	}
	s.last = 0
}
