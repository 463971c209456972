package radiusd

import (
	"hash/maphash"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"
)

// TestOneOddDeviceTeachesNothing about those it shares a client block with,
// however often it speaks.
func TestOneOddDeviceTeachesNothing(t *testing.T) {
	t.Parallel()
	for what, odd := range map[string][]sent{
		"that never goes":    copies(60, 120, 180, 240),
		"that goes at once":  copies(0.6),
		"of new identifiers": {{1, newPort, 0}, {2, newPort, 0}},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				n := newNAS(t, late(400*time.Second), Options{})
				for _, good := range []string{"127.0.0.1", "127.0.0.2", "127.0.0.3", "127.0.0.4"} {
					for range 4 {
						n.address = good
						n.signIn(copies(5, 10, 15, 20, 25))
						time.Sleep(400 * time.Second)
					}
				}
				n.address = "127.66.6.6"
				for range 100 {
					n.signIn(odd)
					time.Sleep(400 * time.Second)
				}
				if got := n.clock(); got.GivesUp != 30*time.Second || got.Patience != 27*time.Second || got.Identifier != "same" {
					t.Errorf("%+v", got)
				}
				n.end()
			})
		})
	}
}

// TestWhatIsLearnedHasBounds, whatever a client's devices do.
func TestWhatIsLearnedHasBounds(t *testing.T) {
	t.Parallel()
	here := netip.MustParseAddr("127.0.0.1")
	for _, row := range []struct {
		gaveUp, want time.Duration
	}{
		{-time.Hour, defaultPatience},
		{0, defaultPatience},
		{time.Millisecond, defaultPatience},
		{600 * time.Millisecond, 5 * time.Second},
		{5 * time.Second, 5 * time.Second},
		{30 * time.Second, 27 * time.Second},
		{9 * time.Minute, 5 * time.Minute},
		{time.Hour, defaultPatience},
		{1 << 62, defaultPatience},
	} {
		p := &client{peer: &peer{}}
		for i := range 1000 {
			p.peer.clock.gaveUp(row.gaveUp, 1000, here, uint16(2*i))
			p.peer.clock.resent(row.gaveUp, newID, here)
		}
		if got := p.patience(); got != row.want {
			t.Errorf("gave up after %v: patience %v, want %v", row.gaveUp, got, row.want)
		}
		if c := &p.peer.clock; len(c.givenUp) > maxSamples || len(c.resends) > maxSamples {
			t.Errorf("%d and %d samples are kept", len(c.givenUp), len(c.resends))
		}
	}
}

// TestOnePersonTeachesNothing about how long all others may be held, however
// often she begins a sign-in anew just when a copy of the last one is due; nor
// do many who begin anew before.
func TestOnePersonTeachesNothing(t *testing.T) {
	t.Parallel()
	for what, row := range map[string]struct {
		people int
		again  float64
	}{
		"one, in time":        {1, 9.8},
		"two, in time":        {2, 9.8},
		"many, out of hurry":  {100, 7},
		"many, a little more": {100, 9},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				n := newNAS(t, late(100*time.Second), Options{})
				for i := range 30 {
					n.people = i % row.people
					n.signIn(append(copies(5), sent{row.again, newID, 0}))
					time.Sleep(100 * time.Second)
				}
				if got := n.clock(); got.Learned || got.Patience != defaultPatience {
					t.Errorf("%+v", got)
				}
				n.end()
			})
		})
	}
}

// TestS33ForgedCopiesTeachNothing: only what has the client's signature does.
func TestS33ForgedCopiesTeachNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := newNAS(t, late(100*time.Second), Options{})
		for range 10 {
			p := n.d.login("alice", "password")
			n.s.receive(t.Context(), n.sockets[0], p, nil, benchFrom)
			for range 3 {
				time.Sleep(4 * time.Second)
				p[len(p)-1] ^= 1
				n.s.receive(t.Context(), n.sockets[0], p, nil, benchFrom)
				p[len(p)-1] ^= 1
			}
			time.Sleep(100 * time.Second)
		}
		if got := n.clock(); got != (Clock{Patience: defaultPatience}) {
			t.Errorf("%+v", got)
		}
		n.end()
	})
}

// TestAFloodOfNewIdentifiersIsBounded: what is remembered of people is no more
// than is held.
func TestAFloodOfNewIdentifiersIsBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := newNAS(t, late(30*time.Second), Options{})
		cfg := testConfig()
		cfg.MaxHeld = 100
		if err := n.s.Reload(cfg); err != nil {
			t.Fatal(err)
		}
		for i := range 5000 {
			user := "alice"
			if i%2 == 0 {
				user += string(rune('a' + i%26))
			}
			from := netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), uint16(1000+i))
			n.s.receive(t.Context(), n.sockets[0], n.d.login(user, "password"), nil, from)
			synctest.Wait()
			if held, people := n.s.Stats().Held, n.s.people.count(); held > 75 || people > held {
				t.Fatalf("%d are held, %d people known", held, people)
			}
		}
		st := n.s.Stats()
		if st.Kept > 200 || st.Dropped["client_held_full"] < 4000 {
			t.Errorf("%d entries are kept, dropped %v", st.Kept, st.Dropped)
		}
		n.end()
	})
}

func TestOnePersonHasManySpellings(t *testing.T) {
	t.Parallel()
	_, _, d := bench(t, late(0))
	seed := maphash.MakeSeed()
	who := func(name string) uint16 {
		p := d.login(name, "password")
		o, drop := survey(p)
		if drop != dropNone {
			t.Fatal(drop)
		}
		return newRequest(p, o, pending{}).who(seed)
	}
	for _, name := range []string{"Alice", `EXAMPLE\alice`, "alice@example.org"} {
		if who(name) != who("alice") {
			t.Errorf("%s is somebody else", name)
		}
	}
	if who("bob") == who("alice") && who("carol") == who("alice") {
		t.Error("all are one")
	}
}
