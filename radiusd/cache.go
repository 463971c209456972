package radiusd

import (
	"bytes"
	"hash/maphash"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"layeh.com/radius"

	"github.com/portvakt/portvakt/login"
)

// How long a reply is kept for retransmissions (RFC 5080, section 2.2.2 asks
// for 5 to 30 s): keepFor after it was sent or last asked for again, but never
// longer than keepAtMost after it was first sent.
const (
	keepFor    = 10 * time.Second
	keepAtMost = 30 * time.Second
)

// replyShards spreads the lock of the reply cache; a power of two.
const replyShards = 64

// A source tells requests apart that a client has under way.
type source struct {
	from   netip.AddrPort
	outlet uint32
	code   byte
	id     byte
}

// A digest is what makes two requests of one source the same one. The hash over
// the whole datagram is there because the authenticator alone is chosen by the
// client.
type digest struct {
	authenticator [16]byte
	hash          uint64
}

// An entry is a request in hand.
type entry struct {
	source  source
	hash    uint64 // of the source
	digest  digest
	sending login.Sending // of its trail, for whoever does not hold the lock

	// Guarded by the shard's lock. Times count from the start of the server.
	trail      trail
	held       *held  // while somebody is asked elsewhere; who takes it ends it
	gone       bool   // answered or purged: no reply must be sent any more
	prev, next *entry // among the held ones of the shard, oldest first
}

// A begun is what begin found.
type begun struct {
	entry *entry // of a request that is new
	reply []byte // that the request has had already
	drop  tally  // why it is dropped
	// left is the held request whose place the new one takes; it is the
	// caller's to end.
	left *held
	// resent is how long after its request the first copy came, when this is
	// it.
	resent time.Duration
}

// A replyCache knows the requests in hand and the replies sent lately, so that
// a retransmission never starts anything a second time (RFC 5080, section
// 2.2.2).
type replyCache struct {
	seed   maphash.Seed
	max    atomic.Int64
	kept   atomic.Int64
	shards [replyShards]replyShard
}

type replyShard struct {
	mu      sync.Mutex
	entries map[uint64]*entry // in hand, by the hash of the source: see sentLog
	held    entry             // head of the ring of those that are held
	sent    sentLog
}

func newReplyCache(maximum int) *replyCache {
	c := &replyCache{seed: maphash.MakeSeed()}
	c.max.Store(int64(maximum))
	for i := range c.shards {
		sh := &c.shards[i]
		sh.entries = map[uint64]*entry{}
		sh.held.prev, sh.held.next = &sh.held, &sh.held
	}
	return c
}

// digestOf identifies a request by its content.
func (c *replyCache) digestOf(p []byte) digest {
	return digest{[16]byte(p[4:headerLen]), maphash.Bytes(c.seed, p)}
}

func (c *replyCache) shard(s source) *replyShard {
	// Port and identifier spread one NAS over the shards; the address would not.
	return &c.shards[(uint(s.from.Port())*31+uint(s.id))%replyShards]
}

// begin takes a request in hand; or returns the reply it has had already; or
// why it is dropped. An older request of the same source is purged: its reply
// is not going to be sent any more.
func (c *replyCache) begin(s source, d digest, now time.Duration) (b begun) {
	sh := c.shard(s)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	c.sweep(sh, now, 2)
	hash := maphash.Comparable(c.seed, s)
	if old := sh.entries[hash]; old != nil {
		if old.digest == d {
			resent := old.trail.copied(now)
			if copies := old.trail.copies; copies > old.sending.Copies.Load() {
				old.sending.Copies.Store(copies)
				old.sending.Gone.Store(time.Now().Add(old.trail.overdue()).UnixNano())
			}
			return begun{drop: dropDuplicate, resent: resent}
		}
		b.left = old.held
		retire(old) // and the new one takes its place
	} else if sent := sh.sent.find(hash); sent != nil {
		if now < sent.expires() && sent.digest() == d {
			sent.prolong(now)
			return begun{reply: bytes.Clone(sent.packet())}
		}
		sh.sent.remove(hash, sent) // too
	} else if c.kept.Add(1) > c.max.Load() {
		c.kept.Add(-1)
		return begun{drop: dropRepliesFull}
	}
	b.entry = &entry{source: s, hash: hash, digest: d, trail: trail{first: now, last: now}}
	sh.entries[hash] = b.entry
	return b
}

