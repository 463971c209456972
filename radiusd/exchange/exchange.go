package exchange

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"syscall"
	"time"
)

// maxPacket is the most octets of a packet (RFC 2865, section 3).
const maxPacket = 4096

var (
	// ErrNoReply means that nothing came back in time that could be the reply.
	ErrNoReply = errors.New("no reply")
	// ErrNotAuthentic means that replies came, but none could be trusted.
	ErrNotAuthentic = errors.New("replies came but none was authentic: the shared secret probably differs")
)

// A Conn is a socket that is connected to one server, for one exchange at a
// time.
type Conn struct {
	server string
	socket net.Conn
}

// Dial makes a Conn to a host and port. A source that is not the zero value is
// the address to send from.
func Dial(ctx context.Context, server string, source netip.Addr) (*Conn, error) {
	var d net.Dialer
	if source.IsValid() {
		d.LocalAddr = net.UDPAddrFromAddrPort(netip.AddrPortFrom(source, 0))
	}
	socket, err := d.DialContext(ctx, "udp", server)
	if err != nil {
		return nil, fmt.Errorf("open a socket to %s: %w", server, err)
	}
	return &Conn{server, socket}, nil
}

// Close gives the socket back.
func (c *Conn) Close() { _ = c.socket.Close() } // nothing is buffered

// LocalAddr is where it sends from.
func (c *Conn) LocalAddr() net.Addr { return c.socket.LocalAddr() }

// A Pace is when a request is sent again.
type Pace struct {
	// First is how long the first try waits.
	First time.Duration
	// Grows has each try wait twice as long as the one before (RFC 5080,
	// section 2.2.1).
	Grows bool
	// Tries is how often the request is sent in all.
	Tries int
}

// An Accept looks at a datagram and says whether it is the reply. When it is
// not, and whoever waits in vain should know why, it says that too.
type Accept func(datagram []byte) (reply bool, why error)

// Do sends the request until accept takes a datagram, and returns how often it
// was sent. Without a reply the error wraps [ErrNoReply], or what accept has
// said last. The datagram is good until accept returns.
func (c *Conn) Do(ctx context.Context, request []byte, p Pace, accept Accept) (tries int, err error) {
	stop := context.AfterFunc(ctx, func() { _ = c.socket.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	last := ErrNoReply
	for wait := p.First; tries < p.Tries; {
		if _, err := c.socket.Write(request); err != nil {
			return tries, c.explain(ctx, err)
		}
		tries++
		err := c.await(ctx, wait, &last, accept)
		if err == nil {
			return tries, nil
		}
		if !errors.Is(err, os.ErrDeadlineExceeded) || ctx.Err() != nil {
			return tries, c.explain(ctx, err)
		}
		if p.Grows {
			wait *= 2
		}
	}
	return tries, fmt.Errorf("%s, %d tries of %v: %w", c.server, p.Tries, p.First, last)
}

// await reads until accept takes a datagram or the end of one try.
func (c *Conn) await(ctx context.Context, wait time.Duration, last *error, accept Accept) error {
	if err := c.socket.SetReadDeadline(time.Now().Add(wait)); err != nil {
		return err
	}
	// The context may have ended while the deadline above replaced its own.
	if err := ctx.Err(); err != nil {
		return err
	}
	datagram := make([]byte, maxPacket+1)
	for {
		n, err := c.socket.Read(datagram)
		if err != nil {
			return err
		}
		reply, why := accept(datagram[:n])
		if reply {
			return nil
		}
		if why != nil {
			*last = why
		}
	}
}

func (c *Conn) explain(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("wait for %s: %w", c.server, context.Cause(ctx))
	}
	if errors.Is(err, syscall.ECONNREFUSED) {
		return fmt.Errorf("%s: %w: nothing listens there (%w)", c.server, ErrNoReply, err)
	}
	return fmt.Errorf("exchange with %s: %w", c.server, err)
}
