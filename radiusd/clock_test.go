package radiusd

import (
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/portvakt/portvakt/login"
	"github.com/portvakt/portvakt/login/logintest"
)

// A sent is one datagram of a device's sign-in: when, and what is new of it.
type sent struct {
	at  float64 // seconds after the first
	how resend
	to  uint16 // which of the server's addresses
}

// copies are datagrams sent again unchanged.
func copies(at ...float64) (all []sent) {
	for _, a := range at {
		all = append(all, sent{at: a, how: sameID})
	}
	return all
}

// twice is a sign-in that begins again when it has failed, to wherever again
// goes.
func twice(after float64, again sent, once []sent) []sent {
	all := append(slices.Clip(once), again)
	for _, m := range once {
		all = append(all, sent{after + m.at, m.how, again.to})
	}
	return all
}

// devices are how products send again, from docs and their sources.
var devices = []struct {
	name string
	more []sent
	want Clock // without Seen and what is in force
	wait time.Duration
}{
	{
		"FortiGate with remoteauthtimeout 60, which then asks its second server",
		twice(60, sent{60, newID, 1}, copies(5, 10, 15, 20, 25, 30, 35, 40, 45, 50, 55)),
		Clock{Resend: 5 * time.Second, GivesUp: 60 * time.Second, Sends: 12, Identifier: "same"},
		54 * time.Second,
	},
	{
		"OPNsense: three tries of 5 s, then its next server",
		copies(5, 10),
		Clock{Resend: 5 * time.Second, GivesUp: 15 * time.Second, Sends: 3, Identifier: "same"},
		13 * time.Second,
	},
	{
		"hostapd: 3, 6, 12, 24 s",
		copies(3, 9, 21),
		Clock{Resend: 3 * time.Second, GivesUp: 45 * time.Second, Sends: 4, Identifier: "same"},
		40 * time.Second,
	},
	{
		"strongSwan: 2.0 × 1.4ⁿ, four tries",
		copies(2, 4.8, 8.72),
		Clock{Resend: 2 * time.Second, GivesUp: 14208 * time.Millisecond, Sends: 4, Identifier: "same"},
		12 * time.Second,
	},
	{
		"radcli: 10 s and three retries, then a new request from a new port",
		twice(40, sent{40, newPort, 0}, copies(10, 20, 30)),
		Clock{Resend: 10 * time.Second, GivesUp: 40 * time.Second, Sends: 4, Identifier: "same"},
		36 * time.Second,
	},
	{
		"a device that makes a new request each 10 s",
		[]sent{{10, newPort, 0}, {20, newPort, 0}, {30, newPort, 0}},
		Clock{Resend: 10 * time.Second, GivesUp: 40 * time.Second, Sends: 4, Identifier: "new port"},
		36 * time.Second,
	},
	{
		"a device that changes the identifier only",
		[]sent{{4, newID, 0}, {8, newID, 0}},
		Clock{Resend: 4 * time.Second, GivesUp: 12 * time.Second, Sends: 3, Identifier: "new"},
		10 * time.Second,
	},
	{
		"pam_radius: three tries of 3 s",
		copies(3, 6),
		Clock{Resend: 3 * time.Second, GivesUp: 9 * time.Second, Sends: 3, Identifier: "same"},
		8 * time.Second,
	},
	{
		"Windows: every 3 s until 30 s",
		copies(3, 6, 9, 12, 15, 18, 21, 24, 27),
		Clock{Resend: 3 * time.Second, GivesUp: 30 * time.Second, Sends: 10, Identifier: "same"},
		27 * time.Second,
	},
	{
		"openvpn-auth-radius as shipped: gone after 2 s, which no patience helps",
		copies(1),
		Clock{Resend: time.Second, GivesUp: 2 * time.Second, Sends: 2, Identifier: "same"},
		minLearned,
	},
	{"a device that sends once", nil, Clock{}, defaultPatience},
}

// late answers each request when every device has given up.
func late(after time.Duration) flowFunc {
	return func(context.Context, login.Attempt, login.Ticket) (login.Step, error) {
		w, answered := login.NewWait(nil)
		time.AfterFunc(after, func() { answered(login.Reject{}, nil) })
		return w, nil
	}
}

