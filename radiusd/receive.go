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
	if s.recorder != nil {
		s.receiveAccounting(ctx, l, b, oob, from)
		return
	}
	s.receive(ctx, l, b, oob, from)
}

// receive is the way of a datagram up to its goroutine. The buffers are the
// reader's, which uses them again.
func (s *Server) receive(ctx context.Context, l *socket, datagram, oob []byte, from netip.AddrPort) {
	now := s.now()
	from = netip.AddrPortFrom(from.Addr().Unmap(), from.Port())
	p, c := s.packet(datagram, from, radius.CodeAccessRequest, now)
	if c == nil {
		return
	}
	o, drop := survey(p)
	if drop != dropNone {
		s.tell(c, drop, now, from)
		return
	}
	k, drop := c.verify(p, &o)
	if drop != dropNone {
		s.tell(c, drop, now, from)
		return
	}
	rt := route{to: from}
	l.ancillary(oob, &rt)
	if radius.Code(p[0]) == radius.CodeStatusServer {
		s.status(c, k, p, l, &rt, now)
		return
	}
	if k != nil && c.shadow == login.ShadowOff {
		if c.learnSigned(&o) {
			s.learn(c, true)
		}
		if o.eaps == 0 && c.require == unlearned && c.requires() == learnedNo {
			s.tell(c, noteSignsAfterAll, now, from)
		}
	}
	b := s.replies.begin(source{from, l.index, p[0], p[1]}, s.replies.digestOf(p), now)
	switch {
	case b.reply != nil:
		s.put(c, b.reply, l, &rt, sentAgain, now)
		return
	case b.drop != dropNone:
		if b.resent > 0 && c.shadow == login.ShadowOff {
			c.peer.clock.resent(b.resent, sameID, from.Addr())
		}
		s.tell(c, b.drop, now, from)
		return
	case b.left != nil:
		s.dismiss(b.left, dropSuperseded)
	}
	if drop := s.admission.enter(c.peer, s.mayHave(c), o.states > 0); drop != dropNone {
		s.replies.forget(b.entry)
		s.tell(c, drop, now, from)
		return
	}
	s.dispatch(ctx, newRequest(p, o, pending{
		client: c, key: k, entry: b.entry, socket: l, local: rt.local, zone: rt.zone, arrived: now,
	}))
}

// packet returns the packet of a datagram and the client that sent it, when it
// has the form of the request that this port is for, or of Status-Server, and
// comes from a client. Otherwise it tells so, and the client is nil.
func (s *Server) packet(datagram []byte, from netip.AddrPort, request radius.Code, now time.Duration) (p []byte, c *client) {
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
	if code := radius.Code(p[0]); code != request && code != radius.CodeStatusServer {
		s.tell(nil, dropCode, now, from)
		return nil, nil
	}
	if c = s.live.Load().table.lookup(from.Addr()); c == nil {
		s.counters[dropUnknownClient].Add(1)
		s.journal.unknown(from.Addr(), now)
	} else if s.recorder != nil && c.shadow != login.ShadowOff {
		s.tell(c, dropShadow, now, from) // sessions are those of the server that answers
		return nil, nil
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
func (s *Server) put(c *client, packet []byte, l *socket, rt *route, sent tally, now time.Duration) {
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
func (s *Server) status(c *client, k *key, p []byte, l *socket, rt *route, now time.Duration) {
	if !c.peer.status.take(s.live.Load().cfg.StatusServerRate, now) {
		s.tell(c, dropStatusRate, now, rt.to)
		return
	}
	if s.healthy != nil && !s.healthy() {
		s.tell(c, dropUnhealthy, now, rt.to)
		return
	}
	buf, _ := buffers.Get().(*[maxPacket]byte)
	defer buffers.Put(buf)
	a := c.begin(buf[:], s.alive, p[1], p[4:headerLen])
	for state := range proxyStates(p) {
		a.copy(state)
	}
	packet, err := a.finish(k)
	if err != nil {
		s.tell(c, dropTooLong, now, rt.to)
		return
	}
	s.put(c, packet, l, rt, sentStatus, now)
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
