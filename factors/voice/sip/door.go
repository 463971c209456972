package sip

import (
	"bytes"
	"maps"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/emiago/sipgo/sip"
)

// A door lets in what comes from the exchange's addresses. Everything else is
// dropped before it is parsed (attack: anybody can send a datagram).
type door struct {
	mu      sync.Mutex
	locked  bool         // whether nobody comes in any more
	at      []netip.Addr // the exchange's addresses, as far as they are known
	guests  map[netip.Addr]*guest
	credits float64
	since   time.Time
}

// A guest may come in while it is wanted, and for a while after: what was lost
// on the way is sent again.
type guest struct {
	wanted int
	until  time.Time
}

// Requests that the exchange may send: a few for each call. Each one is kept
// for half a minute in case its answer is lost (attack: forged source).
const (
	requestsPerSecond = 100
	requestsAtOnce    = 500
)

// open lets an address in until the function that it returns is called.
func (d *door) open(addr netip.Addr) (shut func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	now := time.Now()
	if d.guests == nil {
		d.guests = make(map[netip.Addr]*guest)
	}
	maps.DeleteFunc(d.guests, func(_ netip.Addr, g *guest) bool { return g.wanted == 0 && now.After(g.until) })
	g := d.guests[addr.Unmap()]
	if g == nil {
		g = new(guest)
		d.guests[addr.Unmap()] = g
	}
	g.wanted++
	return sync.OnceFunc(func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		g.wanted--
		g.until = time.Now().Add(settled)
	})
}

// known replaces the exchange's own addresses, which may always come in: it
// asks whether we are there.
func (d *door) known(all []netip.AddrPort) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.at = d.at[:0]
	for _, a := range all {
		d.at = append(d.at, a.Addr().Unmap())
	}
}

// lock lets nobody in any more.
func (d *door) lock() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.locked = true
}

func (d *door) filter(props sip.TransportReadProps, data []byte) ([]byte, error) {
	if props.Transport != transportUDP {
		return data, nil // a connection that we have made
	}
	from, _ := netip.ParseAddrPort(props.RemoteAddr.String()) // nobody, if it cannot be read
	if !d.admit(from.Addr().Unmap(), !bytes.HasPrefix(data, []byte("SIP/2.0 ")), time.Now()) {
		return nil, nil
	}
	return data, nil
}

func (d *door) admit(from netip.Addr, request bool, now time.Time) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	g := d.guests[from]
	if d.locked || !slices.Contains(d.at, from) && (g == nil || g.wanted == 0 && now.After(g.until)) {
		return false
	}
	if !request {
		return true
	}
	d.credits = min(requestsAtOnce, d.credits+now.Sub(d.since).Seconds()*requestsPerSecond)
	d.since = now
	if d.credits < 1 {
		return false
	}
	d.credits--
	return true
}
