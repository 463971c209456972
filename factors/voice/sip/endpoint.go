package sip

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/emiago/sipgo"
	"github.com/emiago/sipgo/sip"

	"github.com/portvakt/portvakt/factors/voice/sip/internal/setup"
	"github.com/portvakt/portvakt/internal/roots"
)

// An endpoint is our end of the way to the exchange: the socket, and what comes
// in on it.
type endpoint struct {
	cfg    Config
	server target // the exchange
	hop    target // where messages go: it, or the outbound proxy
	local  netip.AddrPort
	public netip.Addr

	ua      *sipgo.UserAgent
	client  *sipgo.Client
	socket  net.PacketConn // UDP only
	serving sync.WaitGroup

	door  door
	calls registry
}

func newEndpoint(cfg Config) (*endpoint, error) {
	setup.Sipgo()
	e := &endpoint{cfg: cfg}
	var err error
	if e.server, err = parseTarget(cfg.Server); err != nil {
		return nil, err
	}
	e.hop = e.server
	if cfg.OutboundProxy != "" {
		if e.hop, err = parseTarget(cfg.OutboundProxy); err != nil {
			return nil, err
		}
	}
	if e.local, err = parseLocal(cfg.Local); err != nil {
		return nil, err
	}
	if cfg.PublicIP != "" {
		if e.public, err = netip.ParseAddr(cfg.PublicIP); err != nil {
			return nil, err
		}
	}
	secure, err := e.tls()
	if err != nil {
		return nil, err
	}
	silent := slog.New(slog.DiscardHandler)
	e.ua, err = sipgo.NewUA(
		sipgo.WithUserAgenTLSConfig(secure),
		sipgo.WithUserAgentTransportLayerOptions(sip.WithTransportLayerLogger(silent), sip.WithTransportLayerReadFilter(e.door.filter)),
		sipgo.WithUserAgentTransactionLayerOptions(sip.WithTransactionLayerLogger(silent),
			sip.WithTransactionLayerTerminateOnConnClose(), sip.WithTransactionLayerUnhandledResponseHandler(e.calls.late)),
	)
	if err != nil {
		return nil, err
	}
	if e.client, err = sipgo.NewClient(e.ua, sipgo.WithClientLogger(silent)); err != nil {
		return nil, err
	}
	server, err := sipgo.NewServer(e.ua, sipgo.WithServerLogger(silent))
	if err != nil {
		return nil, err
	}
	e.answerRequests(server)
	e.ua.TransportLayer().OnMessage(e.calls.observe)
	if !e.hop.reliable() {
		if e.socket, err = (&net.ListenConfig{}).ListenPacket(context.Background(), "udp", e.listenAddress()); err != nil {
			return nil, errors.Join(fmt.Errorf("local: %w", err), e.ua.Close())
		}
		read := make(chan struct{})
		e.serving.Go(func() { _ = server.ServeUDP(&listener{PacketConn: e.socket, read: read}) })
		<-read
	}
	return e, nil
}

// A listener says when it is read from: only then does sipgo send by it.
type listener struct {
	net.PacketConn
	once sync.Once
	read chan struct{}
}

// ReadFrom reads a datagram.
func (l *listener) ReadFrom(b []byte) (int, net.Addr, error) {
	l.once.Do(func() { close(l.read) })
	return l.PacketConn.ReadFrom(b)
}

func (e *endpoint) listenAddress() string {
	if !e.local.IsValid() {
		return ":0"
	}
	return e.local.String()
}

func (e *endpoint) tls() (*tls.Config, error) {
	if !e.hop.secure() {
		return nil, nil
	}
	cfg := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: e.cfg.ServerName}
	if cfg.ServerName == "" {
		cfg.ServerName = e.hop.host
	}
	var err error
	if cfg.RootCAs, err = roots.Read(e.cfg.CA); err != nil {
		return nil, fmt.Errorf("ca: %w", err)
	}
	return cfg, nil
}

// close ends everything; transactions that are under way end with an error.
func (e *endpoint) close() {
	e.calls.forget()
	e.door.lock()
	if e.socket != nil {
		// What came just now is still being dealt with by goroutines of sipgo
		// that nobody can wait for. Without its socket sipgo would open another
		// one to answer, and never close it.
		<-time.After(inHand)
	}
	_ = e.ua.Close()
	if e.socket != nil {
		_ = e.socket.Close()
	}
	e.serving.Wait()
	_ = e.ua.TransportLayer().Close()
}

// inHand is how long a message may take until sipgo has dealt with it.
const inHand = 100 * time.Millisecond

// A flow is one way to the exchange, and how it reaches us back.
type flow struct {
	to    netip.AddrPort // where messages go
	local netip.Addr     // our end
	host  string         // what we call ourselves in messages
	port  int
}

