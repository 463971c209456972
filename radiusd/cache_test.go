package radiusd

import (
	"bytes"
	"net/netip"
	"testing"
	"time"
)

func from(port uint16, id byte) source {
	return source{from: netip.AddrPortFrom(netip.MustParseAddr("192.0.2.1"), port), code: 1, id: id}
}

// begin is c.begin without what it tells of others.
func begin(c *replyCache, s source, d digest, now time.Duration) (*entry, []byte, tally) {
	b := c.begin(s, d, now)
	return b.entry, b.reply, b.drop
}

func request0(octet byte) digest { return digest{authenticator: [16]byte{octet}} }

// TestLifeOfAReply: 10 s after the answer, prolonged by each duplicate, 30 s in
// all (RFC 5080, section 2.2.2); a request in hand never expires.
func TestLifeOfAReply(t *testing.T) {
	t.Parallel()
	const sec = time.Second
	for _, row := range []struct {
		what  string
		asked []time.Duration // after the answer
		again bool            // whether the last one is answered from memory
	}{
		{"at once", []time.Duration{0}, true},
		{"after 9.9 s", []time.Duration{9900 * time.Millisecond}, true},
		{"after 10 s", []time.Duration{10 * sec}, false},
		{"every 9 s", []time.Duration{9 * sec, 18 * sec, 27 * sec}, true},
		{"every 9 s, until 30 s are over", []time.Duration{9 * sec, 18 * sec, 27 * sec, 30 * sec}, false},
	} {
		c := newReplyCache(10)
		const answered = 100 * sec
		e, _, _ := begin(c, from(1, 1), request0(1), 0)
		if _, _, drop := begin(c, from(1, 1), request0(1), answered); drop != dropDuplicate {
			t.Fatalf("%s: a duplicate after 100 s in hand: %v", row.what, drop)
		}
		if !c.answer(e, []byte("reply"), answered) {
			t.Fatalf("%s: the answer was not wanted", row.what)
		}
		var kept []byte
		for _, after := range row.asked {
			_, kept, _ = begin(c, from(1, 1), request0(1), answered+after)
		}
		if again := kept != nil; again != row.again || again && !bytes.Equal(kept, []byte("reply")) {
			t.Errorf("%s: answered from memory: %v, want %v", row.what, again, row.again)
		}
	}
}

// TestTheCacheIsBounded: what is new is refused, what lives is never evicted.
func TestTheCacheIsBounded(t *testing.T) {
	t.Parallel()
	const limit = 300
	c := newReplyCache(limit)
	var entries []*entry
	for i := range limit {
		e, _, drop := begin(c, from(uint16(i), byte(i)), request0(1), 0)
		if drop != dropNone {
			t.Fatalf("number %d: %v", i, drop)
		}
		entries = append(entries, e)
	}
	if _, _, drop := begin(c, from(9999, 1), request0(1), 0); drop != dropRepliesFull {
		t.Fatalf("one too many: %v", drop)
	}
	if _, _, drop := begin(c, from(7, 7), request0(2), 0); drop != dropNone {
		t.Fatalf("another request of a source that has a place: %v", drop)
	}
	for i, e := range entries {
		if want := i != 7; c.answer(e, []byte("r"), time.Second) != want {
			t.Fatalf("answer of number %d wanted: %v, want %v", i, !want, want)
		}
	}
	if _, kept, _ := begin(c, from(0, 0), request0(1), 2*time.Second); kept == nil {
		t.Fatal("a live reply was evicted")
	}
	c.expire(13 * time.Second)
	if c.count() != 1 {
		t.Fatalf("%d entries after all but one expired", c.count())
	}
	for i := range limit - 1 {
		if _, _, drop := begin(c, from(uint16(20000+i), 0), request0(1), 13*time.Second); drop != dropNone {
			t.Fatalf("number %d after the expiry: %v", i, drop)
		}
	}
}

// TestForgottenRequestsLeaveNothing, whatever came in between.
func TestForgottenRequestsLeaveNothing(t *testing.T) {
	t.Parallel()
	c := newReplyCache(10)
	old, _, _ := begin(c, from(1, 1), request0(1), 0)
	young, _, _ := begin(c, from(1, 1), request0(2), 0)
	c.forget(old) // is gone already and must not take the young one along
	if _, _, drop := begin(c, from(1, 1), request0(2), 0); drop != dropDuplicate {
		t.Fatalf("the young one: %v", drop)
	}
	c.forget(young)
	c.forget(young)
	if c.count() != 0 || c.answer(young, []byte("r"), 0) {
		t.Fatalf("%d entries are left", c.count())
	}
	a, _, _ := begin(c, from(1, 1), digest{[16]byte{1}, 1}, 0)
	c.answer(a, []byte("r"), 0)
	if _, kept, drop := begin(c, from(1, 1), digest{[16]byte{1}, 2}, 0); kept != nil || drop != dropNone {
		t.Fatal("the authenticator alone makes no duplicate: the client chooses it")
	}
}
