package login_test

import (
	"bytes"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/portvakt/portvakt/login"
	"github.com/portvakt/portvakt/login/logintest"
)

// keeper is a proof whose transport wants something back.
type keeper struct {
	logintest.Proof
	kept string
}

func (k keeper) Kept() []byte { return []byte(k.kept) }

// What the first request's transport wants back comes with the accept: at
// once, behind a question that another node answers, behind a second one, and
// behind a call.
func TestWhatIsKeptComesBackWithTheAccept(t *testing.T) {
	t.Parallel()
	via := login.Via{Client: "vpn", CanAsk: true, Patience: 20 * time.Second}
	first := login.Attempt{User: "alice", Secret: keeper{"secret", "keys of round 1"}, Via: via}
	answer := func(typed string) login.Attempt {
		return login.Attempt{User: "alice", Secret: keeper{logintest.Proof(typed), "keys of a code"}, Via: via}
	}
	for _, row := range []struct {
		name    string
		rule    login.RuleConfig
		answers []string
	}{
		{"no second factor", login.RuleConfig{SecondFactor: login.SecondNone, Users: []string{"alice", "bob"}}, nil},
		{"a code", login.RuleConfig{}, []string{"111111"}},
		{"a wrong code, another method, and its code", login.RuleConfig{}, []string{"999999", "2", "500001"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			w := logintest.NewWorld(t, row.rule)
			step, err := w.Begin(t.Context(), first)
			for _, typed := range row.answers {
				q, asked := step.(login.Ask)
				if err != nil || !asked {
					t.Fatalf("got %T %v, want a question", step, err)
				}
				w.Flow = w.NewFlow(w.Config)
				step, err = w.Resume(t.Context(), answer(typed), q.Ticket)
			}
			if a, ok := step.(login.Accept); err != nil || !ok || string(a.Kept()) != "keys of round 1" {
				t.Errorf("got %#v %v", step, err)
			}
		})
	}
	t.Run("a call", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			w := logintest.NewWorld(t)
			w.Factors = append([]login.Factor{&logintest.Approver{
				FactorName: "call", Hints: []string{"••42"}, Answers: []logintest.Answer{{After: 5 * time.Second}},
			}}, w.Factors...)
			w.Flow = w.NewFlow(w.Config)
			mute := first
			mute.Via.CanAsk = false
			step, err := w.Begin(t.Context(), mute)
			if a, ok := step.(login.Accept); err != nil || !ok || string(a.Kept()) != "keys of round 1" {
				t.Errorf("got %#v %v", step, err)
			}
		})
	})
}

func TestNothingIsKeptOfOtherSecrets(t *testing.T) {
	t.Parallel()
	w := logintest.NewWorld(t, login.RuleConfig{SecondFactor: login.SecondNone, Users: []string{"alice", "bob"}})
	step, err := w.Begin(t.Context(), login.Attempt{User: "alice", Secret: login.Cleartext("secret")})
	if a, ok := step.(login.Accept); err != nil || !ok || a.Kept() != nil {
		t.Errorf("got %#v %v", step, err)
	}
}

// Too much to keep is an error: an accept without its keys would let nobody in.
func TestTooMuchToKeepIsAnError(t *testing.T) {
	t.Parallel()
	w := logintest.NewWorld(t)
	w.Directory.Add(login.Account{ID: strings.Repeat("i", 69), Name: "longid"}, "secret")
	for name, a := range map[string]login.Attempt{
		"38 octets":      {User: "alice", Secret: keeper{"secret", strings.Repeat("k", 38)}},
		"an id too long": {User: "longid", Secret: keeper{"secret", "k"}},
	} {
		if step, err := w.Begin(t.Context(), a); err == nil {
			t.Errorf("%s: got %#v, want an error", name, step)
		}
	}
}

// An empty password is refused whatever carries it: an entry may have the hash
// of one.
func TestTheProofOfAnEmptyPasswordIsRefused(t *testing.T) {
	t.Parallel()
	w := logintest.NewWorld(t)
	step, err := w.Begin(t.Context(), login.Attempt{User: "alice", Secret: logintest.Proof("")})
	if r, ok := step.(login.Reject); err != nil || !ok || r.Reason != login.ReasonEmptyPassword || w.Directory.Binds.Load() != 0 {
		t.Errorf("got %#v %v", step, err)
	}
}

// Nobody reads keys out of a ticket: it is sealed.
func TestATicketDoesNotShowWhatIsKept(t *testing.T) {
	t.Parallel()
	w := logintest.NewWorld(t)
	step, err := w.Begin(t.Context(), login.Attempt{
		User: "alice", Secret: keeper{"secret", "keys of round 1"}, Via: login.Via{Client: "vpn", CanAsk: true},
	})
	if q, ok := step.(login.Ask); err != nil || !ok || bytes.Contains(q.Ticket, []byte("keys of round 1")) {
		t.Errorf("got %#v %v", step, err)
	}
}
