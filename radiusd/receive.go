package radiusd

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"runtime"
	"runtime/debug"
	"time"

	"layeh.com/radius"

	"github.com/portvakt/portvakt/login"
)

// readBackoff keeps a socket that only returns errors from burning a core.
const readBackoff = 100 * time.Millisecond

// read takes datagrams from a socket until it is closed.
func (s *Server) read(ctx context.Context, l *socket) {
	buf := make([]byte, maxPacket) // what is longer is cut, and is no packet
	oob := make([]byte, oobSize)
	for {
		n, oobn, _, from, err := l.conn.ReadMsgUDPAddrPort(buf, oob)
		if err == nil {
			s.guard(ctx, l, buf[:n], oob[:oobn], from)
			continue
		}
		if errors.Is(err, net.ErrClosed) {
			return
		}
		s.counters[noteReadError].Add(1)
		s.journal.note(noteReadError, s.now(), func() []slog.Attr {
			return []slog.Attr{slog.Any(login.KeyErr, err)}
		})
		select {
		case <-time.After(readBackoff):
		case <-ctx.Done():
		}
	}
}

// guard keeps the socket alive when a datagram finds a fault in its reader.
func (s *Server) guard(ctx context.Context, l *socket, b, oob []byte, from netip.AddrPort) {
	defer func() {
		if v := recover(); v != nil {
			s.counters[dropPanic].Add(1)
			s.logPanic(v, "")
		}
	}()
	s.receive(ctx, l, b, oob, from)
}

// An arrival is a packet of a client, in the buffer of whoever has read it.
// Nothing of it is believed.
type arrival struct {
	packet []byte
	client *client
	outlet *outlet
	route  route
	at     time.Duration
}

// receive is the way of a datagram. The buffers are the reader's, which uses
// them again.
func (s *Server) receive(ctx context.Context, l *socket, datagram, oob []byte, from netip.AddrPort) {
	a := arrival{outlet: &l.outlet, at: s.now()}
	a.route.to = netip.AddrPortFrom(from.Addr().Unmap(), from.Port())
	if a.packet, a.client = s.packet(datagram, a.route.to, a.at); a.client == nil {
		return
	}
	l.ancillary(oob, &a.route)
	s.take(ctx, &a)
}

// take is the way of a packet up to its goroutine, over whatever it came. It
// returns why it was dropped.
func (s *Server) take(ctx context.Context, a *arrival) (drop tally) {
	if s.recorder != nil {
		drop = s.takeReport(ctx, a)
	} else {
		drop = s.takeRequest(ctx, a)
	}
	if drop != dropNone {
		s.tell(a.client, drop, a.at, a.route.to)
	}
	return drop
}

// takeRequest is take for an Access-Request.
func (s *Server) takeRequest(ctx context.Context, a *arrival) tally {
	p, c := a.packet, a.client
	o, drop := survey(p)
	if drop != dropNone {
		return drop
	}
	k, drop := c.verify(p, &o)
	if drop != dropNone {
		return drop
	}
	if radius.Code(p[0]) == radius.CodeStatusServer {
		return s.status(a, k)
	}
	if k != nil && c.shadow == login.ShadowOff {
		if c.learnSigned(&o) {
			s.learn(c, true)
		}
		if o.eaps == 0 && c.require == unlearned && c.requires() == learnedNo {
			s.tell(c, noteSignsAfterAll, a.at, a.route.to)
		}
	}
	b := s.replies.begin(a.source(), s.replies.digestOf(p), a.at)
	switch {
	case b.reply != nil:
		s.put(c, b.reply, a.outlet, &a.route, sentAgain, a.at)
		return dropNone
	case b.drop != dropNone:
		if b.resent > 0 && c.shadow == login.ShadowOff {
			c.peer.clock.resent(b.resent, sameID, a.route.to.Addr())
		}
		return b.drop
	case b.left != nil:
		s.dismiss(b.left, dropSuperseded)
	}
	if drop := s.admission.enter(c.peer, s.mayHave(c), o.states > 0); drop != dropNone {
		s.replies.forget(b.entry)
		return drop
	}
	s.dispatch(ctx, newRequest(p, o, a.pending(k, b.entry)))
	return dropNone
}

// source tells the request apart from all others under way.
func (a *arrival) source() source {
	return source{a.route.to, a.outlet.index, a.packet[0], a.packet[1]}
}

