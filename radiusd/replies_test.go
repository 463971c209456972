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
