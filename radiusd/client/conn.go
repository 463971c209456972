package client

import (
	"context"
	"crypto/rand"
	"errors"
	"time"

	"github.com/portvakt/portvakt/radiusd/exchange"
)

// A conn makes one exchange after the other.
type conn struct {
	client     *Client
	socket     *exchange.Conn
	identifier byte
}

func (c *Client) dial(ctx context.Context) (*conn, error) {
	if c.Secret.IsZero() {
		return nil, errors.New("the shared secret is empty") // RFC 2865, section 3 forbids it
	}
	var socket *exchange.Conn
	var err error
	if c.TLS != nil {
		socket, err = exchange.DialTLS(ctx, c.Server, c.Source, c.TLS)
	} else {
		socket, err = exchange.Dial(ctx, c.Server, c.Source)
	}
	if err != nil {
		return nil, err
	}
	var start [1]byte
	rand.Read(start[:]) // never fails
	return &conn{client: c, socket: socket, identifier: start[0]}, nil
}

func (c *conn) close() { c.socket.Close() }

// exchange sends a request until an authentic reply comes or the tries are
// over.
func (c *conn) exchange(ctx context.Context, r Request) (reply Reply, err error) {
	c.identifier++ // consecutive, so that a late reply to the last request is foreign
	request, err := c.client.encode(r, c.identifier)
	if err != nil {
		return Reply{}, err
	}
	start := time.Now()
	pace := exchange.Pace{First: c.client.timeout(), Tries: c.client.tries()}
	if c.client.TLS != nil {
		pace = exchange.Pace{First: pace.First * time.Duration(pace.Tries), Tries: 1}
	}
	tries, err := c.socket.Do(ctx, request, pace, func(datagram []byte) (bool, error) {
		opened, err := c.client.open(datagram, request)
		switch {
		case err == nil:
			reply = opened
			return true, nil
		case errors.Is(err, ErrNotAuthentic), errors.Is(err, ErrUnsigned):
			return false, err
		}
		return false, nil
	})
	if err != nil {
		return Reply{}, err
	}
	reply.Took, reply.Tries = time.Since(start), tries
	return reply, nil
}
