package radiusd

import (
	"net/netip"
	"testing"
	"time"
)

func TestStrangersAreTheLatestAndBounded(t *testing.T) {
	t.Parallel()
	start := time.Now()
	var j journal
	for i := range maxStrangers + 3 {
		j.meet(addr4(i), time.Duration(i)*time.Second)
	}
	j.meet(addr4(5), time.Hour)
	got := j.strangers(start)
	if len(got) != maxStrangers || got[0] != (Stranger{addr4(5), start.Add(time.Hour)}) || got[1].Address != addr4(maxStrangers+2) {
		t.Errorf("got %d: %v", len(got), got)
	}
	for i, s := range got[1:] {
		if s.Address == addr4(5) {
			t.Errorf("the same stranger again at %d", i+1)
		}
	}
}

// What a doctor asks of the counters: is the trouble over, and whose is it?
func TestLatestTellsWhenAndFromWhere(t *testing.T) {
	t.Parallel()
	a := newAsked()
	s := run(t, testConfig(), flowFunc(a.ask), Options{})
	d := s.device(t, "127.0.0.1")
	p := d.login("alice", "secret")
	p[len(p)-1] ^= 1
	d.silent(p, dropBadSignature)
	for name, c := range s.Stats().Clients {
		bad, ok := c.Latest[dropBadSignature.String()]
		if !ok || bad.From != netip.MustParseAddr("127.0.0.1") || time.Since(bad.At) > time.Minute || bad.At.After(time.Now()) {
			t.Errorf("%s: got %+v, %v", name, bad, ok)
		}
		if _, ok := c.Latest[sentAccept.String()]; ok {
			t.Errorf("%s: an accept that never was", name)
		}
	}
}
