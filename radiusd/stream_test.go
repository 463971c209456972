package radiusd

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/portvakt/portvakt/login"
)

// TestWhatNoPacketIsClosesTheConnection: from there on nobody knows where the
// next packet begins, or who has written it (RFC 6613, section 2.6.4).
func TestWhatNoPacketIsClosesTheConnection(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t)
	s := run(t, ca.config(), script(t), Options{})
	how := ca.trusting(t, ca.device(t, "nas.example.org"))
	length := func(p []byte, n uint16) []byte { binary.BigEndian.PutUint16(p[2:], n); return p }
	for what, row := range map[string]struct {
		packet func(d *device) []byte
		want   tally
	}{
		"a Length of 19":      {func(d *device) []byte { return length(d.login("alice", "accept"), 19) }, dropLength},
		"a Length of 4097":    {func(d *device) []byte { return length(d.login("alice", "accept"), 4097) }, dropLength},
		"text":                {func(*device) []byte { return []byte("GET / HTTP/1.1\r\n\r\n") }, dropLength},
		"an attribute of 0":   {func(d *device) []byte { return d.bare([]byte{1, 0}) }, dropMalformed},
		"an attribute of 1":   {func(d *device) []byte { return d.bare([]byte{1, 1}) }, dropMalformed},
		"a cut attribute":     {func(d *device) []byte { return d.bare([]byte{1, 9, 65}) }, dropMalformed},
		"a forged signature":  {func(d *device) []byte { p := d.login("alice", "accept"); p[len(p)-1] ^= 1; return p }, dropBadSignature},
		"two signatures":      {func(d *device) []byte { return d.signed(attr(attrMessageAuthenticator, string(make([]byte, 16)))) }, dropBadSignature},
		"forged accounting":   {func(d *device) []byte { p := d.told(status(1), session("s")); p[5] ^= 1; return p }, dropAuthenticator},
		"a forged Disconnect": {func(d *device) []byte { p := d.told(); p[0] = 40; return p }, dropAuthenticator},
	} {
		before := s.settledStats()
		d := s.overTLS(t, "127.0.0.1", how)
		d.send(row.packet(d))
		d.closed()
		s.alone()
		if st := s.settledStats(); st.Dropped[row.want.String()] != before.Dropped[row.want.String()]+1 {
			t.Errorf("%s: dropped %v, want one more %v", what, st.Dropped, row.want)
		}
	}
}

// TestWhatAPacketMayBeLeavesTheConnection: a request that is dropped for another
// reason than its form costs the others of a proxy nothing.
func TestWhatAPacketMayBeLeavesTheConnection(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t)
	s := run(t, ca.config(), script(t), Options{})
	d := s.overTLS(t, "127.0.0.1", ca.trusting(t, ca.device(t, "nas.example.org")))
	unknown := d.login("alice", "accept")
	unknown[0] = 99
	d.silent(unknown, dropCode)
	d.silent(d.login("alice", "error"), dropUndecided)
	d.silent(d.login("alice", "panic"), dropPanic)
	many := d.signed(bytes.Repeat(attr(attrReplyMessage, ""), maxAttributes))
	d.silent(many, dropAttributes)
	// Two packets in one record, and one in many.
	one, two := d.login("alice", "accept"), d.login("alice", "accept")
	d.send(append(bytes.Clone(one), two...))
	s.until("two packets at once", func(st Stats) bool { return st.Sent["accept"] == 2 })
	for _, octet := range d.login("bob", "accept") {
		d.send([]byte{octet})
	}
	s.until("the packet in pieces", func(st Stats) bool { return st.Sent["accept"] == 3 })
}

