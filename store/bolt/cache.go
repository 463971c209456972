package bolt

import (
	"bytes"
	"encoding/binary"
	"hash/maphash"
	"math/rand/v2"
	"sync"

	"github.com/portvakt/portvakt/store"
)

// DefaultCache is the memory for values of the file, in octets: those of about
// 100,000 people with a token each.
const DefaultCache = 48 << 20

const (
	cacheShards = 16
	cachePage   = 64 << 10
	// maxKept is the room of the largest record that is kept, in octets.
	maxKept = cachePage / 4
	// keptHead is revision, length of key, length of data, room for data.
	keptHead = 8 + 2 + 2 + 2
	// keptStep rounds the room for data up: values grow a little and shrink.
	keptStep = 16
)

// A cache keeps durable values, sealed, so that a login finds each with one look
// and need not walk through the file's tree. Records lie one behind the other in pages
// without any pointer, which costs the garbage collector nothing however many
// they are. It is bounded in octets; a full one gives up a page at random: one
// that gives up the oldest keeps nothing of a population a little too large
// for it, whose people log in one after the other.
//
// It knows nothing of time: what it has is believed before anything else is
// looked at. So the committer updates it with each change the moment that is
// durable, and whoever puts what was read from the file must know that there is
// no newer change: see [KV.flush] and [KV.readAt].
type cache struct {
	seed   maphash.Seed
	shards [cacheShards]shard
}

type shard struct {
	mu    sync.Mutex
	index map[uint32]uint32 // where the record of a hash is; of two with one hash, the later
	pages [][]byte
	fill  int // the page being filled
	most  int // pages
}

// newCache makes a cache of as many octets.
func newCache(octets int) *cache {
	c := &cache{seed: maphash.MakeSeed()}
	for i := range c.shards {
		c.shards[i] = shard{index: make(map[uint32]uint32), most: octets / cacheShards / cachePage}
	}
	return c
}

// A kept is a record in a page.
type kept []byte

func (k kept) rev() uint64      { return binary.LittleEndian.Uint64(k) }
func (k kept) keyLen() int      { return int(binary.LittleEndian.Uint16(k[8:])) }
func (k kept) dataLen() int     { return int(binary.LittleEndian.Uint16(k[10:])) }
func (k kept) room() int        { return int(binary.LittleEndian.Uint16(k[12:])) }
func (k kept) size() int        { return keptHead + k.keyLen() + k.room() }
func (k kept) key() []byte      { return k[keptHead : keptHead+k.keyLen()] }
func (k kept) data() []byte     { return k[keptHead+k.keyLen():][:k.dataLen()] }
func (k kept) is(s string) bool { return string(k.key()) == s }

func (k kept) set(v store.Value) {
	binary.LittleEndian.PutUint64(k, v.Rev)
	binary.LittleEndian.PutUint16(k[10:], uint16(len(v.Data))) //nolint:gosec // at most room
	copy(k[keptHead+k.keyLen():], v.Data)
}

// find returns the record of a key, nil when there is none. The caller holds
// the shard.
func (s *shard) find(hash uint32, key string) kept {
	at, ok := s.index[hash]
	if !ok {
		return nil
	}
	if k := kept(s.pages[at/cachePage][at%cachePage:]); k.is(key) {
		return k
	}
	return nil
}

// lock returns the shard of a key, locked, and the hash of the key in it.
func (c *cache) lock(key string) (*shard, uint32) {
	sum := maphash.String(c.seed, key)
	s := &c.shards[sum%cacheShards]
	s.mu.Lock()
	return s, hashOf(sum)
}

// hashOf is the half of a hash that does not choose the shard.
func hashOf(sum uint64) uint32 { return uint32(sum >> 32) }

// get returns a copy of what is under key; the revision is 0 when nothing is, and
// ok false when that is not known.
func (c *cache) get(key string) (v store.Value, ok bool) {
	s, hash := c.lock(key)
	defer s.mu.Unlock()
	k := s.find(hash, key)
	if k == nil {
		return v, false
	}
	if v.Rev = k.rev(); v.Rev != 0 {
		v.Data = bytes.Clone(k.data())
	}
	return v, true
}

// revision is get without the data.
func (c *cache) revision(key string) (rev uint64, ok bool) {
	s, hash := c.lock(key)
	defer s.mu.Unlock()
	k := s.find(hash, key)
	if k == nil {
		return 0, false
	}
	return k.rev(), true
}

// put keeps what is under key; a value without revision is that nothing is.
func (c *cache) put(key string, v store.Value) {
	s, hash := c.lock(key)
	defer s.mu.Unlock()
	s.put(c.seed, hash, key, v)
}

func (s *shard) put(seed maphash.Seed, hash uint32, key string, v store.Value) {
	if s.replace(hash, key, v) {
		return
	}
	room := (len(v.Data) + keptStep - 1) / keptStep * keptStep
	size := keptHead + len(key) + room
	if size > maxKept || s.most == 0 {
		return
	}
	at := s.place(seed, size)
	page := s.pages[s.fill][:at+size]
	s.pages[s.fill] = page
	k := kept(page[at:])
	binary.LittleEndian.PutUint16(k[8:], uint16(len(key))) //nolint:gosec // store.ValidKey bounds it
	binary.LittleEndian.PutUint16(k[12:], uint16(room))    //nolint:gosec // at most maxKept
	copy(k[keptHead:], key)
	k.set(v)
	s.index[hash] = uint32(s.fill*cachePage + at) //nolint:gosec // a cache is smaller than 4 GiB
}

// update is put for what is written: that alone keeps nothing that was not read,
// nor the first value of a key. So many thousands of people who sign in once a day
// take little, while a value that was read and grows stays.
func (c *cache) update(key string, v store.Value) {
	s, hash := c.lock(key)
	defer s.mu.Unlock()
	if k := s.find(hash, key); k != nil && k.rev() != 0 {
		s.put(c.seed, hash, key, v)
	} else {
		s.replace(hash, key, v)
	}
}

// replace puts a value in the place of its key if it has one with room for it,
// and forgets the old one else.
func (s *shard) replace(hash uint32, key string, v store.Value) bool {
	k := s.find(hash, key)
	switch {
	case k == nil:
		return false
	case len(v.Data) <= k.room():
		k.set(v)
		return true
	}
	delete(s.index, hash)
	return false
}

// place makes room for a record in the page being filled and returns where.
func (s *shard) place(seed maphash.Seed, size int) (at int) {
	switch {
	case len(s.pages) > 0 && len(s.pages[s.fill])+size <= cachePage:
		return len(s.pages[s.fill])
	case len(s.pages) < s.most:
		s.pages = append(s.pages, make([]byte, 0, cachePage))
		s.fill = len(s.pages) - 1
		return 0
	}
	s.fill = rand.IntN(len(s.pages)) //nolint:gosec // which page is given up is no secret
	page := s.pages[s.fill]
	for at := 0; at < len(page); {
		k := kept(page[at:])
		hash := hashOf(maphash.Bytes(seed, k.key()))
		if s.index[hash] == uint32(s.fill*cachePage+at) { //nolint:gosec // see put
			delete(s.index, hash)
		}
		at += k.size()
	}
	s.pages[s.fill] = page[:0]
	return 0
}
