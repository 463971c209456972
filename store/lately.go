package store

import (
	"hash/maphash"
	"sync"
)

// latelyLocks is how many goroutines can use a lately at a time, at best.
const latelyLocks = 64

// A lately keeps what was made of records lately, by key, one in each of a
// fixed number of places: what comes later takes the place of what was there.
type lately[V any] struct {
	seed   maphash.Seed
	locks  [latelyLocks]sync.Mutex
	places []place[V]
}

type place[V any] struct {
	hash  uint64 // of the key: most others are told apart without a look at it
	key   string
	value V
}

// newLately has as many places, which must be a multiple of [latelyLocks].
func newLately[V any](places int) *lately[V] {
	return &lately[V]{seed: maphash.MakeSeed(), places: make([]place[V], places)}
}

func (l *lately[V]) lock(key string) (*place[V], uint64, *sync.Mutex) {
	hash := maphash.String(l.seed, key)
	at := hash % uint64(len(l.places))
	m := &l.locks[at%latelyLocks]
	m.Lock()
	return &l.places[at], hash, m
}

func (l *lately[V]) get(key string) (v V, ok bool) {
	p, hash, m := l.lock(key)
	defer m.Unlock()
	if p.hash != hash || p.key != key {
		return v, false
	}
	return p.value, true
}

func (l *lately[V]) keep(key string, v V) {
	p, hash, m := l.lock(key)
	defer m.Unlock()
	*p = place[V]{hash, key, v}
}

func (l *lately[V]) forget(key string) {
	p, hash, m := l.lock(key)
	defer m.Unlock()
	if p.hash == hash && p.key == key {
		*p = place[V]{}
	}
}
