package client

import (
	"bytes"
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/portvakt/portvakt/conf/secret"
)

func TestRetransmissionsAreTheSameOctets(t *testing.T) {
	t.Parallel()
	r := respond(t, "127.0.0.1", func(n int, request []byte) [][]byte {
		if n < 3 {
			return nil
		}
		return one(reply(request, AccessAccept))
	})
	c := r.client()
	c.Timeout, c.Tries = quick, 4
	got, err := c.Do(t.Context(), Request{User: "alice", Password: "x"})
	if err != nil || got.Tries < 3 || got.Took < 2*quick {
		t.Fatalf("got %d tries in %v (%v), want 3", got.Tries, got.Took, err)
	}
	for _, request := range r.requests() {
		if !bytes.Equal(request, r.requests()[0]) {
			t.Error("a retransmission differs")
		}
	}
}

// What is not authentic must neither be believed nor end the waiting: anybody
// can send it.
func TestOnlyAuthenticRepliesCount(t *testing.T) {
	t.Parallel()
	accept := func(request []byte) []byte { return reply(request, AccessAccept, avp(25, "admins")...) }
	flip := func(at int) func([]byte) []byte {
		return func(request []byte) []byte {
			packet := accept(request)
			packet[at] ^= 1
			return packet
		}
	}
	resealed := func(change func([]byte) []byte) func([]byte) []byte {
		return func(request []byte) []byte {
			packet := accept(request)
			copy(packet[4:20], request[4:20])
			packet = change(packet)
			packet[2], packet[3] = byte(len(packet)>>8), byte(len(packet))
			return seal(packet)
		}
	}
	for _, row := range []struct {
		what  string
		forge func(request []byte) []byte
		want  error // nil: it counts
	}{
		{"a good reply", accept, nil},
		{"octets behind Length are padding", func(r []byte) []byte { return append(accept(r), 0, 0, 0, 0) }, nil},
		{"no Message-Authenticator", func(r []byte) []byte { return unsigned(r, AccessAccept) }, nil},
		{"another code", flip(0), ErrNotAuthentic},
		{"a bit of the Response Authenticator", flip(4), ErrNotAuthentic},
		{"a bit of Message-Authenticator", flip(25), ErrNotAuthentic},
		{"a bit of Class", flip(42), ErrNotAuthentic},
		{"Message-Authenticator wrong, Response Authenticator right", resealed(func(p []byte) []byte { p[25] ^= 1; return p }), ErrNotAuthentic},
		{"an attribute behind the signature", resealed(func(p []byte) []byte { return append(p, avp(11, "full")...) }), ErrNotAuthentic},
		{"two Message-Authenticators", resealed(func(p []byte) []byte { return append(p, p[20:38]...) }), ErrNoReply},
		{"a short Message-Authenticator", resealed(func(p []byte) []byte { return append(p[:20], 80, 4, 0, 0) }), ErrNoReply},
		{"an attribute of length 0", resealed(func(p []byte) []byte { return append(p, 11, 0) }), ErrNoReply},
		{"an attribute beyond the end", resealed(func(p []byte) []byte { return append(p, 11, 9) }), ErrNoReply},
		{"another identifier", flip(1), ErrNoReply},
		{"a request", func(r []byte) []byte { return r }, ErrNoReply},
		{"cut short", func(r []byte) []byte { return accept(r)[:30] }, ErrNoReply},
		{"nineteen octets", func(r []byte) []byte { return accept(r)[:19] }, ErrNoReply},
		{"nothing", func([]byte) []byte { return []byte{} }, ErrNoReply},
	} {
		t.Run(row.what, func(t *testing.T) {
			t.Parallel()
			r := respond(t, "127.0.0.1", func(_ int, request []byte) [][]byte { return one(row.forge(request)) })
			c := r.client()
			c.Timeout = quick
			if row.want == nil {
				c.Timeout = 5 * time.Second
			}
			_, err := c.Do(t.Context(), Request{User: "alice", Password: "x"})
			if !errors.Is(err, row.want) {
				t.Fatalf("got %v, want %v", err, row.want)
			}
			if row.want == nil {
				return
			}
			r = respond(t, "127.0.0.1", func(_ int, request []byte) [][]byte {
				return [][]byte{row.forge(request), reply(request, AccessReject)}
			})
			got, err := r.client().Do(t.Context(), Request{User: "alice", Password: "x"})
			if err != nil || got.Code != AccessReject {
				t.Errorf("with a good reply behind it: got %v (%v), want the good one", got.Code, err)
			}
		})
	}
}

