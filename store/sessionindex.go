package store

import (
	"cmp"
	"encoding/hex"
	"hash/maphash"
	"slices"
	"strings"
	"sync"
)

const idLen = 16 // octets of a session's name

// A known is what is remembered of a session. It is not changed but by its
// index.
type known struct {
	id                    [idLen]byte
	client                *clientSessions
	nas, user, account    uint64 // hashes, 0 for none
	writes                uint64
	started, heard, ended int64
	prev, next            *known // in the ring of those that run or have ended, longest untold first
}

// clientSessions are those of one client.
type clientSessions struct {
	name           string
	byID           map[[idLen]byte]*known
	running, ended known // heads of the rings
	reserved       int   // places of those that are about to be written
}

// A sessionIndex knows all sessions.
type sessionIndex struct {
	mu      sync.Mutex
	clients map[string]*clientSessions
	// count is of those that are known, reserved of those about to be.
	count, reserved int
}

// of returns the sessions of a client. The caller holds the mutex.
func (x *sessionIndex) of(client string) *clientSessions {
	c := x.clients[client]
	if c == nil {
		c = &clientSessions{name: client, byID: map[[idLen]byte]*known{}}
		for _, ring := range []*known{&c.running, &c.ended} {
			ring.prev, ring.next = ring, ring
		}
		if x.clients == nil {
			x.clients = map[string]*clientSessions{}
		}
		x.clients[client] = c
	}
	return c
}

// known makes what is remembered of a record; nil when its name is none.
func (s *Sessions) known(key string, rec *session) *known {
	k := &known{writes: rec.Writes, started: rec.Started, heard: rec.Heard, ended: rec.Ended}
	name := key[strings.LastIndexByte(key, '/')+1:]
	if n, err := hex.Decode(k.id[:], []byte(name[:min(len(name), 2*idLen)])); err != nil || n != idLen {
		return nil
	}
	k.nas, k.user, k.account = s.hash(rec.NAS), s.hash(foldUser(rec.User)), s.hash(rec.Account)
	s.index.mu.Lock()
	k.client = s.index.of(rec.Client)
	s.index.mu.Unlock()
	return k
}

func (s *Sessions) hash(text string) uint64 {
	if text == "" {
		return 0
	}
	return maphash.String(s.seed, text) | 1
}

// fill puts all in, in the order in which they were told of.
func (x *sessionIndex) fill(all []*known) {
	slices.SortFunc(all, func(a, b *known) int { return cmp.Compare(a.heard, b.heard) })
	for _, k := range all {
		x.note(k)
	}
}

func (x *sessionIndex) has(client string, id []byte) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	c := x.clients[client]
	return c != nil && c.byID[[idLen]byte(id)] != nil
}

// note takes in what is known of a session now, unless more is known already:
// changes may be noted in another order than they were made in.
func (x *sessionIndex) note(k *known) {
	if k == nil {
		return
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	c := k.client
	old := c.byID[k.id]
	if old != nil && old.writes > k.writes {
		return
	}
	if old == nil {
		x.count++
	} else {
		old.unlink()
	}
	c.byID[k.id] = k
	ring := &c.running
	if k.ended != 0 {
		ring = &c.ended
	}
	k.prev, k.next = ring.prev, ring
	k.prev.next, k.next.prev = k, k
}

func (k *known) unlink() {
	k.prev.next, k.next.prev = k.next, k.prev
	k.prev, k.next = nil, nil
}

// drop takes one out. The caller holds the mutex.
func (x *sessionIndex) drop(k *known) {
	k.unlink()
	delete(k.client.byID, k.id)
	x.count--
}

// oldest is the session of a client that ended first, else the one that was
// told of least lately; nil when there is none.
func (c *clientSessions) oldest() *known {
	for _, ring := range []*known{&c.ended, &c.running} {
		if ring.next != ring {
			return ring.next
		}
	}
	return nil
}

// surplus reserves a place for one more session of a client, until release, and
// takes out what must go for it.
func (x *sessionIndex) surplus(client string, ofClient, total int) (out []*known) {
	x.mu.Lock()
	defer x.mu.Unlock()
	c := x.of(client)
	c.reserved++
	x.reserved++
	for len(c.byID) > 0 && len(c.byID)+c.reserved > ofClient {
		out = append(out, c.oldest())
		x.drop(out[len(out)-1])
	}
	for x.count > 0 && x.count+x.reserved > total {
		var victim *known
		for _, c := range x.clients {
			k := c.oldest()
			switch {
			case k == nil:
			case victim == nil, k.ended != 0 && victim.ended == 0,
				(k.ended != 0) == (victim.ended != 0) && k.heard < victim.heard:
				victim = k
			}
		}
		out = append(out, victim)
		x.drop(victim)
	}
	return out
}

// release ends what surplus has begun.
func (x *sessionIndex) release(client string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.of(client).reserved--
	x.reserved--
}

// before takes out the sessions that were told of last before a time.
func (x *sessionIndex) before(heard int64) (out []*known) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, c := range x.clients {
		for _, k := range c.byID {
			if k.heard < heard {
				out = append(out, k)
			}
		}
	}
	for _, k := range out {
		x.drop(k)
	}
	return out
}

// running returns the keys of the sessions of a device, by the hash of its name,
// that began before a time and have not ended.
func (x *sessionIndex) running(client string, nas uint64, before int64) (keys []string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	c := x.of(client)
	for k := c.running.next; k != &c.running; k = k.next {
		if k.nas == nas && k.started < before {
			keys = append(keys, sessionKey(client, k.id[:]))
		}
	}
	return keys
}
