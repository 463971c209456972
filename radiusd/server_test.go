package radiusd

import (
	"context"
	"crypto/rand"
	"strings"
	"testing"
	"time"

	"github.com/portvakt/portvakt/conf/secret"
	"github.com/portvakt/portvakt/login"
	"github.com/portvakt/portvakt/login/logintest"
)

// TestLongestPrefix: an address has the secret of the smallest network it is
// in (RFC 2865, section 3).
func TestLongestPrefix(t *testing.T) {
	t.Parallel()
	cfg := testConfig()
	cfg.Clients = []ClientConfig{
		testClient("loopback", "127.0.0.0/8"),
		testClient("few", "127.0.2.0/24"),
		testClient("one", "127.0.2.3"),
	}
	for i := range cfg.Clients {
		cfg.Clients[i].Secret = secret.New("the secret of " + cfg.Clients[i].Name)
	}
	client := make(chan string, 1)
	in := letIn(t)
	s := run(t, cfg, flowFunc(func(_ context.Context, a login.Attempt, _ login.Ticket) (login.Step, error) {
		client <- a.Via.Client
		return in, nil
	}), Options{})
	for from, want := range map[string]string{"127.0.0.1": "loopback", "127.0.2.2": "few", "127.0.2.3": "one", "127.0.3.3": "loopback"} {
		d := s.device(t, from)
		d.secret = "the secret of " + want
		d.ask(d.login("alice", "x"))
		if got := <-client; got != want {
			t.Errorf("%s is client %q, want %q", from, got, want)
		}
		d.secret = "the secret of nobody"
		d.silent(d.login("alice", "x"), dropBadSignature)
	}
}

// TestTwoSecrets: while a secret is being changed, the one that the request was
// made with is used for its reply, signed or not.
func TestTwoSecrets(t *testing.T) {
	t.Parallel()
	cfg := testConfig()
	cfg.Clients[0].RequireMessageAuthenticator = no
	cfg.Clients[0].OldSecret = secret.New("the old secret of 2018")
	s := run(t, cfg, script(t), Options{})
	d := s.device(t, "127.0.0.1")
	for _, sec := range []string{testSecret, "the old secret of 2018"} {
		d.secret = sec
		for _, p := range [][]byte{d.login("alice", "accept"), d.unsignedLogin("alice", "accept"), d.login("alice", "123456", attr(attrState, "s"))} {
			if got := d.ask(p); got.code != accept { // ask checks the signatures
				t.Errorf("%s: code %d", sec, got.code)
			}
		}
	}
	if n := s.settledStats().Clients["nas"].Notes["old_secret_used"]; n != 3 {
		t.Errorf("old secret noted %d times, want 3", n)
	}
	d.secret = "a secret nobody has"
	d.silent(d.login("alice", "accept"), dropBadSignature)
	p := d.unsignedLogin("alice", "accept")
	d.secret = testSecret // what cannot be told is answered under the new one
	if got := d.ask(p); got.code != rejected || s.Stats().Refused["password_garbled"] != 1 {
		t.Errorf("code %d, refused %v", got.code, s.Stats().Refused)
	}
}

// TestVia tells the Flow what it must know of the transport.
func TestVia(t *testing.T) {
	t.Parallel()
	cfg := testConfig()
	mute := testClient("mute", "127.0.0.9")
	mute.Challenge, mute.Patience, mute.Group = false, 3*time.Second, "all"
	cfg.Clients = append(cfg.Clients, mute)
	got := make(chan login.Attempt, 1)
	in := letIn(t)
	s := run(t, cfg, flowFunc(func(ctx context.Context, a login.Attempt, _ login.Ticket) (login.Step, error) {
		if left, ok := ctx.Deadline(); !ok || time.Until(left) > a.Via.Patience {
			t.Errorf("deadline %v", left)
		}
		got <- a
		return in, nil
	}), Options{})
	for station, address := range map[string]string{"198.51.100.7": "198.51.100.7", "::ffff:198.51.100.7": "198.51.100.7", "2001:db8::7": "2001:db8::7", "00-11-22-33-44-55": "invalid IP", "": "invalid IP"} {
		d := s.device(t, "127.0.0.1")
		d.ask(d.login("alice", "x", attr(attrCallingStationID, station)))
		v := (<-got).Via
		if v.Client != "nas" || v.Station != station || v.Address.String() != address || !v.CanAsk || v.Append != login.AppendOff || !within(v.Patience, defaultPatience) ||
			v.Group != "nas" || v.Source.String() != d.conn.LocalAddr().String() {
			t.Errorf("%q: %+v", station, v)
		}
	}
	d := s.device(t, "127.0.0.9")
	d.ask(d.login("alice", "x"))
	if v := (<-got).Via; v.CanAsk || v.Append != login.AppendComma || !within(v.Patience, mute.Patience) || v.Group != "all" {
		t.Errorf("mute: %+v", v)
	}
}

