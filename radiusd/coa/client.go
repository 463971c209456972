package coa

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/portvakt/portvakt/conf/secret"
	"github.com/portvakt/portvakt/radiusd/exchange"
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
	ErrNoReply = exchange.ErrNoReply
	// ErrNotAuthentic means that replies came, but none could be trusted.
	ErrNotAuthentic = exchange.ErrNotAuthentic
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
	return c.ask(ctx, disconnectRequest, identity, nil)
}

// Change asks to change the session that encoded attributes name: it is to go on
// with those of change, encoded too. Errors are as those of Disconnect; a device
// that takes one of the attributes not takes none (RFC 5176, section 2.2).
func (c *Client) Change(ctx context.Context, identity, change []byte) error {
	if len(change) == 0 {
		return errors.New("nothing to change")
	}
	// Of two of a kind, one device would take the first for the name and another
	// the second.
	for names := identity; len(names) >= 2 && names[1] >= 2 && int(names[1]) <= len(names); names = names[names[1]:] {
		for more := change; len(more) >= 2 && more[1] >= 2 && int(more[1]) <= len(more); more = more[more[1]:] {
			if more[0] == names[0] && more[0] != typeVendorSpecific {
				return fmt.Errorf("attribute %d names the session and cannot be changed", more[0])
			}
		}
	}
	return c.ask(ctx, coaRequest, identity, change)
}

func (c *Client) ask(ctx context.Context, code byte, identity, change []byte) error {
	if c.Secret.IsZero() {
		return errors.New("the shared secret is empty") // RFC 2865, section 3 forbids it
	}
	var id [1]byte
	rand.Read(id[:]) // never fails
	request, err := encode(code, id[0], identity, change, time.Now(), c.Secret.Reveal())
	if err != nil {
		return err
	}
	conn, err := exchange.Dial(ctx, c.Server, netip.Addr{})
	if err != nil {
		return err
	}
	defer conn.Close()
	pace := exchange.Pace{First: c.Timeout, Grows: true, Tries: c.Tries}
	if pace.First <= 0 {
		pace.First = DefaultTimeout
	}
	if pace.Tries <= 0 {
		pace.Tries = DefaultTries
	}
	var got reply
	if _, err := conn.Do(ctx, request, pace, func(datagram []byte) (bool, error) {
		got, err = open(datagram, request, c.Secret.Reveal())
		if errors.Is(err, ErrNotAuthentic) {
			return false, err
		}
		return err == nil, nil
	}); err != nil {
		return err
	}
	if !got.ack {
		return &Refused{c.Server, got.cause}
	}
	return nil
}
