package email

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	netmail "net/mail"
	"net/textproto"
	"strings"

	"github.com/wneessen/go-mail"

	"github.com/portvakt/portvakt/internal/roots"
)

// A notSent says that a message was certainly not taken.
type notSent struct {
	reason string
	// down is whether the fault is the server's and the next message would
	// fare no better.
	down bool
}

// Error gives the reason.
func (e *notSent) Error() string { return "not sent: " + e.reason }

// A server hands messages to the mail server. Each has a connection of its
// own. Errors hold no address, code or password, and nothing that the server
// said but its numbers: it repeats addresses.
type server struct {
	cfg  Config
	from *netmail.Address
	tls  *tls.Config
}

func newServer(cfg Config) (*server, error) {
	from, err := sender(cfg.From)
	if err != nil {
		return nil, fmt.Errorf("from: %w", err)
	}
	s := &server{cfg: cfg, from: from, tls: &tls.Config{MinVersion: tls.VersionTLS12, ServerName: cfg.host()}}
	if s.tls.RootCAs, err = roots.Read(cfg.CA); err != nil {
		return nil, fmt.Errorf("ca: %w", err)
	}
	return s, nil
}

// send returns nil when the server took the message, a *notSent when it
// certainly did not, and another error when nobody knows.
func (s *server) send(ctx context.Context, m message) error {
	msg, err := s.write(m)
	if err != nil {
		return &notSent{reason: "the message could not be written"}
	}
	ctx, cancel := context.WithTimeout(ctx, s.cfg.Timeout)
	defer cancel()
	conn, client, err := s.open(ctx)
	if err != nil {
		return err
	}
	defer conn.close()
	err = client.Send(msg)
	if msg.IsDelivered() {
		_ = client.Close() // QUIT; the message is theirs
		return nil
	}
	return sendError(err)
}

// write makes the message. Its headers are ours, or encoded by the library.
func (s *server) write(m message) (*mail.Msg, error) {
	msg := mail.NewMsg(mail.WithNoDefaultUserAgent())
	msg.FromMailAddress(s.from)
	if err := msg.To(m.to); err != nil {
		return nil, err
	}
	if to := msg.GetTo(); len(to) != 1 || to[0].Address != m.to {
		return nil, errAddress
	}
	msg.Subject(m.subject)
	msg.SetDate()
	msg.SetMessageIDWithValue(rand.Text() + "@" + domainOf(s.from.Address))
	// No "out of office" in reply (RFC 3834, section 5).
	msg.SetGenHeader("Auto-Submitted", "auto-generated")
	msg.SetBodyString(mail.TypeTextPlain, m.body+"\n")
	return msg, nil
}

// A connection is closed when its context ends: the library waits for replies
// by deadlines of its own.
type connection struct {
	conn net.Conn
	stop func() bool
}

func (c *connection) close() {
	c.stop()
	_ = c.conn.Close()
}

// open connects, with TLS and the login that are configured. Its error is a
// *notSent.
func (s *server) open(ctx context.Context) (*connection, *mail.Client, error) {
	raw, err := new(net.Dialer).DialContext(ctx, "tcp", s.cfg.Server)
	if err != nil {
		return nil, nil, &notSent{reason: unreachable(ctx, err), down: true}
	}
	conn := &connection{raw, context.AfterFunc(ctx, func() { _ = raw.Close() })}
	used := raw
	if s.cfg.TLS == tlsOnly {
		secured := tls.Client(raw, s.tls)
		if err := secured.HandshakeContext(ctx); err != nil {
			conn.close()
			return nil, nil, &notSent{reason: unreachable(ctx, err), down: true}
		}
		used = secured
	}
	client, err := mail.NewClient(s.cfg.host(), s.options(used)...)
	if err == nil {
		err = client.DialWithContext(ctx)
	}
	if err != nil {
		conn.close()
		return nil, nil, &notSent{reason: unreachable(ctx, err), down: true}
	}
	return conn, client, nil
}

func (s *server) options(conn net.Conn) []mail.Option {
	options := []mail.Option{
		mail.WithDialContextFunc(func(context.Context, string, string) (net.Conn, error) { return conn, nil }),
		mail.WithTimeout(s.cfg.Timeout),
		mail.WithHELO(s.cfg.HELO),
		mail.WithoutNoop(),
		mail.WithTLSPolicy(mail.NoTLS),
	}
	if s.cfg.TLS == tlsStart {
		// Mandatory: a server that offers no STARTTLS gets nothing (attack:
		// somebody on the way takes the offer out; RFC 3207, section 6).
		options = append(options, mail.WithTLSPolicy(mail.TLSMandatory), mail.WithTLSConfig(s.tls))
	}
	if s.cfg.User != "" {
		options = append(options, mail.WithUsername(s.cfg.User), mail.WithPassword(s.cfg.Password.Reveal()),
			mail.WithOpportunisticSMTPAuth(mail.SMTPAuthSCRAMSHA256, mail.SMTPAuthPlain, mail.SMTPAuthLogin))
	}
	return options
}

// unreachable words an error that came before the message.
func unreachable(ctx context.Context, err error) string {
	if cert, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return "no connection: " + cert.Error()
	}
	if _, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		return "the server speaks no TLS there"
	}
	if reply, ok := errors.AsType[*textproto.Error](err); ok {
		return fmt.Sprintf("the server answers %d", reply.Code)
	}
	if ctx.Err() != nil {
		return "no connection in time"
	}
	if dns, ok := errors.AsType[*net.DNSError](err); ok {
		return "no connection: " + dns.Error()
	}
	if op, ok := errors.AsType[*net.OpError](err); ok {
		return "no connection: " + op.Err.Error()
	}
	if strings.Contains(err.Error(), "does not support STARTTLS") {
		return "the server offers no STARTTLS"
	}
	if strings.Contains(err.Error(), "AUTH") {
		return "the server takes none of our ways to log in"
	}
	return "the conversation broke off"
}

// sendError tells what an error of sending means for the message.
func sendError(err error) error {
	e, ok := errors.AsType[*mail.SendError](err)
	if !ok {
		return errors.New("nobody knows whether it was sent")
	}
	number := e.ErrorCode()
	if e.Reason == mail.ErrSMTPDataClose && number == 0 {
		// The message is there, its receipt is not.
		return errors.New("no answer to the message")
	}
	reason := e.Reason.String()
	if number != 0 {
		reason = fmt.Sprintf("%s: the server answers %d", reason, number)
	}
	// What is refused for its recipient says nothing about the server.
	return &notSent{reason: reason, down: e.Reason != mail.ErrSMTPRcptTo}
}

// check connects and logs in, and sends nothing.
func (s *server) check(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, s.cfg.Timeout)
	defer cancel()
	conn, client, err := s.open(ctx)
	if err != nil {
		return err
	}
	defer conn.close()
	_ = client.Close()
	return nil
}
