package radiusd

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/portvakt/portvakt/login"
	"github.com/portvakt/portvakt/login/logintest"
)

// asked is a Conversation whose people are asked elsewhere: each request is
// held until the test answers it.
type asked struct {
	begun chan *question
}

type question struct {
	attempt  login.Attempt
	answered func(login.Step, error)
	left     chan struct{}
}

func newAsked() *asked { return &asked{make(chan *question, 1024)} }

func (a *asked) ask(_ context.Context, at login.Attempt, _ login.Ticket) (login.Step, error) {
	q := &question{attempt: at, left: make(chan struct{}, 2)}
	w, answered := login.NewWait(func() { q.left <- struct{}{} })
	q.answered = answered
	a.begun <- q
	return w, nil
}

// next is who was asked last.
func (a *asked) next(t *testing.T) *question {
	t.Helper()
	select {
	case q := <-a.begun:
		return q
	case <-time.After(testWait):
		t.Fatal("nobody was asked")
		return nil
	}
}

// held sends a request and waits until it is held.
func (d *device) held(a *asked, p []byte) *question {
	d.t.Helper()
	before := d.server.Stats().Held
	d.send(p)
	q := a.next(d.t)
	d.server.until("the request is held", func(st Stats) bool { return st.Held == before+1 })
	return q
}

// TestAHeldRequestIsAnsweredOnce: retransmissions are silent while somebody is
// asked, and get the same reply behind the answer.
func TestAHeldRequestIsAnsweredOnce(t *testing.T) {
	t.Parallel()
	a := newAsked()
	s := run(t, testConfig(), flowFunc(a.ask), Options{})
	d := s.device(t, "127.0.0.1")
	for what, row := range map[string]struct {
		step login.Step
		err  error
		code byte
	}{
		"approved":  {letIn(t), nil, accept},
		"refused":   {login.Reject{Text: "No."}, nil, rejected},
		"a code is": {login.Ask{Text: "Code:", Ticket: login.Ticket("t")}, nil, 11},
	} {
		p := d.login("alice", "secret", attr(attrProxyState, "one"), attr(attrProxyState, ""), attr(attrProxyState, "two"))
		q := d.held(a, p)
		d.silent(p, dropDuplicate)
		d.silent(p, dropDuplicate)
		q.answered(row.step, row.err)
		got := d.reply(p)
		if got.code != row.code || strings.Join(got.all(attrProxyState), "|") != "one||two" {
			t.Errorf("%s: code %d, Proxy-State %q", what, got.code, got.all(attrProxyState))
		}
		if again := d.ask(p); string(again.raw) != string(got.raw) {
			t.Errorf("%s: a late copy got another reply", what)
		}
		q.answered(login.Reject{}, nil)
		d.nothing()
	}
	if st := s.settledStats(); st.Held != 0 || st.Sent["accept"] != 1 {
		t.Errorf("%+v", st)
	}
}

// TestAnErrorBehindAHoldIsSilence, and a retransmission tries again.
func TestAnErrorBehindAHoldIsSilence(t *testing.T) {
	t.Parallel()
	a := newAsked()
	s := run(t, testConfig(), flowFunc(a.ask), Options{})
	d := s.device(t, "127.0.0.1")
	p := d.login("alice", "secret")
	for _, q := range []func(*question){
		func(q *question) { q.answered(nil, errors.New("the store is down")) },
		func(q *question) { q.answered(nil, nil) },
		func(q *question) { q.answered(login.Accept{}, nil) },
		func(q *question) { w, _ := login.NewWait(nil); q.answered(w, nil) },
	} {
		q(d.held(a, p))
		s.settledStats()
		d.nothing()
	}
	if st := s.settledStats(); st.Dropped["undecided"] != 4 {
		t.Errorf("dropped %v", st.Dropped)
	}
}

// TestAnAnswerThatIsThereAlready: the Wait may be answered before it is
// returned, and a reply function that panics takes nothing along.
func TestAnAnswerThatIsThereAlready(t *testing.T) {
	t.Parallel()
	in := letIn(t)
	s := run(t, testConfig(), flowFunc(func(_ context.Context, at login.Attempt, _ login.Ticket) (login.Step, error) {
		w, answered := login.NewWait(nil)
		answered(in, nil)
		if at.User == "nobody" {
			return login.Wait{}, nil
		}
		return w, nil
	}), Options{Reply: func(client string, _ login.Account) ([]byte, error) {
		if client == "nas" {
			return nil, nil
		}
		panic("a fault")
	}})
	d := s.device(t, "127.0.0.1")
	if got := d.ask(d.login("alice", "x")); got.code != accept {
		t.Errorf("code %d", got.code)
	}
	d.silent(d.login("nobody", "x"), dropUndecided)
	faulty := testConfig()
	faulty.Clients[0].Name = "faulty"
	if err := s.Reload(faulty); err != nil {
		t.Fatal(err)
	}
	d.silent(d.login("alice", "x"), dropPanic)
	s.settledStats()
}

// TestANewerRequestEndsAHeldOne at once:
// its source has given it up, and its place is free.
func TestANewerRequestEndsAHeldOne(t *testing.T) {
	t.Parallel()
	a := newAsked()
	s := run(t, testConfig(), flowFunc(a.ask), Options{})
	d := s.device(t, "127.0.0.1")
	first := d.held(a, d.login("alice", "secret"))
	d.id--
	p := d.login("alice", "secret")
	d.send(p)
	<-first.left
	second := a.next(t)
	s.until("one is held", func(st Stats) bool { return st.Held == 1 && st.Dropped["superseded"] == 1 })
	first.answered(letIn(t), nil)
	d.nothing()
	second.answered(letIn(t), nil)
	if got := d.reply(p); got.code != accept {
		t.Errorf("code %d", got.code)
	}
	s.settledStats()
}

