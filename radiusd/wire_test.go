package radiusd

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/md5"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/portvakt/portvakt/conf/secret"
	"github.com/portvakt/portvakt/login"
	"github.com/portvakt/portvakt/login/logintest"
)

const (
	testSecret = "a secret of 24 characters"
	testWait   = 5 * time.Second
)

// flowFunc is a Conversation in one function; the ticket is nil in Begin.
type flowFunc func(ctx context.Context, a login.Attempt, t login.Ticket) (login.Step, error)

func (f flowFunc) Begin(ctx context.Context, a login.Attempt) (login.Step, error) {
	return f(ctx, a, nil)
}

func (f flowFunc) Resume(ctx context.Context, a login.Attempt, t login.Ticket) (login.Step, error) {
	return f(ctx, a, t)
}

// Rehearse is Begin for a copy.
func (f flowFunc) Rehearse(ctx context.Context, a login.Attempt) error {
	_, err := f(ctx, a, nil)
	return err
}

// script decides by what is typed: "accept", "ask", "error", "panic", and the
// code "123456" answers a question; all else is rejected.
func script(t testing.TB) flowFunc {
	t.Helper()
	in := letIn(t)
	return func(_ context.Context, a login.Attempt, k login.Ticket) (login.Step, error) {
		typed, _ := a.Secret.Reveal()
		switch {
		case k == nil && typed == "accept", k != nil && typed == "123456":
			return in, nil
		case k == nil && typed == "ask":
			return login.Ask{Text: "Code:", Ticket: login.Ticket("ticket of " + a.User)}, nil
		case typed == "error":
			return nil, errors.New("directory is down")
		case typed == "panic":
			panic("a fault")
		}
		return login.Reject{Reason: login.ReasonBadPassword, Text: "Wrong."}, nil
	}
}

// running is a server under test with one client, 127.0.0.0/8 and ::1.
type running struct {
	*Server
	t    *testing.T
	logs *logintest.Log
	stop func() error
}

func testClient(name string, networks ...string) ClientConfig {
	c := DefaultClientConfig()
	c.Name, c.Networks, c.Secret = name, networks, secret.New(testSecret)
	return c
}

func testConfig() Config {
	cfg := DefaultConfig()
	cfg.Listen = []string{"127.0.0.1:0"}
	cfg.RejectDelay = 0
	cfg.Clients = []ClientConfig{testClient("nas", "127.0.0.0/8", "::1")}
	return cfg
}

func newRunning(t *testing.T) *running {
	t.Helper()
	return &running{t: t, logs: &logintest.Log{}}
}

func (r *running) log() *slog.Logger { return slog.New(slog.NewJSONHandler(r.logs, nil)) }

func run(t *testing.T, cfg Config, flow Conversation, opts Options) *running {
	t.Helper()
	r := newRunning(t)
	opts.Log = r.log()
	s, err := New(cfg, flow, opts)
	if err != nil {
		t.Fatal(err)
	}
	return r.serve(t, s)
}

// serve serves until the end of the test.
func (r *running) serve(t *testing.T, s *Server) *running {
	t.Helper()
	r.Server = s
	if err := s.Listen(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx) }()
	r.stop = sync.OnceValue(func() error { cancel(); return <-done })
	t.Cleanup(func() {
		if err := r.stop(); err != nil {
			t.Errorf("Serve: %v", err)
		}
	})
	return r
}

// until waits for the server's counters to be as wanted.
func (r *running) until(what string, ok func(Stats) bool) Stats {
	r.t.Helper()
	poll := time.NewTicker(time.Millisecond)
	defer poll.Stop()
	for deadline := time.Now().Add(testWait); ; <-poll.C {
		st := r.Stats()
		if ok(st) {
			return st
		}
		if time.Now().After(deadline) {
			r.t.Fatalf("waited too long for: %s; dropped %v sent %v in hand %d", what, st.Dropped, st.Sent, st.InHand)
		}
	}
}

// settledStats waits until each datagram received has had exactly one outcome.
func (r *running) settledStats() Stats {
	r.t.Helper()
	return r.until("one outcome for each datagram", func(st Stats) bool {
		return st.InHand == 0 && st.Received == sum(st.Dropped)+sum(st.Sent)
	})
}

