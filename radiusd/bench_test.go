package radiusd

import (
	"context"
	"net/netip"
	"strings"
	"testing"
	"time"

	"layeh.com/radius"

	"github.com/portvakt/portvakt/login"
)

// bench is a server without a wire: datagrams go in by receive, replies come
// out of the queue.
func bench(tb testing.TB, flow Conversation) (*Server, *socket, *device) {
	tb.Helper()
	cfg := testConfig()
	s, err := New(cfg, flow, Options{})
	if err != nil {
		tb.Fatal(err)
	}
	return s, &socket{outlet: outlet{queue: make(chan outgoing, sendQueue)}}, &device{secret: testSecret}
}

var benchFrom = netip.MustParseAddrPort("127.0.0.1:40000")

// BenchmarkBadTraffic is what a datagram costs that gets no reply; it must not
// allocate.
func BenchmarkBadTraffic(b *testing.B) {
	s, l, d := bench(b, script(b))
	ctx := b.Context()
	station := attr(attrCallingStationID, "198.51.100.23")
	forged := d.login("alice", "accept", station)
	forged[len(forged)-1] ^= 1
	for _, row := range []struct {
		what   string
		packet []byte
		from   netip.AddrPort
	}{
		{"short", forged[:10], benchFrom},
		{"unknown client", d.login("alice", "accept", station), netip.MustParseAddrPort("198.51.100.1:1000")},
		{"malformed", d.bare([]byte{1, 0}), benchFrom},
		{"forged", forged, benchFrom},
	} {
		b.Run(row.what, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				s.receive(ctx, l, row.packet, nil, row.from)
			}
		})
	}
}

// BenchmarkRequest is a whole request without the wire.
func BenchmarkRequest(b *testing.B) {
	step := map[string]login.Step{
		"accept": letIn(b),
		"ask":    login.Ask{Text: "Enter the code", Ticket: make(login.Ticket, 90)},
		"reject": login.Reject{},
	}
	for _, what := range []string{"accept", "ask", "reject"} {
		b.Run(what, func(b *testing.B) {
			s, l, d := bench(b, flowFunc(func(context.Context, login.Attempt, login.Ticket) (login.Step, error) {
				return step[what], nil
			}))
			var requests [1024][]byte // another one each time
			for i := range requests {
				requests[i] = d.login("alice", "password", attr(attrCallingStationID, "198.51.100.23"))
			}
			ctx := b.Context()
			b.ReportAllocs()
			for n := 0; b.Loop(); n++ {
				s.receive(ctx, l, requests[n%len(requests)], nil, benchFrom)
				<-l.queue
			}
		})
	}
	b.Run("duplicate", func(b *testing.B) {
		s, l, d := bench(b, script(b))
		p := d.login("alice", "accept")
		b.ReportAllocs()
		for b.Loop() {
			s.receive(b.Context(), l, p, nil, benchFrom)
			<-l.queue
		}
	})
}

// BenchmarkParts are the pieces of a request.
func BenchmarkParts(b *testing.B) {
	_, _, d := bench(b, script(b))
	p := d.login("alice", "password", attr(attrCallingStationID, strings.Repeat("1", 17)))
	k := newKey(testSecret)
	o, _ := survey(p)
	c := newReplyCache(1 << 16)
	for what, part := range map[string]func(){
		"survey":        func() { survey(p) },
		"verify":        func() { k.verifies(p, o.mac) },
		"unhide":        func() { var room [maxPassword]byte; k.unhide(room[:0], p[29:45], p[4:20]) },
		"sign":          func() { k.sign(p, o.mac) },
		"radius.Parse":  func() { radius.Parse(p, nil) },
		"cache":         func() { p[4]++; c.begin(source{from: benchFrom}, c.digestOf(p), time.Second) },
		"reply message": func() { (&reply{b: make([]byte, 0, maxPacket)}).addText("Enter the code", 0) },
	} {
		b.Run(what, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				part()
			}
		})
	}
}