// TestOtherKindsOfRequestsAreDeclined in words that their senders know (RFC 6614,
// section 2.5).
func TestOtherKindsOfRequestsAreDeclined(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t)
	s := run(t, ca.config(), script(t), Options{})
	d := s.overTLS(t, "127.0.0.1", ca.trusting(t, ca.device(t, "nas.example.org")))
	for code, want := range map[byte]byte{4: 5, 40: 42, 43: 45} {
		p := d.bare(nasID, attr(attrProxyState, "way"))
		p[0] = code
		d.send(d.stamp(p))
		got := d.answered(p, want)
		if attrs := append(attr(101, "\x00\x00\x01\x96"), attr(attrProxyState, "way")...); !bytes.Equal(got[headerLen:], attrs) {
			t.Errorf("code %d got %x, want Error-Cause 406 and Proxy-State", code, got)
		}
	}
	if st := s.settledStats(); st.Sent["declined"] != 3 {
		t.Errorf("sent %v", st.Sent)
	}
}

// TestAccountingOverTLS goes to the recorder of the accounting port.
func TestAccountingOverTLS(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t)
	cfg := ca.config()
	cfg.Accounting = []string{"127.0.0.1:0"}
	cfg.Clients = append(cfg.Clients, overTLS("copies", "shadow.example.org"))
	cfg.Clients[1].Shadow = "rule"
	var b book
	acct, err := NewAccounting(cfg, &b, Options{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- acct.Serve(ctx) }()
	s := newRunning(t)
	if s.Server, err = New(cfg, script(t), Options{Log: s.log()}); err != nil {
		t.Fatal(err)
	}
	s.TakeAccounting(acct)
	s.serve(t, s.Server)
	d := s.overTLS(t, "127.0.0.1", ca.trusting(t, ca.device(t, "nas.example.org")))
	for _, p := range [][]byte{d.told(status(1), session("one")), d.told(status(2), session("one"))} {
		d.send(p)
		if got := d.acknowledged(p); got[0] != 5 || len(got) != headerLen {
			t.Errorf("got %x, want an Accounting-Response", got)
		}
	}
	if got := d.ask(d.login("alice", "accept")); got.code != accept {
		t.Errorf("code %d", got.code)
	}
	copies := s.overTLS(t, "127.0.0.1", ca.trusting(t, ca.device(t, "shadow.example.org")))
	copies.send(copies.told(status(1), session("two")))
	(&running{Server: acct, t: t}).until("a copy", func(st Stats) bool { return st.Dropped["shadow"] == 1 })
	if b.count() != 2 || b.all[0].Client != "nas" || acct.Stats().Sent["accounting"] != 2 {
		t.Errorf("recorded %+v", b.all)
	}
	cancel()
	if err := errors.Join(s.stop(), <-ended); err != nil {
		t.Error(err)
	}
}

// TestOneConnectionIsOneSource: the same request twice on a connection is one
// (RFC 6613, section 2.6.1), and on the next connection another.
func TestOneConnectionIsOneSource(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t)
	a := newAsked()
	s := run(t, ca.config(), flowFunc(a.ask), Options{})
	how := ca.trusting(t, ca.device(t, "nas.example.org"))
	first := s.overTLS(t, "127.0.0.1", how)
	p := first.login("alice", "x")
	q := first.held(a, p)
	first.silent(p, dropDuplicate)
	second := s.overTLS(t, "127.0.0.1", how)
	other := second.held(a, p)
	q.answered(letIn(t), nil)
	if again := first.ask(p); again.code != accept || first.reply(p).code != accept {
		t.Error("the reply is not given again")
	}
	other.answered(login.Reject{}, nil)
	if got := second.reply(p); got.code != rejected {
		t.Errorf("the other connection got code %d", got.code)
	}
	first.conn.Close()
	second.conn.Close()
	s.alone()
	if st := s.settledStats(); st.Kept != 0 || st.Sent["resent"] != 1 {
		t.Errorf("%d replies kept for connections that have closed, sent %v", st.Kept, st.Sent)
	}
}