// after waits until so many datagrams have had their outcome.
func (r *running) after(n int) Stats {
	r.t.Helper()
	return r.until(fmt.Sprint("the outcome of ", n, " datagrams"), func(st Stats) bool {
		return st.InHand == 0 && st.Received == uint64(n) && sum(st.Dropped)+sum(st.Sent) == uint64(n)
	})
}

func sum(m map[string]uint64) (n uint64) {
	for _, v := range m {
		n += v
	}
	return n
}

// device is a NAS.
type device struct {
	t      *testing.T
	server *running
	conn   net.Conn
	secret string
	id     byte
}

func (r *running) device(t *testing.T, from string) *device {
	t.Helper()
	return r.deviceTo(t, from, r.Addrs()[0])
}

func (r *running) deviceTo(t *testing.T, from string, to netip.AddrPort) *device {
	t.Helper()
	local := net.UDPAddrFromAddrPort(netip.AddrPortFrom(netip.MustParseAddr(from), 0))
	conn, err := net.DialUDP("udp", local, net.UDPAddrFromAddrPort(to))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return &device{t: t, server: r, conn: conn, secret: testSecret}
}

// attr encodes an attribute.
func attr(typ byte, value string) []byte {
	return append([]byte{typ, byte(2 + len(value))}, value...)
}

var nasID = attr(attrNASIdentifier, "test")

// bare builds an Access-Request without Message-Authenticator.
func (d *device) bare(attrs ...[]byte) []byte {
	d.id++
	p := make([]byte, headerLen)
	p[0], p[1] = 1, d.id
	rand.Read(p[4:])
	for _, a := range attrs {
		p = append(p, a...)
	}
	binary.BigEndian.PutUint16(p[2:], uint16(len(p)))
	return p
}

// signed builds an Access-Request with a good Message-Authenticator at its end.
func (d *device) signed(attrs ...[]byte) []byte {
	return d.sign(d.bare(append(attrs, attr(attrMessageAuthenticator, strings.Repeat("\x00", 16)))...))
}

// sign fills in the Message-Authenticator that a packet ends with.
func (d *device) sign(p []byte) []byte {
	at := len(p) - 16
	clear(p[at:])
	h := hmac.New(md5.New, []byte(d.secret))
	h.Write(p)
	h.Sum(p[at:at])
	return p
}

// login builds a signed request with a name and a password.
func (d *device) login(user, password string, more ...[]byte) []byte {
	p := d.signed(append([][]byte{attr(attrUserName, user), hiddenRoom(password), nasID}, more...)...)
	d.hide(p, password)
	return d.sign(p)
}

// unsignedLogin is a login without Message-Authenticator.
func (d *device) unsignedLogin(user, password string, more ...[]byte) []byte {
	p := d.bare(append([][]byte{attr(attrUserName, user), hiddenRoom(password), nasID}, more...)...)
	d.hide(p, password)
	return p
}

func hiddenRoom(password string) []byte {
	return attr(attrUserPassword, strings.Repeat("\x00", max(16, (len(password)+15)/16*16)))
}

// hide writes the password into the User-Password of a packet.
func (d *device) hide(p []byte, password string) {
	for at := headerLen; at < len(p); at += int(p[at+1]) {
		if p[at] != attrUserPassword {
			continue
		}
		room := p[at+2 : at+int(p[at+1])]
		clear(room)
		copy(room, password)
		last := p[4:headerLen]
		for ; len(room) > 0; room = room[16:] {
			pad := md5.Sum(append([]byte(d.secret), last...))
			for i := range pad {
				room[i] ^= pad[i]
			}
			last = room[:16]
		}
		return
	}
}

// ask sends a packet and returns the checked reply.
func (d *device) ask(p []byte) *answer {
	d.t.Helper()
	d.send(p)
	return d.reply(p)
}

func (d *device) send(p []byte) {
	d.t.Helper()
	if _, err := d.conn.Write(p); err != nil {
		d.t.Fatal(err)
	}
}

