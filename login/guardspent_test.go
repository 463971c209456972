package login

import (
	"encoding/binary"
	"testing"
	"time"
)

// S-05: a full list of answered tickets is closed to strangers, until those in it have
// expired, and never to a place that is known; none in it is ever good again.
func TestS05AFullListOfTicketsIsClosedToStrangersForMinutes(t *testing.T) {
	const home, elsewhere, another = 1, 2, 3
	const lives = questionFor + 2*time.Minute
	ticket := func(n int) (nonce [8]byte) {
		binary.BigEndian.PutUint64(nonce[:], uint64(n))
		return nonce
	}
	full := func() *guard {
		g := &guard{}
		g.success(home, noon, true)
		for n := range maxSpent {
			if !g.spend(ticket(n), noon, elsewhere, noon) {
				t.Fatalf("number %d finds the list full", n)
			}
		}
		return g
	}
	for _, row := range []struct {
		what   string
		ticket int
		issued time.Duration // after noon
		place  uint64
		at     time.Duration
		want   bool
	}{
		{"a new one from the same place", 100, time.Second, elsewhere, time.Second, false},
		{"from another one that is not known either", 100, time.Second, another, time.Second, false},
		{"as long as those in it could be answered", 100, lives, another, lives, false},
		{"and no longer", 100, lives + time.Second, another, lives + time.Second, true},
		{"at a place that is known", 100, time.Second, home, time.Second, true},
		{"a used one at a place that is known", 0, 0, home, time.Second, false},
		{"one as old as the oldest, which gives way there", 100, 0, home, time.Second, true},
	} {
		g := full()
		if got := g.spend(ticket(row.ticket), noon.Add(row.issued), row.place, noon.Add(row.at)); got != row.want {
			t.Errorf("%s: taken %v, want %v", row.what, got, row.want)
		}
		if len(g.spent) > maxSpent {
			t.Errorf("%s: %d are kept", row.what, len(g.spent))
		}
	}

	// Hers push out all of his, one after the other: each stays used.
	g := full()
	for n := range maxSpent {
		if issued := noon.Add(time.Duration(n+1) * time.Second); !g.spend(ticket(100+n), issued, home, issued) {
			t.Fatalf("her number %d is refused", n)
		}
	}
	now := noon.Add((maxSpent + 1) * time.Second)
	for n := range maxSpent {
		for _, place := range []uint64{home, elsewhere} {
			if g.spend(ticket(n), noon, place, now) || g.spend(ticket(100+n), noon.Add(time.Duration(n+1)*time.Second), place, now) {
				t.Fatalf("number %d is good again", n)
			}
		}
	}
}

// Where a full list makes room the oldest goes: younger questions stay good.
func TestTheOldestAnsweredTicketGivesWay(t *testing.T) {
	const home = 1
	g, now := &guard{}, noon.Add(time.Minute)
	g.success(home, noon, true)
	for n := range maxSpent + 1 {
		if !g.spend([8]byte{byte(n)}, noon.Add(time.Duration(n)*time.Second), home, now) {
			t.Fatalf("number %d is void", n)
		}
	}
	if g.spend([8]byte{0}, noon, home, now) {
		t.Error("the oldest is good again")
	}
	if !g.spend([8]byte{200}, noon.Add(time.Second), home, now) {
		t.Error("a younger one is void")
	}
}