// TestAClosedConnectionWaitsForNobody: what was held for it is left, and what
// was being decided has nowhere to go.
func TestAClosedConnectionWaitsForNobody(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t)
	a, h := newAsked(), newHolder()
	s := run(t, ca.config(), flowFunc(func(ctx context.Context, at login.Attempt, k login.Ticket) (login.Step, error) {
		if at.User == "held" {
			return a.ask(ctx, at, k)
		}
		return h.hold(ctx, at, k)
	}), Options{})
	how := ca.trusting(t, ca.device(t, "nas.example.org"))
	d := s.overTLS(t, "127.0.0.1", how)
	q := d.held(a, d.login("held", "x"))
	d.send(d.login("deciding", "x"))
	<-h.begun
	d.conn.Close()
	<-q.left
	s.alone()
	h.let <- letIn(t)
	if st := s.settledStats(); st.Dropped["superseded"] != 2 || st.Held != 0 || st.Kept != 0 {
		t.Errorf("dropped %v, held %d, kept %d", st.Dropped, st.Held, st.Kept)
	}
	q.answered(letIn(t), nil)
	again := s.overTLS(t, "127.0.0.1", how)
	again.send(again.login("deciding", "x"))
	<-h.begun
	h.let <- letIn(t)
	s.until("a connection afterwards", func(st Stats) bool { return st.Sent["accept"] == 1 })
}

// TestConnectionsAreBounded: strangers who open connections and say nothing take
// no place of a client, and one address not those of all.
func TestConnectionsAreBounded(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t)
	cfg := ca.config()
	cfg.RadSec.MaxConnections = 8
	s := run(t, cfg, script(t), Options{})
	how := ca.trusting(t, ca.device(t, "nas.example.org"))
	for range 10 {
		s.dial(t, "127.0.0.9")
	}
	s.until("refused connections", func(st Stats) bool { return st.Notes["too_many_connections"] == 8 })
	var served []*device
	for _, from := range []string{"127.0.0.1", "127.0.0.1", "127.0.0.2", "127.0.0.2", "127.0.0.3", "127.0.0.3", "127.0.0.4", "127.0.0.4"} {
		served = append(served, s.overTLS(t, from, how))
	}
	s.until("eight connections", func(st Stats) bool { return st.Connections == 8 })
	for _, from := range []string{"127.0.0.1", "127.0.0.5"} {
		if err := tls.Client(s.dial(t, from), how).Handshake(); err == nil {
			t.Errorf("%s got a ninth connection", from)
		}
	}
	for _, d := range served {
		if got := d.ask(d.login("alice", "accept")); got.code != accept {
			t.Errorf("code %d", got.code)
		}
	}
}

// TestADrainAnswersOverTLS what is in hand, and closes with a farewell.
func TestADrainAnswersOverTLS(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t)
	h := newHolder()
	s := run(t, ca.config(), flowFunc(h.hold), Options{})
	how := ca.trusting(t, ca.device(t, "nas.example.org"))
	d, idle, shaking := s.overTLS(t, "127.0.0.1", how), s.overTLS(t, "127.0.0.1", how), s.dial(t, "127.0.0.1")
	p := d.login("alice", "x")
	d.send(p)
	<-h.begun
	done := make(chan error, 1)
	go func() { done <- s.stop() }()
	s.until("the drain", func(Stats) bool {
		s.admission.mu.Lock()
		defer s.admission.mu.Unlock()
		return s.admission.draining
	})
	d.silent(d.login("bob", "x"), dropDraining)
	h.let <- letIn(t)
	if got := d.reply(p); got.code != accept {
		t.Errorf("code %d", got.code)
	}
	for _, conn := range []net.Conn{d.conn, idle.conn} {
		conn.SetReadDeadline(time.Now().Add(testWait))
		if _, err := conn.Read(make([]byte, maxPacket)); !errors.Is(err, io.EOF) {
			t.Errorf("got %v, want a farewell", err)
		}
	}
	if _, err := shaking.Read(make([]byte, 1)); err == nil {
		t.Error("a handshake outlives the server")
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// over serves one end of a pipe as a connection, in virtual time, and returns
// the other after its handshake.
func over(t *testing.T, s *Server, how *tls.Config) (conn *tls.Conn, ended <-chan struct{}) {
	t.Helper()
	ours, theirs := net.Pipe()
	from := netip.MustParseAddrPort("127.0.0.1:40000")
	p := s.streams.enter(from.Addr(), s.live.Load().cfg.RadSec.MaxConnections)
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer p.leave()
		s.converse(t.Context(), theirs, from, p)
	}()
	conn = tls.Client(ours, how)
	if how != nil {
		if err := conn.Handshake(); err != nil {
			t.Fatal(err)
		}
	}
	return conn, done
}

