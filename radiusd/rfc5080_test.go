package radiusd

import (
	"bytes"
	"context"
	"net"
	"testing"
	"time"

	"github.com/portvakt/portvakt/login"
	"github.com/portvakt/portvakt/login/logintest"
)

// holder is a Conversation that holds each request until it is let go.
type holder struct {
	begun chan login.Attempt
	let   chan login.Step
}

func newHolder() *holder {
	return &holder{make(chan login.Attempt, 256), make(chan login.Step, 256)}
}

func (h *holder) hold(ctx context.Context, a login.Attempt, _ login.Ticket) (login.Step, error) {
	h.begun <- a
	select {
	case step := <-h.let:
		return step, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// letIn is what a Flow answers when alice may come in.
func letIn(t testing.TB) login.Accept {
	t.Helper()
	return logintest.Accept(t, login.Account{ID: "id-alice", Name: "alice"}, "test")
}

// TestRetransmissions is RFC 5080, section 2.2.2: the same request is one
// login, however often it comes.
func TestRetransmissions(t *testing.T) {
	t.Parallel()
	h := newHolder()
	s := run(t, testConfig(), flowFunc(h.hold), Options{})
	d := s.device(t, "127.0.0.1")
	p := d.login("alice", "secret")
	d.send(p)
	<-h.begun
	for range 50 {
		d.silent(p, dropDuplicate)
	}
	h.let <- letIn(t)
	first := d.reply(p)
	s.until("the accept", func(st Stats) bool { return st.InHand == 0 })
	for range 50 {
		if again := d.ask(append(p, 0, 0)); !bytes.Equal(again.raw, first.raw) {
			t.Fatalf("the reply sent again is %x, the first was %x", again.raw, first.raw)
		}
	}
	if len(h.begun) != 0 {
		t.Fatal("a retransmission began another login")
	}
	if st := s.settledStats(); st.Sent["accept"] != 1 || st.Sent["resent"] != 50 || st.Dropped["duplicate_in_hand"] != 50 {
		t.Fatalf("sent %v, dropped %v", st.Sent, st.Dropped)
	}
}

// TestFiveCopiesOfEach sends what a NAS sends that is impatient from the start:
// no second reply ever differs from the first.
func TestFiveCopiesOfEach(t *testing.T) {
	t.Parallel()
	s := run(t, testConfig(), script(t), Options{})
	d := s.device(t, "127.0.0.1")
	// Read as they come: several hundred do not fit a socket's buffer.
	came := make(chan []byte, 600)
	d.conn.SetReadDeadline(time.Now().Add(testWait))
	go func() {
		defer close(came)
		for b := make([]byte, maxPacket); ; {
			n, err := d.conn.Read(b)
			if err != nil {
				return
			}
			came <- bytes.Clone(b[:n])
		}
	}()
	for range 40 {
		for _, password := range []string{"accept", "ask", "wrong"} {
			p := d.login("alice", password)
			for range 5 {
				d.send(p)
			}
		}
	}
	st := s.after(600)
	replies := map[byte][]byte{}
	for range sum(st.Sent) {
		b, more := <-came
		if !more {
			t.Fatalf("a reply is missing: %d requests answered, sent %v", len(replies), st.Sent)
		}
		if first := replies[b[1]]; first != nil && !bytes.Equal(first, b) {
			t.Fatalf("two different replies to request %d", b[1])
		}
		replies[b[1]] = b
	}
	if len(replies) != 120 || st.Sent["accept"] != 40 || st.Sent["challenge"] != 40 || st.Sent["reject"] != 40 {
		t.Fatalf("%d requests answered, sent %v", len(replies), st.Sent)
	}
	d.conn.SetReadDeadline(time.Now().Add(2 * time.Millisecond))
	if b, more := <-came; more {
		t.Fatalf("got a reply to %d more, want silence", b[1])
	}
}

// TestForgeriesLeaveTheCacheAlone: who cannot sign must not be able to end a
// login that is in hand (RFC 5080, section 2.2.2).
func TestForgeriesLeaveTheCacheAlone(t *testing.T) {
	t.Parallel()
	h := newHolder()
	s := run(t, testConfig(), flowFunc(h.hold), Options{})
	d := s.device(t, "127.0.0.1")
	p := d.login("alice", "secret")
	d.send(p)
	<-h.begun
	forged := bytes.Clone(p)
	forged[4] ^= 1 // another authenticator, and so a wrong signature
	d.silent(forged, dropBadSignature)
	h.let <- letIn(t)
	first := d.reply(p)
	d.silent(forged, dropBadSignature)
	if again := d.ask(p); !bytes.Equal(again.raw, first.raw) {
		t.Fatal("a forgery has changed the reply")
	}
}

// TestSilenceIsForgotten: an outage is not a rejection, and a retransmission
// tries again.
func TestSilenceIsForgotten(t *testing.T) {
	t.Parallel()
	cfg := testConfig()
	other := testClient("rejecting", "127.0.0.9")
	other.OnError = reject
	cfg.Clients = append(cfg.Clients, other)
	down, decide := make(chan bool, 1), script(t)
	s := run(t, cfg, flowFunc(func(ctx context.Context, a login.Attempt, k login.Ticket) (login.Step, error) {
		select {
		case <-down:
			return decide(ctx, login.Attempt{Secret: login.Cleartext("error")}, k)
		default:
			return decide(ctx, a, k)
		}
	}), Options{})
	d := s.device(t, "127.0.0.1")
	p := d.login("alice", "accept")
	down <- true
	d.silent(p, dropUndecided)
	if got := d.ask(p); got.code != accept {
		t.Fatalf("code %d after the outage, want an accept", got.code)
	}
	if st := s.Stats(); st.Kept != 1 {
		t.Fatalf("%d entries kept, want 1", st.Kept)
	}
	d = s.device(t, "127.0.0.9")
	down <- true
	if got := d.ask(d.login("alice", "accept")); got.code != rejected || len(got.all(attrReplyMessage)) != 0 {
		t.Fatalf(`on_error = "reject" gave %v, want a bare reject`, got)
	}
}

// TestStepsThatNobodyMaySend end in silence: there is no half accept.
func TestStepsThatNobodyMaySend(t *testing.T) {
	t.Parallel()
	cfg := testConfig()
	mute := testClient("mute", "127.0.0.9")
	mute.Challenge = false
	cfg.Clients = append(cfg.Clients, mute)
	h := newHolder()
	reply := make(chan []byte, 1)
	s := run(t, cfg, flowFunc(h.hold), Options{Reply: func(string, login.Account) ([]byte, error) { return <-reply, nil }})
	d := s.device(t, "127.0.0.1")
	send := func(step login.Step) { h.let <- step; d.silent(d.login("alice", "x"), dropUndecided) }
	send(login.Accept{})
	send(nil)
	send(login.Ask{Text: "no ticket"})
	send(login.Ask{Ticket: make(login.Ticket, login.MaxTicket+1)})
	for _, avps := range [][]byte{{25, 9, 'x'}, {25, 1}, {25}, attr(attrMessageAuthenticator, "forged forged 16"), attr(attrState, "s"), attr(attrProxyState, "p")} {
		reply <- avps
		send(letIn(t))
	}
	var full []byte
	for range 17 {
		full = append(full, attr(25, string(make([]byte, 253)))...)
	}
	reply <- full
	h.let <- letIn(t)
	d.silent(d.login("alice", "x"), dropTooLong)
	d = s.device(t, "127.0.0.9")
	send(login.Ask{Text: "?", Ticket: login.Ticket("t")})
}

// TestChallenge is RFC 2865, section 4.4, with the ticket as an opaque State
// (section 5.24) of any length.
func TestChallenge(t *testing.T) {
	t.Parallel()
	ticket := make(login.Ticket, login.MaxTicket)
	for i := range ticket {
		ticket[i] = byte(i)
	}
	back := make(chan login.Ticket, 1)
	in := letIn(t)
	s := run(t, testConfig(), flowFunc(func(_ context.Context, a login.Attempt, k login.Ticket) (login.Step, error) {
		if k != nil {
			back <- k
			return in, nil
		}
		return login.Ask{Text: "Code:", Echo: a.User == "echo", Ticket: ticket}, nil
	}), Options{})
	d := s.device(t, "127.0.0.1")
	for user, prompt := range map[string]string{"echo": "\x00\x00\x00\x01", "alice": "\x00\x00\x00\x00"} {
		got := d.ask(d.login(user, "password"))
		if got.code != challenge || got.all(attrPrompt)[0] != prompt || got.all(attrReplyMessage)[0] != "Code:" {
			t.Fatalf("%s: %v", user, got)
		}
		d.ask(d.login(user, "123456", attr(attrState, got.all(attrState)[0])))
		if k := <-back; !bytes.Equal(k, ticket) {
			t.Fatalf("State came back as %x", k)
		}
	}
}

// TestStatusServer is RFC 5997.
func TestStatusServer(t *testing.T) {
	t.Parallel()
	sick := make(chan bool, 1)
	cfg := testConfig()
	cfg.StatusServerRate = 20
	in := letIn(t)
	s := run(t, cfg, flowFunc(func(context.Context, login.Attempt, login.Ticket) (login.Step, error) {
		t.Error("Status-Server began a login")
		return in, nil
	}), Options{Healthy: func() bool {
		select {
		case <-sick:
			return false
		default:
			return true
		}
	}})
	d := s.device(t, "127.0.0.1")
	status := func(p []byte) []byte {
		p[0] = 12
		return d.sign(p)
	}
	if got := d.ask(status(d.login("alice", "accept", attr(attrProxyState, "p")))); got.code != accept || len(got.all(attrProxyState)) != 1 || len(got.attrs) != 2 {
		t.Fatalf("answer %v, want a bare Access-Accept", got)
	}
	unsigned := d.bare(nasID)
	unsigned[0] = 12
	d.silent(unsigned, dropUnsigned)
	sick <- true
	d.silent(status(d.signed(nasID)), dropUnhealthy)
	for range 1000 {
		d.send(status(d.signed(nasID)))
	}
	st := s.after(1003)
	if n := st.Sent["status"]; n < 19 || n > 100 {
		t.Fatalf("%d status requests answered, want about 20", n)
	}
}

// TestReplyLeavesFromTheAddressAsked is RFC 5080, section 2.7.2 in practice:
// a connected socket hears nobody else.
func TestReplyLeavesFromTheAddressAsked(t *testing.T) {
	t.Parallel()
	cfg := testConfig()
	cfg.Listen = []string{"0.0.0.0:0", "[::]:0", "[::1]:0"}
	s := run(t, cfg, script(t), Options{})
	addrs := s.Addrs()
	for _, asked := range []struct{ from, to string }{
		{"127.0.0.1", "127.0.0.2"}, {"127.0.0.2", "127.0.0.1"}, {"127.0.0.3", "127.0.0.3"}, {"::1", "::1"}, {"::1", "::1"},
	} {
		i := 0
		if asked.from == "::1" {
			i = 1
		}
		to := net.UDPAddrFromAddrPort(addrs[i])
		to.IP = net.ParseIP(asked.to)
		d := s.deviceTo(t, asked.from, to.AddrPort())
		if got := d.ask(d.login("alice", "accept")); got.code != accept {
			t.Errorf("%v: code %d", asked, got.code)
		}
	}
	d := s.deviceTo(t, "::1", addrs[2])
	p := d.login("alice", "accept", attr(attrNASIPv6Address, string(net.IPv6loopback)))
	p = strip(d, p, attrNASIdentifier)
	if got := d.ask(p); got.code != accept || s.Stats().Notes["no_nas_identification"] != 0 {
		t.Errorf("NAS-IPv6-Address over ::1: %v, %v", got, s.Stats().Notes)
	}
}
