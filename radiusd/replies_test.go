package radiusd

import (
	"bytes"
	"math/rand/v2"
	"testing"
	"time"
)

// TestRepliesAreKeptAsLongAsTheyMust compares a cache with the rule itself, in
// hours of requests, new ones, copies and pauses, with replies of all lengths.
func TestRepliesAreKeptAsLongAsTheyMust(t *testing.T) {
	t.Parallel()
	type sent struct {
		d              digest
		reply          []byte
		expires, until time.Duration
	}
	random := rand.New(rand.NewPCG(1, 2))
	c := newReplyCache(1 << 20)
	model := map[source]sent{}
	now := time.Duration(0)
	for n := range 200_000 {
		now += time.Duration(random.IntN(int(20 * time.Millisecond)))
		if n%1000 == 0 {
			now += time.Duration(random.IntN(int(20 * time.Second)))
			c.expire(now)
		}
		s := from(uint16(random.IntN(800)), 1)
		known, ok := model[s]
		d := digest{hash: random.Uint64()}
		if ok && random.IntN(3) > 0 {
			d = known.d
		}
		e, reply, _ := begin(c, s, d, now)
		if ok && d == known.d && now < known.expires {
			if !bytes.Equal(reply, known.reply) {
				t.Fatalf("number %d: the reply to a copy is %x, want %x", n, reply, known.reply)
			}
			known.expires = min(now+keepFor, known.until)
			model[s] = known
			continue
		}
		if reply != nil {
			t.Fatalf("number %d: a reply to what was not asked lately", n)
		}
		fresh := sent{d, make([]byte, random.IntN(300)), now + keepFor, now + keepAtMost}
		if random.IntN(50) == 0 {
			fresh.reply = make([]byte, maxPacket)
		}
		for i := range fresh.reply {
			fresh.reply[i] = byte(n)
		}
		if !c.answer(e, fresh.reply, now) {
			t.Fatalf("number %d: the answer was not wanted", n)
		}
		model[s] = fresh
	}
	c.expire(now + keepAtMost)
	if c.count() != 0 {
		t.Errorf("%d are left when all have expired", c.count())
	}
	for i := range c.shards {
		if l := &c.shards[i].sent; l.count != 0 || l.records != 0 || len(l.pages) > 1 || len(l.index) != 0 {
			t.Errorf("shard %d has %d live of %d records in %d pages, %d places", i, l.count, l.records, len(l.pages), len(l.index))
		}
	}
}

// TestRepliesThatWereReplacedLeaveTheirRoom: what is kept bounds the memory,
// not how much was asked in the last ten seconds.
func TestRepliesThatWereReplacedLeaveTheirRoom(t *testing.T) {
	t.Parallel()
	c := newReplyCache(1000)
	reply := make([]byte, 100)
	last := map[uint64]uint64{}
	ask := func(s source, n uint64) {
		e, _, _ := begin(c, s, digest{hash: n}, time.Second)
		c.answer(e, reply, time.Second)
	}
	const sources = 700
	for n := range uint64(200_000) {
		source := n % sources
		if n >= 2*sources { // the others ask once, and theirs come to lie in front
			source = sources - 1 - n%100
		}
		last[source] = n
		ask(from(uint16(source), 1), n)
	}
	pages := 0
	for i := range c.shards {
		pages += len(c.shards[i].sent.pages)
	}
	const room = (2*sources + 2*maxDead*replyShards) * (keptHead + 100)
	if pages*replyPage > room+2*replyShards*replyPage {
		t.Errorf("%d replies take %d KiB", c.count(), pages*replyPage>>10)
	}
	for source, n := range last {
		if _, kept, _ := begin(c, from(uint16(source), 1), digest{hash: n}, 2*time.Second); kept == nil {
			t.Fatalf("the reply of source %d is lost", source)
		}
	}
}
