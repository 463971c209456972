package radiusd

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/portvakt/portvakt/login"
	"github.com/portvakt/portvakt/login/logintest"
)

// A rehearsal is a Conversation that only copies may reach.
type rehearsal struct {
	t    *testing.T
	mu   sync.Mutex
	seen []login.Attempt
}

func (r *rehearsal) Begin(context.Context, login.Attempt) (login.Step, error) {
	r.t.Error("a copy began a sign-in")
	return nil, errors.New("not for copies")
}

func (r *rehearsal) Resume(context.Context, login.Attempt, login.Ticket) (login.Step, error) {
	r.t.Error("a copy answered a question")
	return nil, errors.New("not for copies")
}

func (r *rehearsal) Rehearse(_ context.Context, a login.Attempt) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.seen = append(r.seen, a)
	switch typed, _ := a.Secret.Reveal(); typed {
	case "outage":
		return errors.New("directory is down")
	case "panic":
		panic("a fault")
	}
	return nil
}

func (r *rehearsal) count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.seen)
}

// shadowed is a server for copies; on_error "reject" would answer outages.
func shadowed(t *testing.T) (*rehearsal, *running) {
	t.Helper()
	cfg := testConfig()
	cfg.Clients[0].Shadow, cfg.Clients[0].OnError = "rule", reject
	flow := &rehearsal{t: t}
	return flow, run(t, cfg, flow, Options{Records: &logintest.Records{FailSwap: errors.New("copies teach nothing")}})
}

func TestCopiesAreNeverAnswered(t *testing.T) {
	flow, s := shadowed(t)
	d := s.device(t, "127.0.0.1")
	login := d.login("alice", "secret", attr(attrCallingStationID, "10.9.0.7"))
	d.silent(login, dropShadow)
	if a := flow.seen[0]; a.User != "alice" || a.Via.Shadow != "rule" || a.Via.Station != "10.9.0.7" || !a.Secret.Is("secret") {
		t.Errorf("decided %+v", a)
	}
	// The same packet again is the same sign-in.
	d.silent(login, dropShadow)
	// An answer is to a question of the other server; nothing is decided.
	d.silent(d.login("alice", "123456", attr(attrState, "of the other server")), dropShadow)
	// Whatever the other server would answer to this.
	d.silent(d.login("alice", "both", attr(attrCHAPPassword, strings.Repeat("x", 17))), dropShadow)
	if got := flow.count(); got != 1 {
		t.Errorf("%d were decided, want 1", got)
	}
	status := d.signed()
	status[0] = 12
	d.silent(d.sign(status), dropShadow)
	// What cannot be decided is forgotten, and the same packet is tried again.
	outage := d.login("alice", "outage")
	d.silent(outage, dropUndecided)
	d.silent(outage, dropUndecided)
	d.silent(d.login("alice", "panic"), dropPanic)
	// A copy must be authentic, as anybody can send one.
	forged := d.login("alice", "secret")
	forged[len(forged)-1]++
	d.silent(forged, dropBadSignature)
	if got := flow.count(); got != 4 {
		t.Errorf("%d were decided, want 4", got)
	}
	if st := s.Stats(); sum(st.Sent) != 0 || st.InHand != 0 {
		t.Errorf("sent %v, %d in hand", st.Sent, st.InHand)
	}
	if st := s.Stats().Clients["nas"]; st.RequireMessageAuthenticator != auto || st.LimitProxyState != auto {
		t.Errorf("learned of copies: %s, %s", st.RequireMessageAuthenticator, st.LimitProxyState)
	}
}

func TestARealClientBesideCopiesIsAnswered(t *testing.T) {
	cfg := testConfig()
	copies := testClient("copies", "127.0.0.9")
	copies.Shadow = "password"
	cfg.Clients = append(cfg.Clients, copies)
	s := run(t, cfg, script(t), Options{})
	s.device(t, "127.0.0.9").silent(s.device(t, "127.0.0.9").login("alice", "accept"), dropShadow)
	d := s.device(t, "127.0.0.1")
	if a := d.ask(d.login("alice", "accept")); a.code != 2 {
		t.Errorf("code %d, want an Access-Accept", a.code)
	}
}

func TestCopiesOfAccountingAreNotKept(t *testing.T) {
	cfg, kept := testConfig(), &book{}
	cfg.Clients[0].Shadow = "rule"
	s := runAccounting(t, cfg, kept)
	d := s.device(t, "127.0.0.1")
	d.silent(d.told(status(1), session("s1"), attr(attrUserName, "alice")), dropShadow)
	if got := kept.count(); got != 0 {
		t.Errorf("%d sessions are kept", got)
	}
}

func TestShadowIsOneOfThreeWordsAndIsWarnedOf(t *testing.T) {
	cfg := testConfig()
	cfg.Clients[0].Shadow = "yes"
	if err := cfg.Validate(); err == nil || !strings.Contains(err.Error(), `shadow is "yes": write one of off, rule, password`) {
		t.Errorf("got %v", err)
	}
	cfg.Clients[0].Shadow = "password"
	if err := cfg.Validate(); err != nil {
		t.Error(err)
	}
	if got := strings.Join(cfg.Warnings(), "\n"); !strings.Contains(got, `client "nas": shadow is on`) {
		t.Errorf("warned of %q", got)
	}
}