// hold keeps h with its entry and reports whether somebody still waits for it.
func (c *replyCache) hold(h *held) bool {
	sh := c.shard(h.entry.source)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if h.entry.gone {
		return false
	}
	h.entry.held = h
	h.entry.link(&sh.held)
	return true
}

// take gives a held request to the one caller that ends it.
func (c *replyCache) take(h *held) bool {
	sh := c.shard(h.entry.source)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if h.entry.held != h {
		return false
	}
	h.entry.unhold()
	return true
}

// overdue takes the held requests that should have ended by now.
func (c *replyCache) overdue(now time.Duration) (all []*held) {
	for i := range c.shards {
		sh := &c.shards[i]
		sh.mu.Lock()
		for e := sh.held.next; e != &sh.held; {
			next := e.next
			if h := e.held; h.until <= now {
				e.unhold()
				all = append(all, h)
			}
			e = next
		}
		sh.mu.Unlock()
	}
	return all
}

// trailOf returns what has come of a request so far.
func (c *replyCache) trailOf(e *entry) trail {
	sh := c.shard(e.source)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	return e.trail
}

// answer keeps the reply of a request in hand and reports whether it may be
// sent: not when the source has asked something else meanwhile.
func (c *replyCache) answer(e *entry, reply []byte, now time.Duration) bool {
	sh := c.shard(e.source)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if e.gone {
		return false
	}
	retire(e)
	delete(sh.entries, e.hash)
	sh.sent.add(e.hash, e.digest, now+keepFor, now+keepAtMost, reply)
	return true
}

// forget ends a request without a reply, so that a retransmission tries again.
func (c *replyCache) forget(e *entry) {
	sh := c.shard(e.source)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if !e.gone {
		retire(e)
		delete(sh.entries, e.hash)
		c.kept.Add(-1)
	}
}

// discard forgets all of a connection that has closed: no answer of a request
// in hand will be sent, no reply again. Those that were held are the caller's to
// end.
func (c *replyCache) discard(from netip.AddrPort, outlet uint32) (left []*held) {
	for _, code := range [...]radius.Code{radius.CodeAccessRequest, radius.CodeAccountingRequest} {
		for id := range 256 {
			src := source{from, outlet, byte(code), byte(id)} //nolint:gosec // both are octets
			sh := c.shard(src)
			hash := maphash.Comparable(c.seed, src)
			sh.mu.Lock()
			if e := sh.entries[hash]; e != nil {
				if e.held != nil {
					left = append(left, e.held)
				}
				retire(e)
				delete(sh.entries, hash)
				c.kept.Add(-1)
			} else if sent := sh.sent.find(hash); sent != nil {
				sh.sent.remove(hash, sent)
				c.kept.Add(-1)
			}
			sh.mu.Unlock()
		}
	}
	return left
}

// expire removes all that has expired, and gives up the room of what has nothing
// in it any more: maps and pages would else stay as large as the largest burst.
func (c *replyCache) expire(now time.Duration) {
	for i := range c.shards {
		sh := &c.shards[i]
		sh.mu.Lock()
		c.sweep(sh, now, sh.sent.records)
		if sh.sent.index != nil && sh.sent.count == 0 && len(sh.entries) == 0 {
			sh.sent = sentLog{}
			sh.entries = map[uint64]*entry{}
		}
		sh.mu.Unlock()
	}
}

func (c *replyCache) count() int { return int(c.kept.Load()) }

// sweep removes at most n expired replies, oldest first. One whose life was
// prolonged may hide others for a moment; begin looks at the time itself.
func (c *replyCache) sweep(sh *replyShard, now time.Duration, n int) {
	c.kept.Add(-int64(sh.sent.sweep(now, n)))
}

// retire ends an entry without making room for another source.
func retire(e *entry) {
	if e.held != nil {
		e.unhold()
	}
	e.gone = true
}

func (e *entry) unhold() {
	e.held = nil
	e.unlink()
}

// link puts an entry at the end of a ring.
func (e *entry) link(ring *entry) {
	e.prev, e.next = ring.prev, ring
	e.prev.next, e.next.prev = e, e
}

func (e *entry) unlink() {
	e.prev.next, e.next.prev = e.next, e.prev
	e.prev, e.next = nil, nil
}