// reply receives one reply and checks what is true of every reply.
func (d *device) reply(request []byte) *answer {
	d.t.Helper()
	d.conn.SetReadDeadline(time.Now().Add(testWait))
	b := make([]byte, 2*maxPacket)
	n, err := d.conn.Read(b)
	if err != nil {
		st := d.server.Stats()
		d.t.Fatalf("no reply: %v; dropped %v; log %s", err, st.Dropped, d.server.logs)
	}
	return checked(d.t, b[:n], request, d.secret)
}

// silent sends a packet that must get no reply for the reason given.
func (d *device) silent(p []byte, reason tally) {
	d.t.Helper()
	before := d.server.Stats()
	d.send(p)
	d.server.until("silence, "+reason.String(), func(st Stats) bool {
		return st.Received == before.Received+1 && st.Dropped[reason.String()] == before.Dropped[reason.String()]+1
	})
	d.nothing()
}

// nothing checks that no reply is there.
func (d *device) nothing() {
	d.t.Helper()
	d.conn.SetReadDeadline(time.Now().Add(2 * time.Millisecond))
	if n, err := d.conn.Read(make([]byte, maxPacket)); !errors.Is(err, os.ErrDeadlineExceeded) {
		d.t.Fatalf("got a reply of %d octets (%v), want silence", n, err)
	}
}

// answer is a reply whose signatures are good.
type answer struct {
	code  byte
	raw   []byte
	attrs []answerAttr
}

type answerAttr struct {
	typ   byte
	value string
}

// allowed are the attributes of each reply (RFC 2865, sections 4.3 and 4.4; RFC
// 5080, section 2.6.1; RFC 2869, section 5.19).
var allowed = map[byte]map[byte]bool{
	3:  {attrReplyMessage: true, attrProxyState: true, attrMessageAuthenticator: true, attrEAPMessage: true},
	11: {attrReplyMessage: true, attrState: true, attrPrompt: true, attrProxyState: true, attrMessageAuthenticator: true},
}

// chapError is how a Vendor-Specific with MS-CHAP-Error begins, which a reject
// may have too (RFC 2548, section 2.1.5).
const chapError = "\x00\x00\x01\x37\x02"

func checked(t *testing.T, p, request []byte, secret string) *answer {
	t.Helper()
	if len(p) < headerLen+18 || len(p) > maxPacket || int(binary.BigEndian.Uint16(p[2:])) != len(p) {
		t.Fatalf("reply of %d octets with Length %d", len(p), binary.BigEndian.Uint16(p[2:]))
	}
	if p[1] != request[1] {
		t.Fatalf("identifier %d, want %d", p[1], request[1])
	}
	q := append([]byte(nil), p...)
	copy(q[4:headerLen], request[4:headerLen])
	h := md5.New()
	h.Write(q)
	h.Write([]byte(secret))
	if !bytes.Equal(h.Sum(nil), p[4:headerLen]) {
		t.Fatal("Response Authenticator is wrong")
	}
	if p[headerLen] != attrMessageAuthenticator || p[headerLen+1] != 18 {
		t.Fatalf("the first attribute is %d, want Message-Authenticator", p[headerLen])
	}
	clear(q[headerLen+2 : headerLen+18])
	m := hmac.New(md5.New, []byte(secret))
	m.Write(q)
	if !bytes.Equal(m.Sum(nil), p[headerLen+2:headerLen+18]) {
		t.Fatal("Message-Authenticator is wrong")
	}
	a := &answer{code: p[0], raw: append([]byte(nil), p...)}
	for at := headerLen; at < len(p); at += int(p[at+1]) {
		if at+2 > len(p) || p[at+1] < 2 || at+int(p[at+1]) > len(p) {
			t.Fatal("reply is malformed")
		}
		v := answerAttr{p[at], string(p[at+2 : at+int(p[at+1])])}
		if only := allowed[a.code]; only != nil && !only[v.typ] && (a.code != rejected || !strings.HasPrefix(v.value, chapError)) {
			t.Fatalf("attribute %d in a reply with code %d", v.typ, a.code)
		}
		a.attrs = append(a.attrs, v)
	}
	return a
}

// all returns the values of a type in their order.
func (a *answer) all(typ byte) []string {
	var all []string
	for _, v := range a.attrs {
		if v.typ == typ {
			all = append(all, v.value)
		}
	}
	return all
}
