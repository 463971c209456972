package relay

import (
	"errors"
	"net"
	"net/netip"
	"sync"
	"testing"
)

// A Relay stands between RADIUS clients and one server.
type Relay struct {
	t      testing.TB
	plan   Plan
	target netip.AddrPort
	front  *net.UDPConn // where clients send to
	tally  tally

	done chan struct{}
	wg   sync.WaitGroup

	mu    sync.Mutex
	flows map[netip.AddrPort]*flow
}

// A flow is one client: a socket towards the server of its own, so that the
// server can tell clients apart by their ports.
type flow struct {
	back     *net.UDPConn
	requests *lane
	replies  *lane
	memory   memory
}

// Counts is what a relay has seen and done so far.
type Counts struct {
	Requests   int // that came from clients
	Replies    int // that came from the server
	Dropped    int
	Duplicated int
	Reordered  int
	// Differing replies came to a request that had another reply before: the
	// server decided the same request twice.
	Differing int
}

// New starts a relay to target, "127.0.0.1:1812", that ends with the test.
func New(t testing.TB, target string, plan Plan) *Relay {
	t.Helper()
	to, err := netip.ParseAddrPort(target)
	if err != nil {
		t.Fatalf("relay: target: %v", err)
	}
	front, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(loopback(to), 0)))
	if err != nil {
		t.Fatalf("relay: %v", err)
	}
	r := &Relay{
		t: t, plan: plan, target: to, front: front,
		done: make(chan struct{}), flows: make(map[netip.AddrPort]*flow),
	}
	r.wg.Go(r.readRequests)
	t.Cleanup(r.close)
	return r
}

func (r *Relay) close() {
	r.mu.Lock()
	close(r.done)
	_ = r.front.Close()
	for _, f := range r.flows {
		_ = f.back.Close()
	}
	r.mu.Unlock()
	r.wg.Wait()
}

func (r *Relay) closed() bool {
	select {
	case <-r.done:
		return true
	default:
		return false
	}
}

func loopback(like netip.AddrPort) netip.Addr {
	if like.Addr().Is4() {
		return netip.AddrFrom4([4]byte{127, 0, 0, 1})
	}
	return netip.IPv6Loopback()
}

// Addr is where a client sends to.
func (r *Relay) Addr() string { return r.front.LocalAddr().String() }

// Counts returns what has happened so far.
func (r *Relay) Counts() Counts {
	return Counts{
		Requests:   int(r.tally.requests.Load()),
		Replies:    int(r.tally.replies.Load()),
		Dropped:    int(r.tally.dropped.Load()),
		Duplicated: int(r.tally.duplicated.Load()),
		Reordered:  int(r.tally.reordered.Load()),
		Differing:  int(r.tally.differing.Load()),
	}
}

// maxDatagram is more than a RADIUS packet may have (4096 octets; RFC 2865,
// section 3), so that what is too long is passed on too long.
const maxDatagram = 65535

func (r *Relay) readRequests() {
	buffer := make([]byte, maxDatagram)
	for {
		n, from, err := r.front.ReadFromUDPAddrPort(buffer)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			continue // an ICMP error of a client that has gone
		}
		f := r.flowOf(from)
		if f == nil {
			return
		}
		datagram := append([]byte(nil), buffer[:n]...)
		r.tally.requests.Add(1)
		fresh := f.memory.request(datagram)
		f.requests.pass(datagram, fresh && r.plan.DropFirstRequest)
	}
}

// flowOf returns the flow of a client, nil when the relay is closed.
func (r *Relay) flowOf(client netip.AddrPort) *flow {
	r.mu.Lock()
	defer r.mu.Unlock()
	if f := r.flows[client]; f != nil {
		return f
	}
	if r.closed() {
		return nil
	}
	back, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(r.target))
	if err != nil {
		r.t.Errorf("relay: towards the server: %v", err)
		return nil
	}
	number := uint64(len(r.flows))
	f := &flow{back: back}
	f.requests = r.lane(newScript(r.plan, number, 0), func(b []byte) { _, _ = back.Write(b) })
	f.replies = r.lane(newScript(r.plan, number, 1), func(b []byte) { _, _ = r.front.WriteToUDPAddrPort(b, client) })
	r.flows[client] = f
	r.wg.Go(func() { r.readReplies(f) })
	return f
}

func (r *Relay) lane(s *script, send func([]byte)) *lane {
	return &lane{done: r.done, wg: &r.wg, script: s, tally: &r.tally, send: send}
}

func (r *Relay) readReplies(f *flow) {
	buffer := make([]byte, maxDatagram)
	for {
		n, err := f.back.Read(buffer)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			continue // the server's port is closed just now; a client would not know either
		}
		datagram := append([]byte(nil), buffer[:n]...)
		r.tally.replies.Add(1)
		first, differs := f.memory.reply(datagram)
		if differs {
			r.tally.differing.Add(1)
		}
		f.replies.pass(datagram, first && r.plan.DropFirstReply)
	}
}