// within is whether a patience is what is left of one a moment after the
// request.
func within(got, patience time.Duration) bool { return got <= patience && got > patience-time.Second }

// TestPanicIsSilence: a fault in one login is not the end of the process.
func TestPanicIsSilence(t *testing.T) {
	t.Parallel()
	s := run(t, testConfig(), script(t), Options{})
	d := s.device(t, "127.0.0.1")
	p := d.login("alice", "panic")
	d.silent(p, dropPanic)
	d.silent(p, dropPanic) // forgotten: tried again
	if got := d.ask(d.login("alice", "accept")); got.code != accept {
		t.Fatalf("code %d", got.code)
	}
	if logs := s.logs.String(); !strings.Contains(logs, "script") || strings.Contains(logs, "a fault") {
		t.Errorf("the log lacks the stack, or has what the panic said: %s", logs)
	}
}

// TestDrain answers what is in hand, and newcomers not at all.
func TestDrain(t *testing.T) {
	t.Parallel()
	h := newHolder()
	in := letIn(t)
	s := run(t, testConfig(), flowFunc(func(ctx context.Context, a login.Attempt, k login.Ticket) (login.Step, error) {
		if k != nil {
			return in, nil
		}
		return h.hold(ctx, a, k)
	}), Options{})
	d := s.device(t, "127.0.0.1")
	var held [][]byte
	for range 50 {
		p := d.login("alice", "x")
		held = append(held, p)
		d.send(p)
		<-h.begun
	}
	done := make(chan error, 1)
	go func() { done <- s.stop() }()
	s.until("the drain", func(Stats) bool {
		s.admission.mu.Lock()
		defer s.admission.mu.Unlock()
		return s.admission.draining
	})
	d.silent(d.login("bob", "x"), dropDraining)
	d.silent(held[0], dropDuplicate)
	if got := d.ask(d.login("bob", "123456", attr(attrState, "s"))); got.code != accept {
		t.Fatalf("the answer to a question got code %d", got.code)
	}
	for range held {
		h.let <- letIn(t)
	}
	answered := map[byte]bool{}
	for range held {
		d.conn.SetReadDeadline(time.Now().Add(testWait))
		b := make([]byte, maxPacket)
		if _, err := d.conn.Read(b); err != nil {
			t.Fatal(err)
		}
		answered[b[1]] = true
	}
	if err := <-done; err != nil || len(answered) != 50 {
		t.Fatalf("%d of 50 answered, Serve returned %v", len(answered), err)
	}
}

// TestDrainEnds: a request that nobody answers does not hold the process.
func TestDrainEnds(t *testing.T) {
	t.Parallel()
	cfg := testConfig()
	cfg.Drain = 50 * time.Millisecond
	h := newHolder()
	s, err := New(cfg, flowFunc(h.hold), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Listen(t.Context()); err != nil {
		t.Fatal(err)
	}
	r := &running{Server: s, t: t, logs: &logintest.Log{}}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx) }()
	d := r.device(t, "127.0.0.1")
	d.send(d.login("alice", "x"))
	<-h.begun
	cancel()
	if err := <-done; err == nil || !strings.Contains(err.Error(), "1 requests") {
		t.Fatalf("Serve returned %v, want that one was left", err)
	}
}

