package login_test

import (
	"testing"
	"testing/synctest"

	"github.com/portvakt/portvakt/login"
	"github.com/portvakt/portvakt/login/logintest"
)

// A permit is earned where less may be asked, or behind a telephone that is taken
// off the account meanwhile (attack: with the old password, letting the owner
// prove herself at one client and changing it at another of its group).
func TestAPermitIsGoodForWhatItsRuleAsks(t *testing.T) {
	lax, strict := rras, rras
	lax.Group, strict.Group = "gates", "gates"
	strict.Client = "strict"
	for _, c := range []struct {
		name string
		via  login.Via
		do   func(w *logintest.World, calls *logintest.Approver)
		want string
	}{
		{"where it was earned", lax, nil, "accept"},
		{"at another client of the group", strict, nil, "reject question_expired"},
		{"behind a telephone that is hers no more", lax, func(_ *logintest.World, calls *logintest.Approver) {
			calls.For = func(string) bool { return false }
		}, "reject method_not_allowed"},
		{"where the rule has changed", lax, func(w *logintest.World, _ *logintest.Approver) {
			reload(t, w, login.RuleConfig{ExpiredPassword: "change", Factors: []string{"totp"}})
		}, "reject method_not_allowed"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w, calls := changeWorld(t, yes)
				if got := begin(t, w, lax, prove("secret")); got != "reject password_expired" {
					t.Fatalf("got %s", got)
				}
				if c.do != nil {
					c.do(w, calls)
				}
				if got := begin(t, w, c.via, change("secret", "new secret")); got != c.want {
					t.Errorf("got %s, want %s", got, c.want)
				}
				if n := w.Directory.Changes.Load(); c.want != "accept" && n != 0 {
					t.Errorf("the directory was asked to change it %d times", n)
				}
				if err := w.Close(); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// Everybody behind a client that tells no device would share one permit (attack:
// with the old password, sending changes until the owner has proven herself).
func TestNoPermitWhereNoDeviceIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, calls := changeWorld(t, yes)
		blind := rras
		blind.Station = ""
		if got := begin(t, w, blind, prove("secret")); got != "reject client_cannot_ask" {
			t.Errorf("got %s", got)
		}
		if got := begin(t, w, blind, change("secret", "new secret")); got != "reject question_expired" {
			t.Errorf("the change: got %s", got)
		}
		if n := len(calls.Rung()); n != 0 || w.Directory.Changes.Load() != 0 {
			t.Errorf("rang %d times, %d changes", n, w.Directory.Changes.Load())
		}
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	})
}

// reload goes on under another rule.
func reload(t *testing.T, w *logintest.World, rules ...login.RuleConfig) {
	t.Helper()
	policy, err := login.NewPolicy(rules)
	if err != nil {
		t.Fatal(err)
	}
	c := w.Config
	c.Policy = policy
	w.Flow = w.With(c)
}

// A change without a permit costs the same, and counts the same, whether anybody
// has the name or not (attack: finding out names by changes, which need no
// password).
func TestAChangeWithoutAPermitTellsNoNames(t *testing.T) {
	for _, name := range []string{"alice", "nobody"} {
		synctest.Test(t, func(t *testing.T) {
			w, _ := changeWorld(t)
			send := func() string {
				step, err := w.Begin(t.Context(), login.Attempt{User: name, Secret: change("guess", "new secret"), Via: rras})
				if r, ok := step.(login.Reject); ok {
					return string(r.Reason)
				}
				t.Fatalf("%s: got %T %v", name, step, err)
				return ""
			}
			for range 30 {
				if got := send(); got == string(login.ReasonSourceLimited) {
					t.Fatalf("%s: limited too early", name)
				}
			}
			if got := send(); got != string(login.ReasonSourceLimited) {
				t.Errorf("%s: got %s, want it limited", name, got)
			}
			if n := w.Directory.Binds.Load(); n != 0 {
				t.Errorf("%s: the directory verified %d passwords", name, n)
			}
		})
	}
}

// The copy of a change is not shown to the directory: the new password, which is
// wrong there, would count (attack: locking accounts by changes that are copied).
func TestTheCopyOfAChangeCostsNoTry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, _ := changeWorld(t)
		via := rras
		via.Shadow = login.ShadowPassword
		err := w.Rehearse(t.Context(), login.Attempt{User: "alice", Secret: change("secret", "new secret"), Via: via})
		if err != nil || w.Directory.Binds.Load() != 0 || w.Directory.Changes.Load() != 0 {
			t.Errorf("%v, %d verified, %d changed", err, w.Directory.Binds.Load(), w.Directory.Changes.Load())
		}
		if e := w.Last(); e.Outcome != "shadow" || e.Reason != login.ReasonExpiredTicket {
			t.Errorf("told %s %s", e.Outcome, e.Reason)
		}
	})
}
