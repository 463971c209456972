package client

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"syscall"
	"time"
)

// A conn is a connected socket, for one exchange at a time: the kernel drops
// what comes from other addresses.
type conn struct {
	client     *Client
	socket     net.Conn
	identifier byte
}

func (c *Client) dial(ctx context.Context) (*conn, error) {
	if c.Secret.IsZero() {
		return nil, errors.New("the shared secret is empty") // RFC 2865, section 3 forbids it
	}
	var d net.Dialer
	if c.Source.IsValid() {
		d.LocalAddr = net.UDPAddrFromAddrPort(netip.AddrPortFrom(c.Source, 0))
	}
	socket, err := d.DialContext(ctx, "udp", c.Server)
	if err != nil {
		return nil, fmt.Errorf("open a socket to %s: %w", c.Server, err)
	}
	var start [1]byte
	rand.Read(start[:]) // never fails
	return &conn{client: c, socket: socket, identifier: start[0]}, nil
}

func (c *conn) close() { _ = c.socket.Close() } // nothing is buffered

// exchange sends a request until an authentic reply comes or the tries are
// over.
func (c *conn) exchange(ctx context.Context, r Request) (Reply, error) {
	c.identifier++ // consecutive, so that a late reply to the last request is foreign
	request, err := c.client.encode(r, c.identifier)
	if err != nil {
		return Reply{}, err
	}
	stop := context.AfterFunc(ctx, func() { _ = c.socket.SetDeadline(time.Unix(1, 0)) })
	defer stop()

	start := time.Now()
	last := ErrNoReply
	for try := 1; try <= c.client.tries(); try++ {
		if _, err := c.socket.Write(request); err != nil {
			return Reply{}, c.explain(ctx, err)
		}
		reply, err := c.await(ctx, request, &last)
		if err == nil {
			reply.Took, reply.Tries = time.Since(start), try
			return reply, nil
		}
		if !errors.Is(err, os.ErrDeadlineExceeded) || ctx.Err() != nil {
			return Reply{}, c.explain(ctx, err)
		}
	}
	return Reply{}, fmt.Errorf("%s, %d tries of %v: %w", c.client.Server, c.client.tries(), c.client.timeout(), last)
}

// await reads until an authentic reply or the end of one try, and notes in
// last why a reply did not count. What is not authentic must not end the
// waiting: anybody can send it.
func (c *conn) await(ctx context.Context, request []byte, last *error) (Reply, error) {
	if err := c.socket.SetReadDeadline(time.Now().Add(c.client.timeout())); err != nil {
		return Reply{}, err
	}
	// The context may have ended while the deadline above replaced its own.
	if err := ctx.Err(); err != nil {
		return Reply{}, err
	}
	datagram := make([]byte, maxPacket+1)
	for {
		n, err := c.socket.Read(datagram)
		if err != nil {
			return Reply{}, err
		}
		reply, err := c.client.open(datagram[:n], request)
		switch {
		case err == nil:
			return reply, nil
		case errors.Is(err, ErrNotAuthentic), errors.Is(err, ErrUnsigned):
			*last = err
		}
	}
}

func (c *conn) explain(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("wait for %s: %w", c.client.Server, context.Cause(ctx))
	}
	if errors.Is(err, syscall.ECONNREFUSED) {
		return fmt.Errorf("%s: %w: nothing listens there (%w)", c.client.Server, ErrNoReply, err)
	}
	return fmt.Errorf("exchange with %s: %w", c.client.Server, err)
}
