package radiusd

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/netip"
	"os"
	"time"

	"layeh.com/radius"
)

const (
	streamQueue = 256 // replies waiting for the sender of a connection
	// writeWithin is how long a peer may leave replies untaken.
	writeWithin = 10 * time.Second
)

// A stream is a connection of RADIUS over TLS (RFC 6614): a client's as long as
// its certificate says so. One goroutine reads it and one writes.
type stream struct {
	outlet
	server *Server
	conn   *tls.Conn
	from   netip.AddrPort
	chain  []*x509.Certificate
	ids    []certificateID // of the first of the chain
	under  *tlsIdentity    // that the chain is good for
}

// An unknownCertificate is good and nobody's.
type unknownCertificate struct {
	leaf *x509.Certificate
	why  error
}

func (u *unknownCertificate) Error() string { return u.why.Error() + ": " + certificateText(u.leaf) }

// converse serves a connection until it closes.
func (s *Server) converse(ctx context.Context, raw net.Conn, from netip.AddrPort, at *place) {
	defer func() { _ = raw.Close() }()
	st := &stream{outlet: outlet{queue: make(chan outgoing, streamQueue)}, server: s, from: from}
	c, err := st.shake(ctx, raw)
	if err != nil {
		t := noteHandshake
		if _, unknown := errors.AsType[*unknownCertificate](err); unknown {
			t = noteCertificate
		}
		s.observe(t, from, err)
		return
	}
	var ok bool
	if st.index, ok = at.open(s.live.Load().cfg.RadSec.MaxConnections); !ok {
		s.observe(noteConnections, from, nil)
		return
	}
	c.peer.connections.Add(1)
	defer c.peer.connections.Add(-1)
	gone, written := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(written)
		st.write(gone)
	}()
	if orderly := st.read(ctx); !orderly {
		_ = raw.Close() // at once: a farewell could take as long as the peer likes
	}
	close(gone)
	_ = st.conn.Close()
	<-written
	// What was under way has nowhere to go, and a connection to come is another
	// source (RFC 6613, section 2.6.1).
	for _, to := range []*Server{s, s.accounting} {
		if to == nil {
			continue
		}
		for _, h := range to.replies.discard(from, st.index) {
			to.dismiss(h, dropSuperseded)
		}
	}
}

// shake makes the handshake and returns the client.
func (st *stream) shake(ctx context.Context, raw net.Conn) (c *client, err error) {
	s := st.server
	ctx, cancel := context.WithTimeout(ctx, handshakeWithin)
	defer cancel()
	st.conn = tls.Server(raw, &tls.Config{
		MinVersion: tls.VersionTLS12,
		GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
			if st.under = s.live.Load().tls; st.under == nil {
				return nil, errors.New("RADIUS over TLS is not configured any more")
			}
			return st.under.config(func(state tls.ConnectionState) (err error) {
				st.chain = state.PeerCertificates
				st.ids = identify(st.chain[0])
				if c, err = s.live.Load().table.certified(st.ids, st.from.Addr()); err != nil {
					return &unknownCertificate{st.chain[0], err}
				}
				return nil
			}), nil
		},
	})
	if err := st.conn.HandshakeContext(ctx); err != nil {
		return nil, err
	}
	return c, nil
}

// read takes packets until the connection ends, and reports whether the peer has
// deserved a farewell.
func (st *stream) read(ctx context.Context) (orderly bool) {
	r := bufio.NewReaderSize(st.conn, maxPacket)
	limit := func(d time.Duration) { _ = st.conn.SetReadDeadline(time.Now().Add(d)) }
	for {
		p, err := nextPacket(r, limit)
		switch {
		case errors.Is(err, errLength):
			st.server.received.Add(1)
			st.server.tell(nil, dropLength, st.server.now(), st.from)
			return false
		case errors.Is(err, errStalled):
			st.server.observe(noteStalled, st.from, err)
			return false
		case err != nil:
			return true // idle, or the peer has gone
		}
		if !st.arrive(ctx, p) {
			return false
		}
		_, _ = r.Discard(len(p)) // they are all there
	}
}

// arrive takes one packet, and reports whether the connection may stay. RFC 6613,
// section 2.6.4 has it closed where a datagram would be dropped for its form or
// its signature: both ends may see different packets from there on.
func (st *stream) arrive(ctx context.Context, p []byte) (stays bool) {
	s := st.server
	defer func() {
		if v := recover(); v != nil {
			s.counters[dropPanic].Add(1)
			s.logPanic(v, "")
			stays = false
		}
	}()
	code := radius.Code(p[0])
	if code == radius.CodeAccountingRequest && s.accounting != nil {
		s = s.accounting
	}
	s.received.Add(1)
	a := arrival{packet: p, outlet: &st.outlet, route: route{to: st.from}, at: s.now()}
	var err error
	if a.client, err = st.client(s); err != nil {
		s.observe(dropCertificate, st.from, err)
		return false
	}
	var drop tally
	switch code {
	case s.request(), radius.CodeStatusServer:
		drop = s.take(ctx, &a)
	case radius.CodeAccountingRequest, radius.CodeDisconnectRequest, radius.CodeCoARequest:
		drop = s.decline(&a)
	default:
		s.tell(a.client, dropCode, a.at, st.from)
	}
	return drop != dropMalformed && drop != dropBadSignature && drop != dropAuthenticator
}

// client returns whose the connection is by now. A certificate that was good at
// the beginning must still be when a request comes.
func (st *stream) client(s *Server) (*client, error) {
	if time.Now().After(st.chain[0].NotAfter) {
		return nil, errEndedCertificate
	}
	if now := st.server.live.Load().tls; now != st.under {
		if now == nil || !now.verifies(st.chain) {
			return nil, errOtherAuthority
		}
		st.under = now
	}
	return s.live.Load().table.certified(st.ids, st.from.Addr())
}

// write sends replies until the reader has gone, or the server has drained and
// none is left. A peer that takes none is left behind.
func (st *stream) write(gone <-chan struct{}) {
	defer func() { _ = st.conn.Close() }()
	w := bufio.NewWriterSize(st.conn, maxPacket)
	for last := false; !last; {
		select {
		case o := <-st.queue:
			_ = st.conn.SetWriteDeadline(time.Now().Add(writeWithin))
			_, _ = w.Write(o.packet) // Flush has its error
		case <-gone:
			return
		case <-st.server.streams.stop:
			last = true
			_ = st.conn.SetWriteDeadline(time.Now().Add(drainGrace))
		}
		for more := true; more; {
			select {
			case o := <-st.queue:
				_, _ = w.Write(o.packet)
			default:
				more = false
			}
		}
		if err := w.Flush(); err != nil {
			if errors.Is(err, os.ErrDeadlineExceeded) {
				st.server.observe(noteStalled, st.from, err)
			}
			_ = st.conn.NetConn().Close() // it would not take a farewell either
			return
		}
	}
}