// TestTimesOfAConnection: who dawdles is closed, at each of the points where one
// can.
func TestTimesOfAConnection(t *testing.T) {
	t.Parallel()
	d := &device{t: t, secret: radsecSecret}
	whole := d.login("alice", "accept")
	for what, row := range map[string]struct {
		mute bool // in the handshake already
		do   func(conn *tls.Conn, ended <-chan struct{})
		want time.Duration
		note tally
	}{
		"no handshake":  {true, func(*tls.Conn, <-chan struct{}) {}, handshakeWithin, noteHandshake},
		"half a header": {false, func(c *tls.Conn, _ <-chan struct{}) { c.Write(whole[:3]) }, frameWithin, noteStalled},
		"half a packet": {false, func(c *tls.Conn, _ <-chan struct{}) { c.Write(whole[:40]) }, frameWithin, noteStalled},
		"an octet a second": {false, func(c *tls.Conn, ended <-chan struct{}) {
			go func() {
				for _, octet := range whole {
					if _, err := c.Write([]byte{octet}); err != nil {
						return
					}
					select {
					case <-time.After(time.Second):
					case <-ended:
						return
					}
				}
			}()
		}, frameWithin, noteStalled},
		"nothing to say": {false, func(c *tls.Conn, _ <-chan struct{}) {
			go c.Read(make([]byte, 1)) // takes the farewell
		}, idleWithin, dropNone},
		"no reply taken": {false, func(c *tls.Conn, _ <-chan struct{}) { c.Write(whole) }, writeWithin, noteStalled},
	} {
		synctest.Test(t, func(t *testing.T) {
			ca := newAuthority(t) // of the bubble's time
			s, err := New(ca.config(), script(t), Options{})
			if err != nil {
				t.Fatal(err)
			}
			s.streams.stop = make(chan struct{})
			began := time.Now()
			how := ca.trusting(t, ca.device(t, "nas.example.org"))
			if row.mute {
				how = nil
			}
			conn, ended := over(t, s, how)
			row.do(conn, ended)
			<-ended
			if took := time.Since(began); took != row.want {
				t.Errorf("%s: closed after %v, want %v", what, took, row.want)
			}
			if n := s.counters[row.note].Load(); row.note != dropNone && n != 1 {
				t.Errorf("%s: noted %d times, want once", what, n)
			}
			conn.NetConn().Close()
			s.crew.Close()
			s.crew.Wait()
			synctest.Wait()
			if len(s.streams.from) != 0 {
				t.Errorf("%s: a place is left taken", what)
			}
		})
	}
}

// TestAPeerThatTakesNoReplies: further ones are dropped when the queue is full,
// and whoever sends them waits for nothing.
func TestAPeerThatTakesNoReplies(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ca := newAuthority(t) // of the bubble's time
		how := ca.trusting(t, ca.device(t, "nas.example.org"))
		s, err := New(ca.config(), script(t), Options{})
		if err != nil {
			t.Fatal(err)
		}
		s.streams.stop = make(chan struct{})
		began := time.Now()
		conn, ended := over(t, s, how)
		d := &device{t: t, secret: radsecSecret}
		for range 2 * streamQueue {
			if _, err := conn.Write(d.login("alice", "accept")); err != nil {
				t.Fatal(err)
			}
		}
		synctest.Wait()
		if n := s.Stats().Dropped["send_queue_full"]; n == 0 || time.Since(began) != 0 {
			t.Errorf("%d replies dropped after %v, want some at once", n, time.Since(began))
		}
		<-ended
		conn.NetConn().Close()
		s.crew.Close()
		s.crew.Wait()
	})
}
