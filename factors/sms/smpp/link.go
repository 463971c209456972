package smpp

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"sync"
	"time"

	"github.com/portvakt/portvakt/login"
)

const (
	firstWait = time.Second     // before a connection is tried again
	longWait  = 1 * time.Minute // the most; and at once after a wrong password
	// stable is how long a session holds before its end is an accident and not
	// the rule.
	stable = 30 * time.Second
)

// A link keeps one bound session, opening the next when one is over.
type link struct {
	client *Client
	as     command

	mu      sync.Mutex
	session *session      // nil while there is none
	err     error         // why there is none, and nobody tries just now
	changed chan struct{} // closed when one of them is set
}

func newLink(c *Client, as command) *link {
	return &link{client: c, as: as, changed: make(chan struct{})}
}

func (l *link) set(s *session, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.session, l.err = s, err
	close(l.changed)
	l.changed = make(chan struct{})
}

// bound returns the session, waiting for one that is being opened. The error
// says why there is none.
func (l *link) bound(ctx context.Context) (*session, error) {
	for {
		l.mu.Lock()
		s, err, changed := l.session, l.err, l.changed
		l.mu.Unlock()
		if err != nil || s != nil && !s.isOver() {
			return s, err
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, errors.New("no connection in time")
		}
	}
}

// run keeps a session until ctx ends.
func (l *link) run(ctx context.Context) {
	var b backOff
	var told string
	for ctx.Err() == nil {
		l.set(nil, nil)
		s, err := l.client.open(ctx, l.as)
		if err == nil {
			l.client.log.LogAttrs(ctx, slog.LevelInfo, "bound to the SMSC", l.name()...)
			told = ""
			began := time.Now()
			l.set(s, nil)
			s.keep(ctx, l.client.cfg.enquireLink())
			l.set(nil, nil)
			err = s.wait()
			if time.Since(began) >= stable {
				b = backOff{again: true}
			}
		}
		if ctx.Err() != nil {
			break
		}
		wait := b.next(err)
		level := slog.LevelWarn
		if text := err.Error(); text == told {
			level = slog.LevelDebug // it is known by now
		} else {
			told = text
		}
		l.client.log.LogAttrs(ctx, level, "no session with the SMSC",
			append(l.name(), slog.Any(login.KeyErr, err), slog.String(login.KeyDetail, "again after "+wait.Round(time.Millisecond).String()))...)
		if wait > 0 {
			l.set(nil, err)
			sleep(ctx, wait)
		}
	}
	l.set(nil, net.ErrClosed)
}

// name is what each line of the log has.
func (l *link) name() []slog.Attr {
	return []slog.Attr{slog.String(login.KeyProvider, l.client.opt.Name), slog.String(login.KeyAddress, l.client.cfg.Address)}
}

func sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// A backOff tells how long to wait before the next try.
type backOff struct {
	again bool // the next try is made at once
	step  time.Duration
}

func (b *backOff) next(err error) time.Duration {
	if b.again {
		b.again = false
		return 0
	}
	b.step = min(max(2*b.step, firstWait), longWait)
	if refused, ok := errors.AsType[*refusal](err); ok && refused.status.credentials() {
		b.step = longWait
	}
	return jitter(b.step)
}

// jitter takes up to half away, so that those who lost the same SMSC do not
// come back together.
func jitter(d time.Duration) time.Duration {
	return d - time.Duration(rand.Int64N(int64(d/2))) //nolint:gosec // G404: nobody gains by guessing it
}

// open connects and binds.
func (c *Client) open(ctx context.Context, as command) (*session, error) {
	conn, err := c.connect(ctx)
	if err != nil {
		return nil, err
	}
	s := newSession(conn, c.opt.timeout(), c.cfg.window(), c.delivered) //nolint:contextcheck // it ends by end
	if err := s.bind(ctx, as, bindBody(c.opt.User, c.opt.Password.Reveal(), c.cfg.SystemType)); err != nil {
		s.end(err)
		_ = s.wait()
		return nil, err
	}
	return s, nil
}

// connect makes the connection, verified when there is TLS.
func (c *Client) connect(ctx context.Context) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, c.opt.timeout())
	defer cancel()
	conn, err := c.dial(ctx)
	if err != nil {
		return nil, fmt.Errorf("connect: %w", err)
	}
	if c.tls == nil {
		return conn, nil
	}
	secured := tls.Client(conn, c.tls)
	if err := secured.HandshakeContext(ctx); err != nil {
		_ = conn.Close()
		return nil, fmt.Errorf("TLS: %w", err)
	}
	return secured, nil
}