// pending is what its reply needs, made with the key that verified.
func (a *arrival) pending(k *key, e *entry) pending {
	return pending{
		client: a.client, key: k, entry: e, outlet: a.outlet, local: a.route.local, zone: a.route.zone, arrived: a.at,
	}
}

// request is the kind of request that this server is for.
func (s *Server) request() radius.Code {
	if s.recorder != nil {
		return radius.CodeAccountingRequest
	}
	return radius.CodeAccessRequest
}

// packet returns the packet of a datagram and the client that sent it, when it
// has the form of the request that this port is for, or of Status-Server, and
// comes from a client. Otherwise it tells so, and the client is nil.
func (s *Server) packet(datagram []byte, from netip.AddrPort, now time.Duration) (p []byte, c *client) {
	s.received.Add(1)
	if len(datagram) < headerLen {
		s.tell(nil, dropShort, now, from)
		return nil, nil
	}
	n := int(binary.BigEndian.Uint16(datagram[2:]))
	if n < headerLen || n > maxPacket || n > len(datagram) {
		s.tell(nil, dropLength, now, from)
		return nil, nil
	}
	p = datagram[:n] // octets beyond Length are padding (RFC 2865, section 3)
	if code := radius.Code(p[0]); code != s.request() && code != radius.CodeStatusServer {
		s.tell(nil, dropCode, now, from)
		return nil, nil
	}
	if c = s.live.Load().table.lookup(from.Addr()); c == nil {
		s.counters[dropUnknownClient].Add(1)
		s.journal.unknown(from.Addr(), now)
	}
	return p, c
}

// tell counts and logs what became of a datagram, or a note about it. Without a
// client the server counts it.
func (s *Server) tell(c *client, t tally, now time.Duration, from netip.AddrPort) {
	if c == nil {
		s.counters[t].Add(1)
	} else {
		c.peer.counters[t].Add(1)
		c.peer.latest.at[t].Store(int64(now))
	}
	s.journal.note(t, now, func() []slog.Attr {
		if c != nil {
			c.peer.latest.came(t, from.Addr())
		}
		attrs := []slog.Attr{slog.String(login.KeyAddress, from.String())}
		if c != nil {
			attrs = append(attrs, slog.String(login.KeyClient, c.Name))
		}
		return attrs
	})
}

// put sends a packet and counts it. It is the one way out, and nothing goes out
// to a client whose requests are copies: whoever sent them would take a reply for
// that of its own server.
func (s *Server) put(c *client, packet []byte, l *outlet, rt *route, sent tally, now time.Duration) {
	if c.shadow != login.ShadowOff {
		s.tell(c, dropShadow, now, rt.to)
		return
	}
	if !l.offer(packet, rt) {
		s.tell(c, dropSendQueue, now, rt.to)
		return
	}
	c.peer.counters[sent].Add(1)
	c.peer.latest.at[sent].Store(int64(now))
}

// status answers a Status-Server request (RFC 5997). Nothing else depends on
// it, so it needs no place in the reply cache: its answer is always the same.
func (s *Server) status(a *arrival, k *key) tally {
	c, p := a.client, a.packet
	if !c.peer.status.take(s.live.Load().cfg.StatusServerRate, a.at) {
		return dropStatusRate
	}
	if s.healthy != nil && !s.healthy() {
		return dropUnhealthy
	}
	buf, _ := buffers.Get().(*[maxPacket]byte)
	defer buffers.Put(buf)
	r := c.begin(buf[:], s.alive, p[1], p[4:headerLen])
	for state := range proxyStates(p) {
		r.copy(state)
	}
	packet, err := r.finish(k)
	if err != nil {
		return dropTooLong
	}
	s.put(c, packet, a.outlet, &a.route, sentStatus, a.at)
	return dropNone
}

// logPanic writes where a panic happened. Its value is left out unless the
// runtime made it: it might hold what somebody typed.
func (s *Server) logPanic(v any, client string) {
	s.journal.note(dropPanic, s.now(), func() []slog.Attr {
		what := fmt.Sprintf("panic with a %T", v)
		if e, ok := v.(runtime.Error); ok {
			what = e.Error()
		}
		return []slog.Attr{
			slog.String(login.KeyClient, client),
			slog.String(login.KeyErr, what),
			slog.String(login.KeyStack, string(debug.Stack())),
		}
	})
}
