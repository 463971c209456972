package login_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/portvakt/portvakt/login"
	"github.com/portvakt/portvakt/login/logintest"
)

func TestEventsTellWhereTheTimeWent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := logintest.NewWorld(t)
		withCalls(w, logintest.Answer{After: 20 * time.Second})
		w.Directory.Delay = 40 * time.Millisecond
		began := time.Now()
		if got := outcome(w.Begin(t.Context(), login.Attempt{User: "alice", Secret: login.Cleartext("secret"), Via: mute})); got != "accept" {
			t.Fatal(got)
		}
		e := w.Last()
		// For the account, the password, and the account's state after the call.
		if e.Directory != 120*time.Millisecond || e.Elsewhere != 20*time.Second || e.Took != 20*time.Second+120*time.Millisecond || !e.Time.Equal(began) {
			t.Errorf("got %v of the directory, %v elsewhere, %v in all, at %v", e.Directory, e.Elsewhere, e.Took, e.Time)
		}
	})
}

// told are the events of a world in words.
func told(w *logintest.World) string {
	var all []string
	for _, e := range w.Events() {
		all = append(all, fmt.Sprintf("%s %s %s", e.Outcome, e.Reason, e.Method))
	}
	return strings.Join(all, ", ")
}

func TestWhatNobodyWaitsForIsTold(t *testing.T) {
	for _, c := range []struct {
		name   string
		answer logintest.Answer
		leaves time.Duration
		want   string
	}{
		{"the client has gone, then # is pressed", logintest.Answer{After: 30 * time.Second}, 5 * time.Second, "left not_answered_in_time call, answered ok call"},
		{"the client has gone, then she hangs up", logintest.Answer{After: 30 * time.Second, Err: login.ErrDenied}, 5 * time.Second, "left not_answered_in_time call, answered denied_by_person call"},
		{"she reports a fraud that nobody waits for", logintest.Answer{After: 30 * time.Second, Err: login.ErrFraud}, 5 * time.Second, "left not_answered_in_time call, answered fraud_reported call"},
		{"the client was told that it still rings", logintest.Answer{After: 70 * time.Second}, time.Hour, "reject not_answered_in_time call, answered ok call"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := logintest.NewWorld(t)
				withCalls(w, c.answer)
				ctx, cancel := context.WithTimeout(t.Context(), c.leaves)
				defer cancel()
				_, _ = w.Begin(ctx, login.Attempt{User: "alice", Secret: login.Cleartext("secret"), Via: mute})
				time.Sleep(2 * time.Minute)
				synctest.Wait()
				if got := told(w); got != c.want {
					t.Errorf("got %s\nwant %s", got, c.want)
				}
				ids := map[string]bool{}
				for _, e := range w.Events() {
					ids[e.Attempt] = true
					if e.User != "alice" || e.AccountID != "id-alice" || e.Client != "vpn" {
						t.Errorf("got %+v, want whose it is", e)
					}
					if e.Alarm != (e.Reason == login.ReasonFraud) {
						t.Errorf("got alarm %v for %s", e.Alarm, e.Reason)
					}
				}
				if len(ids) != 1 {
					t.Errorf("got %d references for one attempt", len(ids))
				}
			})
		})
	}
}

func TestReportedRulesSayWhatTheyWillDo(t *testing.T) {
	soon := time.Now().AddDate(1, 0, 0)
	for _, c := range []struct {
		name string
		user string
		via  login.Via
		rule login.RuleConfig
		want string // "" is no foresight
	}{
		{"who has an app will be asked", "alice", vpn, login.RuleConfig{}, "ask ok [totp sms]"},
		{"by the factors of the rule", "alice", vpn, login.RuleConfig{Factors: []string{"sms"}}, "ask ok [sms]"},
		{"who has nothing will be refused", "bob", vpn, login.RuleConfig{}, "reject not_enrolled []"},
		{"unless the rule lets her in", "bob", vpn, login.RuleConfig{Unenrolled: "allow", Users: []string{"bob"}}, "accept unenrolled_allowed []"},
		{"or asks only who has one", "bob", vpn, login.RuleConfig{SecondFactor: "enrolled"}, "accept unenrolled_allowed []"},
		{"a client that cannot ask", "alice", login.Via{Client: "vpn"}, login.RuleConfig{}, "reject client_cannot_ask [totp sms]"},
		{"a client that takes a code behind the password", "alice", login.Via{Client: "vpn", Append: login.AppendComma}, login.RuleConfig{}, "ask ok [totp sms]"},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, before := range []string{login.BeforeReport, login.BeforeRemind} {
				c.rule.From, c.rule.Before = soon, before
				w := logintest.NewWorld(t, c.rule)
				password := map[string]string{"alice": "secret", "bob": "hunter2"}[c.user]
				if got := outcome(w.Begin(t.Context(), login.Attempt{User: c.user, Secret: login.Cleartext(password), Via: c.via})); got != "accept" {
					t.Fatalf("%s: got %s", before, got)
				}
				s := w.Last().Foresight
				if s == nil {
					t.Fatalf("%s: nothing is foreseen", before)
				}
				if got := fmt.Sprint(s.Outcome, " ", s.Reason, " ", s.Methods); got != c.want {
					t.Errorf("%s: got %s, want %s", before, got, c.want)
				}
			}
		})
	}
	w := logintest.NewWorld(t, login.RuleConfig{Users: []string{"alice"}, SecondFactor: "none"})
	_, _ = w.Begin(t.Context(), login.Attempt{User: "alice", Secret: login.Cleartext("secret"), Via: vpn})
	if w.Last().Foresight != nil {
		t.Error("a rule that is in force foresees something")
	}
}
