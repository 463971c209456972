package login_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/portvakt/portvakt/login"
	"github.com/portvakt/portvakt/login/logintest"
)

// TestAnApprovalIsGoodForItsRuleOnly has a sign-in at one client of a group be
// approved, and used at another whose rule asks for more.
func TestAnApprovalIsGoodForItsRuleOnly(t *testing.T) {
	lax := from(func(v *login.Via) { v.Client, v.Group = "lax", "cluster" })
	strict := from(func(v *login.Via) { v.Client, v.Group, v.CanAsk = "strict", "cluster", true })
	for _, c := range []struct {
		name string
		rule login.RuleConfig
		wait time.Duration // until the second request, of an approval after 70 s
		want string
	}{
		{"no calls, and it is approved already", login.RuleConfig{Factors: []string{"sms"}}, 80 * time.Second, "ask Enter the code sent to ••42, or type 1 to send it again, 2 for SMS to ••17:"},
		{"no calls, while it rings", login.RuleConfig{Factors: []string{"sms"}}, 65 * time.Second, "reject method_not_allowed"},
		{"calls that ask for a PIN, while it rings", login.RuleConfig{Call: login.CallPIN}, 65 * time.Second, "reject method_not_allowed"},
		{"as much", login.RuleConfig{}, 65 * time.Second, "accept"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c.rule.Name, c.rule.Clients = "strict", []string{"strict"}
				w := logintest.NewWorld(t, c.rule, login.RuleConfig{Name: "rest"})
				withCalls(w, logintest.Answer{After: 70 * time.Second}, hangUp)
				began := time.Now()
				if got := outcome(w.Begin(t.Context(), alice(lax))); got != "reject not_answered_in_time" {
					t.Fatal(got)
				}
				time.Sleep(c.wait - time.Since(began))
				if got := outcome(w.Begin(t.Context(), alice(strict))); got != c.want {
					t.Errorf("got %s, want %s", got, c.want)
				}
				if err := w.Close(); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// TestAnApprovalEndsWithTheTelephone has the person's number be taken off her
// account between the question and her "Enter".
func TestAnApprovalEndsWithTheTelephone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := logintest.NewWorld(t)
		calls := withCalls(w, late)
		hers := true
		calls.For = func(id string) bool { return id == "id-alice" && hers }
		p := &player{t: t, w: w, user: "alice", via: login.Via{Client: "vpn", CanAsk: true, Station: "10.0.0.7", Patience: 25 * time.Second}}
		p.play("secret => " + stillCall + " > wait 30s")
		hers = false
		p.play(" => reject method_not_allowed")
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	})
}

// TestACodeOnAnotherNodeLeavesNoApprovalOver has the person type a code at a
// node that does not ring her.
func TestACodeOnAnotherNodeLeavesNoApprovalOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := logintest.NewWorld(t)
		calls := withCalls(w, late)
		second := w.NewFlow(w.Config)
		via := login.Via{Client: "vpn", CanAsk: true, Station: "10.0.0.7", Patience: 25 * time.Second}
		s, err := w.Begin(t.Context(), alice(via))
		q, asked := s.(login.Ask)
		if !asked {
			t.Fatal(outcome(s, err))
		}
		s, err = second.Resume(t.Context(), login.Attempt{User: "alice", Secret: login.Cleartext("111111"), Via: via}, q.Ticket)
		if got := outcome(login.Await(t.Context(), s, err)); got != "accept" {
			t.Fatal(got)
		}
		time.Sleep(20 * time.Second) // she presses # meanwhile
		if got := outcome(w.Begin(t.Context(), alice(via))); got == "accept" {
			t.Error("the approval was left over")
		}
		if n := len(calls.Rung()); n != 2 {
			t.Errorf("rang %d times, want 2", n)
		}
		for _, f := range []*login.Flow{w.Flow, second} {
			if err := f.Close(); err != nil {
				t.Error(err)
			}
		}
	})
}