// TestReload changes clients for new requests; a broken one changes nothing
//
func TestReload(t *testing.T) {
	t.Parallel()
	h := newHolder()
	s := run(t, testConfig(), flowFunc(h.hold), Options{})
	d := s.device(t, "127.0.0.1")
	held := d.login("alice", "x")
	d.send(held)
	<-h.begun
	broken := testConfig()
	broken.Clients[0].Secret = secret.New("")
	if err := s.Reload(broken); err == nil {
		t.Fatal("a configuration without a secret was taken")
	}
	turned := testConfig()
	turned.Clients[0].Secret = secret.New("another secret of 2019")
	if err := s.Reload(turned); err != nil {
		t.Fatal(err)
	}
	d.silent(held, dropBadSignature) // the secret is changed; old_secret would help
	h.let <- letIn(t)
	d.reply(held)
	d.secret = "another secret of 2019"
	p := d.login("alice", "x")
	d.send(p)
	<-h.begun
	h.let <- letIn(t)
	d.reply(p)
	if st := s.settledStats(); st.Clients["nas"].Sent["accept"] != 2 {
		t.Fatalf("counters did not live through the reload: %v", st.Clients)
	}
}

// TestAnswersComeBeforeNewcomers is RFC 5080, section 2.2.3.
func TestAnswersComeBeforeNewcomers(t *testing.T) {
	t.Parallel()
	cfg := testConfig()
	cfg.MaxRequests = minInHand
	cfg.Clients[0].MaxRequests = minInHand
	small := testClient("small", "127.0.0.9")
	small.MaxRequests = 4
	cfg.Clients = append(cfg.Clients, small)
	h := newHolder()
	s := run(t, cfg, flowFunc(h.hold), Options{})
	fill := func(d *device, n int, more ...[]byte) {
		for range n {
			d.send(d.login("alice", "x", more...))
			<-h.begun
		}
	}
	few, d := s.device(t, "127.0.0.9"), s.device(t, "127.0.0.1")
	state := attr(attrState, "s")
	fill(few, 3)
	few.silent(few.login("alice", "x"), dropClientBusy)
	fill(few, 1, state)
	few.silent(few.login("alice", "x", state), dropClientBusy)
	fill(d, 8)
	busy := d.login("alice", "x")
	d.silent(busy, dropBusy)
	fill(d, 4, state)
	d.silent(d.login("alice", "x", state), dropBusy)
	for range minInHand {
		h.let <- login.Reject{}
	}
	s.settledStats()
	d.send(busy) // it was not kept as a duplicate
	<-h.begun
	h.let <- letIn(t)
	s.settledStats()
}

// TestS34JunkGetsNoAnswer: junk gets no reply, is counted exactly, and writes at most a line
// a second a kind (S-33, S-34, R-20).
func TestS34JunkGetsNoAnswer(t *testing.T) {
	t.Parallel()
	cfg := testConfig()
	cfg.Clients[0].Networks = []string{"127.0.0.1", "127.0.0.2"}
	cfg.Clients[0].RequireMessageAuthenticator = yes
	s := run(t, cfg, script(t), Options{})
	d, stranger := s.device(t, "127.0.0.1"), s.device(t, "127.0.0.3")
	start := time.Now()
	random := make([]byte, 60)
	for i := range 300 {
		rand.Read(random)
		random[0] = 77
		random[2], random[3] = 0, 60
		d.send(random)
		d.send(random[:i%headerLen])
		bad := d.login("alice", "accept")
		bad[len(bad)-1] ^= 1
		d.send(bad)
		d.send(d.unsignedLogin("alice", "accept"))
		d.send(d.bare([]byte{1, 0}))
		stranger.send(stranger.login("alice", "accept"))
		s.after(6 * (i + 1))
	}
	st := s.settledStats()
	for _, kind := range []tally{dropCode, dropShort, dropBadSignature, dropUnsigned, dropMalformed, dropUnknownClient} {
		if st.Dropped[kind.String()] != 300 {
			t.Errorf("%s: %d, want 300", kind, st.Dropped[kind.String()])
		}
	}
	if sum(st.Sent) != 0 {
		t.Errorf("sent %v", st.Sent)
	}
	d.nothing()
	stranger.nothing()
	seconds := int(time.Since(start)/time.Second) + 1
	if lines := strings.Count(s.logs.String(), "\n"); lines > 6*seconds || lines < 6 {
		t.Errorf("%d lines in %d seconds, want 6 to %d", lines, seconds, 6*seconds)
	}
	if got := d.ask(d.login("alice", "accept")); got.code != accept {
		t.Errorf("code %d after the flood", got.code)
	}
}