// A nas plays devices in virtual time against a server without a wire.
type nas struct {
	t       *testing.T
	s       *Server
	sockets [2]*socket
	d       *device
	port    uint16
	address string
	people  int
}

func newNAS(t *testing.T, flow Conversation, opts Options) *nas {
	s, l, d := bench(t, flow)
	s.records = opts.Records
	return &nas{
		t: t, s: s, d: d, port: 40000, address: "127.0.0.1",
		sockets: [2]*socket{l, {outlet: outlet{queue: make(chan outgoing, sendQueue), index: 1}}},
	}
}

// signIn sends a sign-in of another person.
func (n *nas) signIn(more []sent) {
	n.people++
	user, began := fmt.Sprint("user", n.people), time.Now()
	var p []byte
	for _, m := range append([]sent{{how: newID}}, more...) {
		time.Sleep(time.Until(began.Add(time.Duration(m.at * float64(time.Second)))))
		switch m.how {
		case newPort:
			n.port++
			fallthrough
		case newID:
			p = n.d.login(user, "password", attr(attrCallingStationID, "203.0.113.7"))
		case sameID:
		}
		from := netip.AddrPortFrom(netip.MustParseAddr(n.address), n.port)
		n.s.receive(n.t.Context(), n.sockets[m.to], p, nil, from)
		synctest.Wait()
	}
}

// end waits until nothing is held, and for the handlers.
func (n *nas) end() {
	n.t.Helper()
	time.Sleep(maxPatience)
	synctest.Wait()
	if in, held := n.s.admission.count(); in != 0 || held != 0 || n.s.people.count() != 0 {
		n.t.Errorf("%d are in hand, %d held, %d people known", in, held, n.s.people.count())
	}
	n.s.crew.Close()
	n.s.crew.Wait()
	n.s.handlers.Wait()
}

func (n *nas) clock() Clock { return n.s.Stats().Clients["nas"].Clock }

// TestTheClockOfEachDevice is learned from three sign-ins that came too late,
// and the next one is answered in time.
func TestTheClockOfEachDevice(t *testing.T) {
	t.Parallel()
	for _, row := range devices {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				n := newNAS(t, late(200*time.Second), Options{})
				for i := range agreement {
					if got := n.clock(); i == 0 && (got.Learned || got.Patience != defaultPatience) {
						t.Errorf("after %d sign-ins: %+v", i, got)
					}
					n.signIn(row.more)
					time.Sleep(200 * time.Second)
				}
				n.end()
				got := n.clock()
				if got.Patience != row.wait || got.Learned != (row.want.GivesUp != 0) {
					t.Errorf("patience %v, learned %v; want %v", got.Patience, got.Learned, row.wait)
				}
				if row.want.GivesUp != 0 && got.Seen < agreement {
					t.Errorf("seen %d", got.Seen)
				}
				got.Seen, got.Patience, got.Learned, got.Waits = 0, 0, false, 0
				got.GivesUp = got.GivesUp.Round(2 * time.Millisecond)
				if got != row.want {
					t.Errorf("got  %+v\nwant %+v", got, row.want)
				}
			})
		})
	}
}

// TestCopiesAreCounted for the service desk: not those of the network, which come
// at once, and not those of another request.
func TestCopiesAreCounted(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var seen []*login.Sending
		hold := late(100 * time.Second)
		n := newNAS(t, flowFunc(func(ctx context.Context, a login.Attempt, ticket login.Ticket) (login.Step, error) {
			seen = append(seen, a.Via.Sending)
			return hold(ctx, a, ticket)
		}), Options{})
		n.signIn([]sent{{at: 0.1, how: sameID}, {at: 3, how: sameID}, {at: 6, how: sameID}, {at: 9, how: newID}, {at: 12, how: sameID}})
		if len(seen) != 2 || seen[0].Copies.Load() != 2 || seen[1].Copies.Load() != 1 {
			t.Errorf("of %d requests the first was sent again %d times, want 2", len(seen), seen[0].Copies.Load())
		}
		// A copy each three seconds, and one more did not come by half of that.
		began := time.Now().Add(-12 * time.Second)
		if at := time.Unix(0, seen[0].Gone.Load()).Sub(began); at != 11*time.Second {
			t.Errorf("the client is gone %v after its first request, want 11 s", at)
		}
		time.Sleep(100 * time.Second)
		n.end()
	})
}