func TestAnotherSecretIsNamedAsTheProbableReason(t *testing.T) {
	t.Parallel()
	r := respond(t, "127.0.0.1", func(_ int, request []byte) [][]byte { return one(reply(request, AccessAccept)) })
	c := r.client()
	c.Timeout, c.Secret = quick, secret.New("another")
	_, err := c.Do(t.Context(), Request{User: "alice", Password: "hunter2"})
	if !errors.Is(err, ErrNotAuthentic) || !strings.Contains(err.Error(), "shared secret probably differs") {
		t.Errorf("got %v", err)
	}
	for _, leak := range []string{"another", "hunter2"} {
		if strings.Contains(err.Error(), leak) {
			t.Errorf("the error holds %q", leak)
		}
	}
	c.Secret = secret.Value{}
	if _, err := c.Do(t.Context(), Request{User: "alice"}); err == nil || !strings.Contains(err.Error(), "secret is empty") {
		t.Errorf("an empty secret: got %v", err)
	}
}

func TestMessageAuthenticatorCanBeRequired(t *testing.T) {
	t.Parallel()
	for signed, want := range map[bool]error{true: nil, false: ErrUnsigned} {
		r := respond(t, "127.0.0.1", func(_ int, request []byte) [][]byte {
			if signed {
				return one(reply(request, AccessAccept))
			}
			return one(unsigned(request, AccessAccept))
		})
		c := r.client()
		c.RequireMessageAuthenticator = true
		if !signed {
			c.Timeout = quick
		}
		got, err := c.Do(t.Context(), Request{User: "alice", Password: "x"})
		if !errors.Is(err, want) || got.Signed != signed {
			t.Errorf("signed %v: got %v, %v", signed, got.Signed, err)
		}
	}
}

func TestIPv6AndSourceAddress(t *testing.T) {
	t.Parallel()
	r := respond(t, "::1", func(_ int, request []byte) [][]byte { return one(reply(request, AccessAccept)) })
	if _, err := r.client().Do(t.Context(), Request{User: "alice"}); err != nil {
		t.Error(err)
	}
	r = respond(t, "127.0.0.1", func(_ int, request []byte) [][]byte { return one(reply(request, AccessAccept)) })
	c := r.client()
	c.Source = netip.MustParseAddr("127.0.0.9")
	conn, err := c.dial(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.close()
	if got := conn.socket.LocalAddr().(*net.UDPAddr).IP.String(); got != "127.0.0.9" {
		t.Errorf("sends from %s", got)
	}
	if _, err := conn.exchange(t.Context(), Request{User: "alice"}); err != nil {
		t.Error(err)
	}
}

func TestWaitingEndsWithTheContext(t *testing.T) {
	t.Parallel()
	asked := make(chan struct{}, 1)
	r := respond(t, "127.0.0.1", func(int, []byte) [][]byte { asked <- struct{}{}; return nil })
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-asked; cancel() }()
	c := r.client()
	c.Timeout = time.Hour
	if _, err := c.Do(ctx, Request{User: "alice"}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want the cancellation", err)
	}
}

func TestAPortWhereNothingListensIsToldAtOnce(t *testing.T) {
	t.Parallel()
	socket, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := socket.LocalAddr().String()
	socket.Close()
	c := &Client{Server: address, Secret: shared, Timeout: time.Hour}
	if _, err := c.Do(t.Context(), Request{User: "alice"}); !errors.Is(err, ErrNoReply) || !strings.Contains(err.Error(), "nothing listens") {
		t.Errorf("got %v", err)
	}
}

func TestStatus(t *testing.T) {
	t.Parallel()
	for code, ok := range map[Code]bool{AccessAccept: true, AccountingResponse: true, AccessReject: false} {
		r := respond(t, "127.0.0.1", func(_ int, request []byte) [][]byte {
			if request[0] != byte(StatusServer) || (Reply{Attributes: request[headerSize:]}).values(typeUserPassword) != nil {
				t.Errorf("the request is % x", request)
			}
			return one(reply(request, code))
		})
		if _, err := r.client().Status(t.Context()); (err == nil) != ok {
			t.Errorf("%v: got %v", code, err)
		}
	}
}

func FuzzOpen(f *testing.F) {
	c := &Client{Secret: shared}
	request, err := c.encode(Request{User: "alice", Password: "x"}, 7)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(reply(request, AccessAccept, avp(25, "admins")...))
	f.Add(unsigned(request, AccessChallenge, 24, 0))
	f.Add(unsigned(request, AccessReject, avp(26, "\x00\x00\x00\x09\x01\x00")...))
	f.Fuzz(func(t *testing.T, datagram []byte) {
		before := slices.Clone(datagram)
		got, err := c.open(datagram, request)
		if !bytes.Equal(before, datagram) {
			t.Error("open changed the datagram")
		}
		if err == nil {
			_, _, _ = got.Message(), got.State(), got.Echo()
		}
		// What does not come from a server is read by the same functions.
		r := Reply{Attributes: datagram}
		_, _, _ = r.Message(), r.State(), r.Echo()
	})
}
