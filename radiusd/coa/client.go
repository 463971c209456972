package coa

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"
	"time"

	"github.com/portvakt/portvakt/conf/secret"
)

// DefaultPort is where devices listen (RFC 5176, section 2.1).
const DefaultPort = 3799

// Defaults of a Client: three packets within 7 s.
const (
	DefaultTimeout = time.Second
	DefaultTries   = 3
)

var (
	// ErrNoReply means that nothing at all came back in time.
	ErrNoReply = errors.New("coa: no reply")
	// ErrNotAuthentic means that replies came, but none could be trusted.
	ErrNotAuthentic = errors.New("coa: replies came but none was authentic: the shared secret probably differs")
)

// A Client asks one device.
type Client struct {
	// Server is host and port, e.g. "10.1.0.1:3799".
	Server string
	Secret secret.Value
	// Timeout is how long the first try waits; each one waits twice as long
	// as the one before (RFC 5080, section 2.2.1). Default [DefaultTimeout].
	Timeout time.Duration
	// Tries is how often the request is sent in all; default [DefaultTries].
	Tries int
}

// Disconnect asks to end the session that encoded attributes name. The error
// is a [*Refused] when the device says no, and wraps [ErrNoReply] or
// [ErrNotAuthentic] when it says nothing.
func (c *Client) Disconnect(ctx context.Context, identity []byte) error {
	if c.Secret.IsZero() {
		return errors.New("the shared secret is empty") // RFC 2865, section 3 forbids it
	}
	var id [1]byte
	rand.Read(id[:]) // never fails
	request, err := encode(id[0], identity, time.Now(), c.Secret.Reveal())
	if err != nil {
		return err
	}
	var d net.Dialer
	conn, err := d.DialContext(ctx, "udp", c.Server)
	if err != nil {
		return fmt.Errorf("open a socket to %s: %w", c.Server, err)
	}
	defer func() { _ = conn.Close() }()
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()

	wait, tries, last := c.Timeout, c.Tries, ErrNoReply
	if wait <= 0 {
		wait = DefaultTimeout
	}
	if tries <= 0 {
		tries = DefaultTries
	}
	for range tries {
		if _, err := conn.Write(request); err != nil {
			return c.explain(ctx, err)
		}
		done, err := c.await(ctx, conn, request, wait, &last)
		if done {
			return err
		}
		if !errors.Is(err, os.ErrDeadlineExceeded) || ctx.Err() != nil {
			return c.explain(ctx, err)
		}
		wait *= 2
	}
	return fmt.Errorf("%s, %d tries: %w", c.Server, tries, last)
}

// await reads until an authentic reply, and then is done, or the end of one try.
// It notes in last why a reply did not count.
func (c *Client) await(ctx context.Context, conn net.Conn, request []byte, wait time.Duration, last *error) (done bool, err error) {
	if err := conn.SetReadDeadline(time.Now().Add(wait)); err != nil {
		return false, err
	}
	// The context may have ended while the deadline above replaced its own.
	if err := ctx.Err(); err != nil {
		return false, err
	}
	datagram := make([]byte, maxPacket+1)
	for {
		n, err := conn.Read(datagram)
		if err != nil {
			return false, err
		}
		reply, err := open(datagram[:n], request, c.Secret.Reveal())
		switch {
		case err == nil && reply.ack:
			return true, nil
		case err == nil:
			return true, &Refused{c.Server, reply.cause}
		case errors.Is(err, ErrNotAuthentic):
			*last = err
		}
	}
}

func (c *Client) explain(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("wait for %s: %w", c.Server, context.Cause(ctx))
	}
	if errors.Is(err, syscall.ECONNREFUSED) {
		return fmt.Errorf("%s: %w: nothing listens there (%w)", c.Server, ErrNoReply, err)
	}
	return fmt.Errorf("exchange with %s: %w", c.Server, err)
}
