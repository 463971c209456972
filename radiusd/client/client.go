package client

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/portvakt/portvakt/conf/secret"
	"github.com/portvakt/portvakt/radiusd/exchange"
)

// RadSec is the Secret of everybody over TLS (RFC 6614, section 2.3).
const RadSec = "radsec"

// Defaults of a Client.
const (
	DefaultTimeout       = 5 * time.Second
	DefaultTries         = 3
	DefaultNASIdentifier = "portvakt-client"
)

var (
	// ErrNoReply means that nothing at all came back in time.
	ErrNoReply = exchange.ErrNoReply
	// ErrNotAuthentic means that replies came, but none could be trusted.
	ErrNotAuthentic = exchange.ErrNotAuthentic
	// ErrUnsigned means that only replies without Message-Authenticator came,
	// and the Client requires it.
	ErrUnsigned = errors.New("client: replies came without Message-Authenticator, which is required: the server may be forged or too old")
)

// A Client is a device that asks a server. The zero values of all fields but
// Server and Secret have defaults. It may be used by several goroutines.
type Client struct {
	// Server is host and port, e.g. "127.0.0.1:1812" or "[::1]:1812".
	Server string
	Secret secret.Value
	// TLS has the requests go over TLS (RFC 6614), each once, with [RadSec] for
	// the Secret; nil is UDP.
	TLS *tls.Config
	// Timeout is how long one try waits for a reply; default [DefaultTimeout].
	Timeout time.Duration
	// Tries is how often a request is sent in all; default [DefaultTries].
	Tries int
	// Source is the address to send from; default: the system's choice.
	Source netip.Addr
	// NASIdentifier is told to the server; default [DefaultNASIdentifier].
	NASIdentifier string
	// Station is sent as Calling-Station-Id unless it is empty.
	Station string
	// RequireMessageAuthenticator drops replies without one, as devices do
	// that are safe from CVE-2024-3596.
	RequireMessageAuthenticator bool
	// Attributes are added to every request, encoded.
	Attributes []byte
}

// A Request is what one exchange asks.
type Request struct {
	// Code is [AccessRequest] when it is zero.
	Code Code
	User string
	// Password is sent as User-Password in an Access-Request, also when it is
	// empty, unless Proof is set: then the attributes have a proof of it.
	Password string
	Proof    bool
	// State is that of the challenge that is answered; nil for none.
	State []byte
	// Attributes are added to those of the Client, encoded.
	Attributes []byte
}

// A Reply is an authentic reply.
type Reply struct {
	Code Code
	// Signed is whether it had a Message-Authenticator.
	Signed bool
	// Attributes are the octets as they came.
	Attributes []byte
	// Authenticator is that of the request, which keys in the reply are
	// encrypted under.
	Authenticator [16]byte
	// Took is the time since the request was first sent.
	Took time.Duration
	// Tries is how often the request had been sent.
	Tries int
}

// Do makes one exchange on a socket of its own. It returns [ErrNoReply],
// [ErrNotAuthentic] or [ErrUnsigned], wrapped, when no reply counted.
func (c *Client) Do(ctx context.Context, r Request) (Reply, error) {
	conn, err := c.dial(ctx)
	if err != nil {
		return Reply{}, err
	}
	defer conn.close()
	return conn.exchange(ctx, r)
}

// Status asks the server whether it lives (RFC 5997). The reply is an
// Access-Accept on an authentication port, an Accounting-Response on an
// accounting port.
func (c *Client) Status(ctx context.Context) (Reply, error) {
	reply, err := c.Do(ctx, Request{Code: StatusServer})
	if err == nil && reply.Code != AccessAccept && reply.Code != AccountingResponse {
		return reply, fmt.Errorf("%s answered Status-Server with %v", c.Server, reply.Code)
	}
	return reply, err
}

func (c *Client) timeout() time.Duration {
	if c.Timeout > 0 {
		return c.Timeout
	}
	return DefaultTimeout
}

func (c *Client) tries() int {
	if c.Tries > 0 {
		return c.Tries
	}
	return DefaultTries
}
