package radiusd

import (
	"net"
	"net/netip"
	"testing"
	"time"
)

// TestIdentifierUsedAgain purges the old request: its login goes on, its reply
// is not sent.
func TestIdentifierUsedAgain(t *testing.T) {
	t.Parallel()
	h := newHolder()
	s := run(t, testConfig(), flowFunc(h.hold), Options{})
	d := s.device(t, "127.0.0.1")
	p := d.login("alice", "secret")
	d.send(p)
	<-h.begun
	d.id--
	q := d.login("bob", "secret")
	d.send(q)
	if a := <-h.begun; a.User != "bob" {
		t.Fatalf("%q began, want bob", a.User)
	}
	h.let <- letIn(t)
	h.let <- letIn(t)
	d.reply(q) // it is checked against q's authenticator
	st := s.settledStats()
	if st.Dropped["superseded"] != 1 || st.Sent["accept"] != 1 {
		t.Fatalf("sent %v, dropped %v", st.Sent, st.Dropped)
	}
	d.nothing()
}

// TestAnotherRequestWithTheSameAuthenticator is not a copy of the first one: a
// device that always sends the same would else have bob let in by what alice has
// typed.
func TestAnotherRequestWithTheSameAuthenticator(t *testing.T) {
	t.Parallel()
	s := run(t, testConfig(), script(t), Options{})
	d := s.device(t, "127.0.0.1")
	p := d.login("alice", "accept")
	if got := d.ask(p); got.code != accept {
		t.Fatalf("code %d", got.code)
	}
	d.id--
	q := d.login("bob", "wrong")
	copy(q[4:headerLen], p[4:headerLen])
	d.hide(q, "wrong")
	if got := d.ask(d.sign(q)); got.code != rejected {
		t.Fatalf("code %d, want what bob has typed to be decided", got.code)
	}
}

// TestTheSameIdentifierAtTwoSockets: a proxy with one port counts for each of
// our addresses by itself.
func TestTheSameIdentifierAtTwoSockets(t *testing.T) {
	t.Parallel()
	cfg := testConfig()
	cfg.Listen = append(cfg.Listen, cfg.Listen[0])
	h := newHolder()
	s := run(t, cfg, flowFunc(h.hold), Options{})
	conn, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	d := &device{t: t, server: s, conn: conn, secret: testSecret}
	requests := map[netip.AddrPort][]byte{}
	for _, to := range s.Addrs() {
		d.id = 0
		requests[to] = d.login("alice", "secret")
		if _, err := conn.WriteToUDPAddrPort(requests[to], to); err != nil {
			t.Fatal(err)
		}
		<-h.begun
	}
	for range requests {
		h.let <- letIn(t)
	}
	conn.SetReadDeadline(time.Now().Add(testWait))
	for range requests {
		b := make([]byte, maxPacket)
		n, from, err := conn.ReadFromUDPAddrPort(b)
		if err != nil {
			t.Fatalf("%v; dropped %v", err, s.Stats().Dropped)
		}
		checked(t, b[:n], requests[from], testSecret)
	}
}