// TestAChoiceWhileOthersWait ends a call that other requests wait for, while
// the call ends by itself.
func TestAChoiceWhileOthersWait(t *testing.T) {
	for range 20 {
		synctest.Test(t, func(t *testing.T) {
			w := logintest.NewWorld(t)
			withCalls(w, late)
			via := login.Via{Client: "vpn", CanAsk: true, Station: "10.0.0.7", Patience: 25 * time.Second}
			p := &player{t: t, w: w, user: "alice", via: via}
			var wg sync.WaitGroup
			for range 8 {
				wg.Go(func() {
					time.Sleep(20 * time.Second)
					if got := outcome(w.Begin(t.Context(), alice(via))); got != "reject not_answered" {
						t.Error(got)
					}
				})
			}
			p.play("secret => " + stillCall + " > 111111 => accept")
			wg.Wait()
			if err := w.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestARestartHoldsNobodyUp: a server that ends in order has her telephone fall
// silent, and the next one does not wait for a call that is over.
func TestARestartHoldsNobodyUp(t *testing.T) {
	for what, via := range map[string]login.Via{"the same": mute, "elsewhere": from(func(v *login.Via) { v.Station = "10.0.0.9" })} {
		t.Run(what, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := logintest.NewWorld(t)
				calls := withCalls(w, late, yes)
				waits, err := w.Flow.Begin(t.Context(), alice(mute))
				if err != nil {
					t.Fatal(err)
				}
				synctest.Wait()
				if err := w.Close(); err != nil {
					t.Fatal(err)
				}
				if got := outcome(login.Await(t.Context(), waits, nil)); !strings.HasPrefix(got, "error") {
					t.Errorf("who waited got %s", got)
				}
				w.Flow = w.NewFlow(w.Config)
				if got := outcome(w.Begin(t.Context(), alice(via))); got != "accept" {
					t.Errorf("after the restart: %s", got)
				}
				if calls.Stopped() != 1 || len(calls.Rung()) != 2 {
					t.Errorf("rang %d times, %d stopped", len(calls.Rung()), calls.Stopped())
				}
				if err := w.Close(); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// overtaken are records in which another sign-in takes the place of a claim just
// before its approval is made use of.
type overtaken struct {
	*logintest.Records

	done bool
}

func (r *overtaken) Swap(ctx context.Context, key string, rev uint64, data []byte) error {
	if key == login.ClaimKey("id-alice") && !r.done {
		r.done = true
		v, err := r.Get(ctx, key)
		if err != nil {
			return err
		}
		const id = 3 // where a claim has it, behind version, state and flags
		other := slices.Clone(v.Data)
		other[id] ^= 1
		if err := r.Records.Swap(ctx, key, v.Rev, other); err != nil {
			return err
		}
	}
	return r.Records.Swap(ctx, key, rev, data)
}

func TestAnApprovalThatIsGoneAdmitsNobodyOnAnotherNode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := logintest.NewWorld(t)
		withCalls(w, logintest.Answer{After: 70 * time.Second})
		cfg := w.Config
		records := &overtaken{Records: w.Records}
		cfg.Records = records
		second := w.NewFlow(cfg)
		first, err := w.Flow.Begin(t.Context(), alice(mute))
		if got := outcome(login.Await(t.Context(), first, err)); got != "reject not_answered_in_time" {
			t.Fatalf("the first node says %s", got)
		}
		// It rings still, and the other node waits for what becomes of it.
		s, err := second.Begin(t.Context(), alice(mute))
		if got := outcome(login.Await(t.Context(), s, err)); got != "reject not_answered" || !records.done {
			t.Errorf("the other node says %s, and found it gone is %v", got, records.done)
		}
		for _, n := range []*login.Flow{w.Flow, second} {
			if err := n.Close(); err != nil {
				t.Error(err)
			}
		}
	})
}

// taken are records in which something happens just before one of them is written
// for the first time.
type taken struct {
	*logintest.Records

	key       string
	meanwhile func()
}

func (r *taken) Swap(ctx context.Context, key string, rev uint64, data []byte) error {
	if key == r.key && r.meanwhile != nil {
		now := r.meanwhile
		r.meanwhile = nil
		now()
	}
	return r.Records.Swap(ctx, key, rev, data)
}

// Of an approval that came late and a code at the same moment only one lets in.
func TestACodeAtTheSameMomentLeavesNoApprovalOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := logintest.NewWorld(t)
		withCalls(w, late)
		p := &player{t: t, w: w, user: "alice", via: login.Via{Client: "vpn", Station: "10.0.0.7", CanAsk: true, Patience: 25 * time.Second}}
		p.play("secret => " + stillCall + " > wait 30s")
		cfg := w.Config
		cfg.Records = &taken{w.Records, login.ClaimKey("id-alice"), func() { p.play("111111 => accept") }}
		second := w.NewFlow(cfg)
		impatient := from(func(v *login.Via) { v.Patience = 20 * time.Second })
		s, err := second.Begin(t.Context(), alice(impatient))
		if got := outcome(login.Await(t.Context(), s, err)); got != "reject not_answered_in_time" {
			t.Errorf("the other node says %s, want another call that nobody has answered yet", got)
		}
	})
}

// forgetful records cannot be written any more once they are full.
type forgetful struct {
	*logintest.Records

	full atomic.Bool
}

func (r *forgetful) Swap(ctx context.Context, key string, rev uint64, data []byte) error {
	if r.full.Load() && strings.HasPrefix(key, "claim/") {
		return errors.New("the disk is full")
	}
	return r.Records.Swap(ctx, key, rev, data)
}

// An approval that is not written down could be made use of again.
func TestS46AnApprovalThatCannotBeWrittenAdmitsNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := logintest.NewWorld(t)
		withCalls(w, late)
		records := &forgetful{Records: w.Records}
		cfg := w.Config
		cfg.Records = records
		s, err := w.NewFlow(cfg).Begin(t.Context(), alice(mute))
		time.Sleep(20 * time.Second)
		records.full.Store(true)
		if got := outcome(login.Await(t.Context(), s, err)); got != "error record approval: the disk is full" {
			t.Errorf("got %s, want an error", got)
		}
	})
}

// An approval of which nobody knows whether it was made use of admits nobody.
func TestS46AnApprovalWhoseUseCannotBeWrittenAdmitsNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := logintest.NewWorld(t)
		withCalls(w, logintest.Answer{After: 70 * time.Second})
		if got := outcome(w.Begin(t.Context(), alice(mute))); got != "reject not_answered_in_time" {
			t.Fatal(got)
		}
		time.Sleep(20 * time.Second)
		cfg := w.Config
		cfg.Records = partly{w.Records, "claim/"}
		s, err := w.NewFlow(cfg).Begin(t.Context(), alice(mute))
		if got := outcome(login.Await(t.Context(), s, err)); got != "error use approval: the disk is full" {
			t.Errorf("got %s, want an error", got)
		}
	})
}
