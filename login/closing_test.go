package login_test

import (
	"errors"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/portvakt/portvakt/login"
	"github.com/portvakt/portvakt/login/logintest"
)

// A party line is a telephone whose calls all end when one of them is stopped,
// and that cannot be stopped by whom it is telling its end.
type partyLine struct {
	*logintest.Approver

	calls []func(error)
}

// Approve rings.
func (p *partyLine) Approve(_ login.Approval, done func(error)) (stop func()) {
	var once sync.Once
	end := func(err error) { once.Do(func() { done(err) }) }
	p.calls = append(p.calls, end)
	return func() {
		for _, other := range p.calls {
			other(errors.New("the line is dead"))
		}
	}
}

// TestACallThatEndsWhileTheServerDoes: its approver is not stopped by the very
// call that tells its end.
func TestACallThatEndsWhileTheServerDoes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := logintest.NewWorld(t)
		line := &partyLine{Approver: &logintest.Approver{FactorName: "call", Hints: []string{"••42"}}}
		c := w.Config
		c.Factors = append([]login.Factor{line}, c.Factors...)
		w.Flow = w.NewFlow(c)
		if _, err := w.Flow.Begin(t.Context(), alice(mute)); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		bob := login.Attempt{User: "bob", Secret: login.Cleartext("hunter2"), Via: mute}
		if _, err := w.Flow.Begin(t.Context(), bob); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if n := len(line.calls); n != 2 {
			t.Fatalf("%d calls, want 2", n)
		}
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	})
}

// TestAServerThatEndsLeavesNoClaim: the call is over with it.
func TestAServerThatEndsLeavesNoClaim(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := logintest.NewWorld(t)
		withCalls(w, late, yes)
		if _, err := w.Flow.Begin(t.Context(), alice(mute)); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		restarted := w.NewFlow(w.Config)
		s, err := restarted.Begin(t.Context(), alice(from(func(v *login.Via) { v.Station = "192.0.2.66" })))
		if got := outcome(login.Await(t.Context(), s, err)); got != "accept" {
			t.Errorf("another sign-in after the restart: %s", got)
		}
		if err := restarted.Close(); err != nil {
			t.Error(err)
		}
	})
}
