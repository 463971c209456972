package logintest

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/portvakt/portvakt/login"
	"github.com/portvakt/portvakt/login/text"
)

// A World is a Flow with everything it consumes in memory.
type World struct {
	t testing.TB
	*login.Flow
	Directory   *Directory
	Records     *Records
	Enrollments *Enrollments
	TOTP, SMS   *Factor
	Recovery    *Factor

	mu     sync.Mutex
	events []login.Event
}

// Begin is the Flow's, with the answer awaited.
func (w *World) Begin(ctx context.Context, a login.Attempt) (login.Step, error) {
	s, err := w.Flow.Begin(ctx, a)
	return login.Await(ctx, s, err)
}

// Resume is the Flow's, with the answer awaited.
func (w *World) Resume(ctx context.Context, a login.Attempt, t login.Ticket) (login.Step, error) {
	s, err := w.Flow.Resume(ctx, a, t)
	return login.Await(ctx, s, err)
}

// Events are the decisions so far.
func (w *World) Events() []login.Event {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]login.Event(nil), w.events...)
}

// Last is the last decision.
func (w *World) Last() login.Event {
	events := w.Events()
	if len(events) == 0 {
		return login.Event{}
	}
	return events[len(events)-1]
}

// NewWorld makes a Flow with the rules. Alice has the password "secret", an
// app, SMS to two telephones and recovery codes; bob has the password "hunter2"
// and nothing enrolled.
func NewWorld(t testing.TB, rules ...login.RuleConfig) *World {
	t.Helper()
	policy, err := login.NewPolicy(rules)
	if err != nil {
		t.Fatal(err)
	}
	texts, err := text.New(text.DefaultConfig())
	if err != nil {
		t.Fatal(err)
	}
	alice := func(id string) bool { return id == "id-alice" }
	w := &World{
		t:         t,
		Directory: &Directory{}, Records: &Records{}, Enrollments: &Enrollments{},
		TOTP:     &Factor{FactorName: "totp", Standing: true, For: alice},
		SMS:      &Factor{FactorName: "sms", Hints: []string{"••42", "••17"}, For: alice},
		Recovery: &Factor{FactorName: "recovery", Standing: true, Quiet: true, For: func(string) bool { return false }},
	}
	w.Directory.Add(login.Account{ID: "id-alice", Name: "alice", Groups: []string{"cn=staff,ou=groups,dc=example,dc=org"}}, "secret")
	w.Directory.Add(login.Account{ID: "id-bob", Name: "bob"}, "hunter2")
	w.Flow = NewFlow(t, login.Config{
		Directory: w.Directory, Policy: policy, Factors: []login.Factor{w.TOTP, w.SMS, w.Recovery},
		Enrollments: w.Enrollments, Records: w.Records, Tickets: NewSealer("shared"), Texts: texts,
		AccountAge: 30 * time.Second, HashUnknown: true,
		Audit: func(e login.Event) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.events = append(w.events, e)
		},
	})
	return w
}

// NewFlow makes another Flow that ends with the test: another node, or this one
// after a restart.
func (w *World) NewFlow(c login.Config) *login.Flow { return NewFlow(w.t, c) }

// NewFlow makes a Flow that ends with the test.
func NewFlow(t testing.TB, c login.Config) *login.Flow {
	t.Helper()
	f := login.NewFlow(c)
	t.Cleanup(func() {
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	})
	return f
}

// Accept is a valid Accept of an account, for the tests of transports: a Flow
// whose only rule asks for no second factor has decided it.
func Accept(t testing.TB, a login.Account, rule string) login.Accept {
	t.Helper()
	return accept(t, a, login.RuleConfig{Name: rule, Users: []string{a.Name}, SecondFactor: login.SecondNone})
}

// AcceptWithNotice is an Accept that reminds the person of a rule that is not
// in force yet.
func AcceptWithNotice(t testing.TB, a login.Account, rule string) login.Accept {
	t.Helper()
	return accept(t, a, login.RuleConfig{Name: rule, From: time.Now().AddDate(1, 0, 0), Before: login.BeforeRemind})
}

func accept(t testing.TB, a login.Account, rule login.RuleConfig) login.Accept {
	t.Helper()
	w := NewWorld(t, rule)
	w.Directory.Add(a, "any")
	s, err := w.Begin(context.Background(), login.Attempt{User: a.Name, Secret: login.Cleartext("any")})
	accept, ok := s.(login.Accept)
	if !ok {
		t.Fatalf("no Accept: %v %v", s, err)
	}
	return accept
}
