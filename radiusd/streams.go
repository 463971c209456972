package radiusd

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/portvakt/portvakt/login"
)

const (
	// maxHandshakes bounds those whose certificate is not known yet, so that
	// strangers cannot take the places of clients; maxHandshakesFrom those of
	// one address.
	maxHandshakes     = 256
	maxHandshakesFrom = 32
	// handshakeWithin is how long a stranger may take to prove who he is.
	handshakeWithin = 5 * time.Second

	addressShare = 4 // the part of all connections that one address may have
	networkBits  = 64
)

// streams are the connections over TLS that a server has.
type streams struct {
	listeners []net.Listener
	stop      chan struct{} // closed when the last replies are to leave
	all       sync.WaitGroup

	mu   sync.Mutex
	sum  places
	from map[netip.Prefix]*places
	next uint32 // index of the next outlet
}

// places are how many connections there are.
type places struct{ shaking, open int }

// A place is that of one connection.
type place struct {
	of     *streams
	from   netip.Prefix
	opened bool
}

// enter gives a place to a connection whose handshake is to come; nil when there
// is none. maximum bounds those that are open.
func (s *streams) enter(from netip.Addr, maximum int) *place {
	bits := from.BitLen()
	if from.Is6() {
		bits = networkBits // the rest is the device's to choose
	}
	network, err := from.WithZone("").Prefix(bits)
	if err != nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	own := s.from[network]
	if own == nil {
		own = &places{}
	}
	if s.sum.shaking >= maxHandshakes || own.shaking >= maxHandshakesFrom ||
		s.sum.open >= maximum || own.shaking+own.open >= max(1, maximum/addressShare) {
		return nil
	}
	if s.from == nil {
		s.from = map[netip.Prefix]*places{}
	}
	s.from[network] = own
	s.sum.shaking++
	own.shaking++
	return &place{of: s, from: network}
}

// open makes the place that of a client, and returns the index of its outlet. It
// reports false when all are taken.
func (p *place) open(maximum int) (index uint32, ok bool) {
	s := p.of
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.sum.open >= maximum {
		return 0, false
	}
	for _, n := range []*places{&s.sum, s.from[p.from]} {
		n.shaking--
		n.open++
	}
	p.opened = true
	s.next++
	return s.next - 1, true
}

// leave gives the place back.
func (p *place) leave() {
	s := p.of
	s.mu.Lock()
	defer s.mu.Unlock()
	own := s.from[p.from]
	for _, n := range []*places{&s.sum, own} {
		if p.opened {
			n.open--
		} else {
			n.shaking--
		}
	}
	if *own == (places{}) {
		delete(s.from, p.from)
	}
}

// count returns how many connections are open.
func (s *streams) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sum.open
}

// listenStreams binds the addresses of RADIUS over TLS.
func listenStreams(ctx context.Context, addresses []string) (all []net.Listener, err error) {
	for _, at := range addresses {
		addr, err := netip.ParseAddrPort(at)
		network := "tcp4"
		if !addr.Addr().Unmap().Is4() {
			network = "tcp6" // and IPv6 only, so that both wildcards can be bound
		}
		var l net.Listener
		if err == nil {
			l, err = (&net.ListenConfig{}).Listen(ctx, network, at)
		}
		if err != nil {
			for _, l := range all {
				err = errors.Join(err, l.Close())
			}
			return nil, fmt.Errorf("listen on %q: %w", at, err)
		}
		all = append(all, l)
	}
	return all, nil
}

// accept takes connections until its listener is closed.
func (s *Server) accept(ctx context.Context, l net.Listener) {
	for {
		conn, err := l.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			s.observe(noteReadError, netip.AddrPort{}, err)
			select {
			case <-time.After(readBackoff):
			case <-ctx.Done():
			}
			continue
		}
		from, err := netip.ParseAddrPort(conn.RemoteAddr().String())
		from = netip.AddrPortFrom(from.Addr().Unmap(), from.Port())
		var p *place
		if err == nil {
			p = s.streams.enter(from.Addr(), s.live.Load().cfg.RadSec.MaxConnections)
		}
		if p == nil {
			s.observe(noteConnections, from, nil)
			_ = conn.Close()
			continue
		}
		s.streams.all.Go(func() {
			defer p.leave()
			s.converse(ctx, conn, from, p)
		})
	}
}

// finish closes the connections when what waits in them has left.
func (s *Server) finish() (err error) {
	for _, l := range s.streams.listeners {
		err = errors.Join(err, l.Close())
	}
	close(s.streams.stop)
	s.streams.all.Wait()
	return err
}

// observe counts and logs something about a connection that has no client.
func (s *Server) observe(t tally, from netip.AddrPort, err error) {
	s.counters[t].Add(1)
	s.journal.note(t, s.now(), func() []slog.Attr {
		var attrs []slog.Attr
		if from.IsValid() {
			attrs = append(attrs, slog.String(login.KeyAddress, from.String()))
		}
		if err != nil {
			attrs = append(attrs, slog.Any(login.KeyErr, err))
		}
		return attrs
	})
}