// TestHeldRequestsKeepNobodyOut: they have bounds of their own.
func TestHeldRequestsKeepNobodyOut(t *testing.T) {
	t.Parallel()
	cfg := testConfig()
	cfg.MaxRequests, cfg.MaxHeld = minInHand, 40
	few := testClient("few", "127.0.0.9")
	few.MaxHeld = 2
	cfg.Clients = append(cfg.Clients, few)
	a := newAsked()
	in := letIn(t)
	s := run(t, cfg, flowFunc(func(ctx context.Context, at login.Attempt, k login.Ticket) (login.Step, error) {
		if at.User == "bob" {
			return in, nil
		}
		return a.ask(ctx, at, k)
	}), Options{})
	d, f := s.device(t, "127.0.0.1"), s.device(t, "127.0.0.9")
	var all []*question
	for range 30 { // three quarters of 40, and more than max_requests
		all = append(all, d.held(a, d.login("alice", "x")))
	}
	d.silent(d.login("alice", "x"), dropClientHeldFull)
	<-a.next(t).left
	if got := d.ask(d.login("bob", "x")); got.code != accept {
		t.Errorf("bob got code %d", got.code)
	}
	all = append(all, f.held(a, f.login("alice", "x")), f.held(a, f.login("alice", "x")))
	f.silent(f.login("alice", "x"), dropClientHeldFull)
	<-a.next(t).left
	for _, q := range all {
		q.answered(login.Reject{}, nil)
	}
	s.settledStats()
}

// TestDrainWaitsForTheHeld and answers them.
func TestDrainWaitsForTheHeld(t *testing.T) {
	t.Parallel()
	a := newAsked()
	s := run(t, testConfig(), flowFunc(a.ask), Options{})
	d := s.device(t, "127.0.0.1")
	p := d.login("alice", "secret")
	q := d.held(a, p)
	done := make(chan error, 1)
	go func() { done <- s.stop() }()
	s.until("the drain", func(Stats) bool {
		s.admission.mu.Lock()
		defer s.admission.mu.Unlock()
		return s.admission.draining
	})
	select {
	case err := <-done:
		t.Fatalf("Serve returned %v with a request held", err)
	default:
	}
	q.answered(letIn(t), nil)
	if got := d.reply(p); got.code != accept {
		t.Errorf("code %d", got.code)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// TestDrainLeavesTheHeld when its limit is over, and nothing is left of them.
func TestDrainLeavesTheHeld(t *testing.T) {
	t.Parallel()
	cfg := testConfig()
	cfg.Drain = 50 * time.Millisecond
	a := newAsked()
	s, err := New(cfg, flowFunc(a.ask), Options{})
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
	q := d.held(a, d.login("alice", "x"))
	cancel()
	if err := <-done; err == nil || !strings.Contains(err.Error(), "1 requests") {
		t.Fatalf("Serve returned %v, want that one was left", err)
	}
	<-q.left
	q.answered(letIn(t), nil)
	if st := s.Stats(); st.InHand != 0 || st.Held != 0 || st.Kept != 0 || st.Dropped["draining"] != 1 || s.people.count() != 0 {
		t.Errorf("left behind: %+v, %d people", st, s.people.count())
	}
}

// TestAHoldThatNobodyAnswersEnds, so that a fault in the Conversation keeps no
// place for ever.
func TestAHoldThatNobodyAnswersEnds(t *testing.T) {
	t.Parallel()
	a := newAsked()
	s := run(t, testConfig(), flowFunc(a.ask), Options{})
	d := s.device(t, "127.0.0.1")
	q := d.held(a, d.login("alice", "x"))
	s.dismissOverdue(s.now() + defaultPatience)
	if st := s.Stats(); st.Held != 1 {
		t.Fatalf("ended before its time: %+v", st)
	}
	s.dismissOverdue(s.now() + defaultPatience + heldGrace)
	<-q.left
	if st := s.settledStats(); st.Dropped["undecided"] != 1 || !strings.Contains(s.logs.String(), "no answer came in time") {
		t.Errorf("%+v", st)
	}
}

// TestAnswerAndNewerRequestAtOnce: whatever comes first, each request has one
// outcome.
func TestAnswerAndNewerRequestAtOnce(t *testing.T) {
	t.Parallel()
	a := newAsked()
	s := run(t, testConfig(), flowFunc(a.ask), Options{})
	d := s.device(t, "127.0.0.1")
	in := letIn(t)
	for range 100 {
		q := d.held(a, d.login("alice", "x"))
		d.id--
		p := d.login("alice", "x")
		var wg sync.WaitGroup
		wg.Go(func() { q.answered(in, nil) })
		wg.Go(func() { d.send(p) })
		wg.Wait()
		a.next(t).answered(in, nil)
		s.until("both have ended", func(st Stats) bool {
			return st.InHand == 0 && st.Received == sum(st.Dropped)+sum(st.Sent)
		})
		s.until("nobody waits", func(Stats) bool { return s.people.count() == 0 })
	}
}
