package smpp

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/portvakt/portvakt/factors/fault"
	"github.com/portvakt/portvakt/internal/roots"
	"github.com/portvakt/portvakt/login"
)

// A NotSent says that a message was certainly not sent.
type NotSent struct {
	// Reason is for the log.
	Reason string
	// Down is whether the next message would fare no better.
	Down bool
	// Pause is how long the SMSC is left alone because it asked for fewer
	// messages; 0 when it did not.
	Pause time.Duration
}

// Error gives the reason.
func (e *NotSent) Error() string { return "not sent: " + e.Reason }

// A Client sends through one SMSC. It is safe for concurrent use.
type Client struct {
	cfg       Config
	opt       Options
	from      Address
	tls       *tls.Config // nil without TLS
	dial      func(context.Context) (net.Conn, error)
	log       *slog.Logger
	onReceipt func(Receipt)
	links     []*link // the first one sends
	pause     pause
	reference atomic.Uint32

	mu      sync.Mutex
	started bool
	cancel  context.CancelFunc // nil before Start
	running sync.WaitGroup
}

// New makes a client of a valid configuration. It connects with Start, or with
// the first message. onReceipt is called with each receipt and must be quick:
// nothing else is read meanwhile. It may be nil.
func New(cfg Config, opt Options, log *slog.Logger, onReceipt func(Receipt)) (*Client, error) {
	if err := errors.Join(cfg.Validate(), opt.Validate()); err != nil {
		return nil, err
	}
	from, err := Sender(opt.Sender)
	if err != nil {
		return nil, fmt.Errorf("sender: %w", err)
	}
	c := &Client{
		cfg: cfg, opt: opt, from: from, log: log, onReceipt: onReceipt,
		dial: func(ctx context.Context) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "tcp", cfg.Address)
		},
	}
	if cfg.TLS {
		if c.tls, err = tlsConfig(cfg.serverName(), opt.CA); err != nil {
			return nil, err
		}
	}
	switch cfg.Bind {
	case bindAsTransmitter:
		c.links = []*link{newLink(c, bindTransmitter)}
	case bindAsPair:
		c.links = []*link{newLink(c, bindTransmitter), newLink(c, bindReceiver)}
	default:
		c.links = []*link{newLink(c, bindTransceiver)}
	}
	return c, nil
}

func tlsConfig(serverName, ca string) (*tls.Config, error) {
	pool, err := roots.Read(ca)
	if err != nil {
		return nil, fmt.Errorf("ca: %w", err)
	}
	return &tls.Config{MinVersion: tls.VersionTLS12, ServerName: serverName, RootCAs: pool}, nil
}

// Start begins to connect, once. Before it and Send nothing is connected, so
// that a configuration can be read while another one is in force.
func (c *Client) Start() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.started {
		return
	}
	c.started = true
	ctx, cancel := context.WithCancel(context.Background())
	c.cancel = cancel
	for _, l := range c.links {
		c.running.Go(func() { l.run(ctx) })
	}
}

// Close unbinds and closes the connections. Messages whose answer has not come
// by then may have been sent.
func (c *Client) Close() error {
	c.mu.Lock()
	begun := c.started
	c.started = true
	cancel := c.cancel
	c.mu.Unlock()
	switch {
	case cancel != nil:
		cancel()
	case !begun:
		for _, l := range c.links {
			l.set(nil, net.ErrClosed)
		}
	}
	c.running.Wait()
	return nil
}

// A Message is a text and its way.
type Message struct {
	// From is the sender; the zero Address is that of the [Options].
	From, To Address
	Text     string
}

// Send hands a text over and returns the SMSC's id of it; of its last part,
// when it has several. Errors are [*NotSent] or leave it open.
func (c *Client) Send(ctx context.Context, m Message) (id string, err error) {
	parts, err := c.parts(m)
	if err != nil {
		return "", &NotSent{Reason: err.Error()}
	}
	if left := c.pause.left(time.Now()); left > 0 {
		return "", &NotSent{Reason: "paused: the SMSC asked for fewer messages", Down: true, Pause: left}
	}
	c.Start() //nolint:contextcheck // the connection outlives the message
	s, err := c.links[0].bound(ctx)
	if err != nil {
		return "", &NotSent{Reason: "no session with the SMSC: " + err.Error(), Down: true}
	}
	for i, part := range parts {
		if id, err = c.submit(ctx, s, part); err == nil {
			continue
		}
		if i > 0 {
			// A telephone shows nothing or a half; sending again would pay twice,
			// so this is no NotSent any more.
			err = fmt.Errorf("part %d of %d: %s", i+1, len(parts), err.Error())
		}
		return "", err
	}
	return id, nil
}

// submit hands one part over and says what the answer means.
func (c *Client) submit(ctx context.Context, s *session, part submit) (id string, err error) {
	answer, err := s.submit(ctx, part.body())
	if unsent, ok := errors.AsType[*notWritten](err); ok {
		return "", &NotSent{Reason: unsent.Error(), Down: true}
	}
	switch status := answer.status; {
	case err != nil:
		return "", err
	case status.throttles():
		now := time.Now()
		c.pause.begin(now)
		return "", &NotSent{Reason: status.String(), Down: true, Pause: c.pause.left(now)}
	case status != statusOK:
		return "", &NotSent{Reason: status.String(), Down: status.down()}
	case answer.command == genericNack:
		return "", &NotSent{Reason: "generic_nack without a status", Down: true}
	}
	c.pause.end(time.Now())
	return messageID(answer.body), nil
}

// Check connects, verifies the certificate, binds and unbinds, and returns when
// the certificate expires. An account that is bound already, by the daemon
// perhaps, has shown its password to be right.
func (c *Client) Check(ctx context.Context) (expires time.Time, err error) {
	conn, err := c.connect(ctx)
	if err != nil {
		return time.Time{}, err
	}
	if secured, ok := conn.(*tls.Conn); ok {
		expires = secured.ConnectionState().PeerCertificates[0].NotAfter
	}
	// What is delivered meanwhile is left to the daemon: the SMSC repeats it.
	s := newSession(conn, c.opt.timeout(), 1, func(pdu) pdu { return pdu{status: statusTemporary} }) //nolint:contextcheck // it ends by end
	err = s.bind(ctx, c.links[0].as, bindBody(c.opt.User, c.opt.Password.Reveal(), c.cfg.SystemType))
	if err == nil {
		s.unbind(ctx)
	}
	s.end(net.ErrClosed)
	_ = s.wait()
	if refused, ok := errors.AsType[*refusal](err); ok && refused.status == statusBound {
		err = nil
	}
	return expires, err
}

// delivered answers a deliver_sm.
func (c *Client) delivered(p pdu) (answer pdu) {
	if fault.Guard(c.log, func() { answer = c.read(p) }) != nil {
		return pdu{status: statusPermanent}
	}
	return answer
}

func (c *Client) read(p pdu) pdu {
	accepted := pdu{body: appendText(nil, "")}
	d, err := readDelivery(p.body)
	if err != nil {
		return pdu{status: statusPermanent}
	}
	r, ok := d.receipt(time.Now())
	if !ok {
		c.log.LogAttrs(context.Background(), slog.LevelDebug, "somebody wrote back, which nobody reads", slog.String(login.KeyProvider, c.opt.Name))
		return accepted
	}
	if c.onReceipt != nil {
		c.onReceipt(r)
	}
	return accepted
}