// connect finds or makes the way to an address. Over UDP nothing is sent.
func (e *endpoint) connect(ctx context.Context, to netip.AddrPort) (flow, error) {
	f := flow{to: to}
	ctx, cancel := context.WithTimeout(ctx, e.cfg.timeout())
	defer cancel()
	local, err := e.reach(ctx, to)
	if err != nil {
		return f, err
	}
	f.local, f.host, f.port = local.Addr().Unmap(), local.Addr().Unmap().String(), int(local.Port())
	if e.public.IsValid() {
		f.host = e.public.String()
	}
	return f, nil
}

func (e *endpoint) reach(ctx context.Context, to netip.AddrPort) (netip.AddrPort, error) {
	if e.hop.reliable() {
		conn, err := e.dial(ctx, to)
		if err != nil {
			return netip.AddrPort{}, plain(err)
		}
		defer func() { _, _ = conn.TryClose() }() // ours: it stays open for the next
		return netip.ParseAddrPort(conn.LocalAddr().String())
	}
	bound, err := netip.ParseAddrPort(e.socket.LocalAddr().String())
	if err != nil || !bound.Addr().IsUnspecified() {
		return bound, err
	}
	// The kernel tells which of our addresses it would use; nothing is sent.
	probe, err := (&net.Dialer{}).DialContext(ctx, "udp", to.String())
	if err != nil {
		return netip.AddrPort{}, err
	}
	defer func() { _ = probe.Close() }()
	from, err := netip.ParseAddrPort(probe.LocalAddr().String())
	return netip.AddrPortFrom(from.Addr().Unmap(), bound.Port()), err
}

// dial returns the open connection or makes one. Our port is not pinned: it
// could not be used again while the last connection is in TIME-WAIT.
func (e *endpoint) dial(ctx context.Context, to netip.AddrPort) (sip.Connection, error) {
	req := sip.NewRequest(sip.OPTIONS, e.hop.uri("", ""))
	req.AppendHeader(&sip.ViaHeader{ProtocolName: "SIP", ProtocolVersion: "2.0", Transport: e.hop.transport})
	e.route(req, to)
	return e.ua.TransportLayer().ClientRequestConnection(ctx, req)
}

// drop closes the connection to an address: one that swallows messages would
// swallow the next call as well.
func (e *endpoint) drop(to netip.AddrPort) {
	if !e.hop.reliable() {
		return
	}
	if conn, err := e.ua.TransportLayer().GetConnection(e.hop.transport, to.String()); err == nil {
		_ = conn.Close()
	}
}

// route sets where a request goes, and from which socket.
func (e *endpoint) route(req *sip.Request, to netip.AddrPort) {
	req.SetTransport(e.hop.transport)
	req.SetDestination(to.String())
	if e.socket != nil {
		// The port that we announce is the one that we send from.
		a := e.socket.LocalAddr().(*net.UDPAddr) //nolint:errcheck,forcetypeassert // of ListenPacket("udp")
		req.Laddr = sip.Addr{IP: a.IP, Port: a.Port}
	} else if e.local.IsValid() {
		req.Laddr = sip.Addr{IP: e.local.Addr().AsSlice()}
	}
}

// send begins a transaction.
func (e *endpoint) send(ctx context.Context, req *sip.Request) (sip.ClientTransaction, error) {
	ctx, cancel := context.WithTimeout(ctx, e.cfg.timeout())
	defer cancel()
	tx, err := e.client.TransactionRequest(ctx, req, asItIs)
	return tx, plain(err)
}

// write sends an ACK, which has no transaction.
func (e *endpoint) write(req *sip.Request) error { return plain(e.client.WriteRequest(req, asItIs)) }

// asItIs keeps sipgo from adding headers.
func asItIs(*sipgo.Client, *sip.Request) error { return nil }

// settled is how long after its last message a transaction may still see one
// (RFC 3261, section 17.1.1.2, 64*T1).
const settled = 32 * time.Second

// do sends a request outside an invitation and waits for its final answer,
// proving who we are when asked.
func (e *endpoint) do(ctx context.Context, proof *proof, build func() *sip.Request) (*sip.Response, error) {
	round := proof.round()
	for {
		req := build()
		if err := proof.prove(req); err != nil {
			return nil, err
		}
		res, err := e.once(ctx, req)
		if err != nil || !challenge(res) {
			return res, err
		}
		if err := round.challenged(res); err != nil {
			return res, err
		}
	}
}

func (e *endpoint) once(ctx context.Context, req *sip.Request) (*sip.Response, error) {
	tx, err := e.send(ctx, req)
	if err != nil {
		return nil, err
	}
	defer tx.Terminate()
	for {
		select {
		case res := <-tx.Responses():
			if !res.IsProvisional() {
				return res, nil
			}
		case <-tx.Done():
			return nil, plain(tx.Err())
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}