// TestAWrittenPatienceWins over what is learned.
func TestAWrittenPatienceWins(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := newNAS(t, late(100*time.Second), Options{})
		for range agreement {
			n.signIn(copies(3, 6))
			time.Sleep(100 * time.Second)
		}
		cfg := testConfig()
		cfg.Clients[0].Patience = 55 * time.Second
		if err := n.s.Reload(cfg); err != nil {
			t.Fatal(err)
		}
		if got := n.clock(); got.Patience != 55*time.Second || got.Learned || got.GivesUp != 9*time.Second {
			t.Errorf("%+v", got)
		}
		n.end()
	})
}

// TestPeopleWhoGoAreNoTimeOut: what few sign-ins show is not believed, and what
// many show is not given up for it.
func TestPeopleWhoGoAreNoTimeOut(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := newNAS(t, late(100*time.Second), Options{})
		for i, more := range [][]sent{
			copies(5), copies(5, 10, 15, 20, 25), copies(5, 10),
			{{7, newID, 0}},
			copies(5, 10, 15, 20, 25), copies(5, 10, 15), copies(5, 10, 15, 20, 25), copies(5, 10, 15, 20),
		} {
			n.signIn(more)
			time.Sleep(100 * time.Second)
			if got := n.clock(); got.Learned != (i >= 6) {
				t.Errorf("after sign-in %d: %+v", i, got)
			}
		}
		if got := n.clock(); got.GivesUp != 30*time.Second || got.Resend != 5*time.Second || got.Identifier != "same" {
			t.Errorf("%+v", got)
		}
		n.end()
	})
}

// TestARaisedTimeOutIsNoticed: a device that goes on where it used to give up
// has been given more time.
func TestARaisedTimeOutIsNoticed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := newNAS(t, late(50*time.Second), Options{})
		for range agreement {
			n.signIn(copies(3, 6))
			time.Sleep(50 * time.Second)
		}
		if got := n.clock(); got.Patience != 8*time.Second {
			t.Fatalf("%+v", got)
		}
		for range agreement { // now 60 s: it still waits when it is answered
			n.signIn(copies(3, 6, 9, 12, 15, 18, 21, 24, 27, 30, 33, 36, 39, 42, 45, 48))
			time.Sleep(50 * time.Second)
		}
		if got := n.clock(); got.Learned || got.GivesUp != 0 || got.Waits != 51*time.Second {
			t.Errorf("%+v", got)
		}
		n.end()
	})
}

// TestTheClockIsKept across restarts, and what is damaged is learned again.
func TestTheClockIsKept(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		kept := &logintest.Records{}
		n := newNAS(t, late(100*time.Second), Options{Records: kept})
		for range 30 {
			n.signIn(copies(3, 6))
			time.Sleep(100 * time.Second)
		}
		n.s.saveClocks(t.Context())
		n.end()
		want := n.clock()
		v, err := kept.Get(t.Context(), "learned/clock/nas")
		if err != nil || len(v.Data) > 3000 {
			t.Fatalf("%d octets are kept, %v", len(v.Data), err)
		}
		for _, row := range []struct {
			data string
			want Clock
		}{
			{string(v.Data), want},
			{`{"v":2,"given_up":"something"}`, Clock{Patience: defaultPatience}},
			{`{"v":2}`, Clock{Patience: defaultPatience}},
			{`rubbish`, Clock{Patience: defaultPatience}},
		} {
			now, _ := kept.Get(t.Context(), "learned/clock/nas")
			if err := kept.Swap(t.Context(), "learned/clock/nas", now.Rev, []byte(row.data)); err != nil {
				t.Fatal(err)
			}
			s, err := New(testConfig(), script(t), Options{Records: kept, Log: slog.New(slog.DiscardHandler)})
			if err != nil {
				t.Fatal(err)
			}
			if got := s.Stats().Clients["nas"].Clock; got != row.want {
				t.Errorf("%s:\ngot  %+v\nwant %+v", row.data, got, row.want)
			}
		}
	})
}
