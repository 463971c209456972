package login_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/portvakt/portvakt/login"
	"github.com/portvakt/portvakt/login/logintest"
)

// copied is a sign-in of which a copy came.
func copied(user, typed string, via login.Via) login.Attempt {
	via.Client, via.Station = "vpn", "10.9.0.7"
	if via.Shadow == login.ShadowOff {
		via.Shadow = login.ShadowRule
	}
	return login.Attempt{User: user, Secret: login.Cleartext(typed), Via: via}
}

func TestACopyIsDecidedAndLeavesNoTrace(t *testing.T) {
	ask := login.Via{CanAsk: true}
	trace := errors.New("this would leave a trace")
	required := login.RuleConfig{Name: "all", SecondFactor: login.SecondRequired}
	for _, tt := range []struct {
		rule        string
		rules       []login.RuleConfig
		user, typed string
		via         login.Via
		reason      login.Reason
		detail      string
		foresight   string // outcome
	}{
		{"somebody with a second factor would be asked", []login.RuleConfig{required}, "alice", "whatever", ask, login.ReasonOK, "would be asked by totp, sms", "ask"},
		{
			"a code behind the password is not looked at",
			[]login.RuleConfig{required},
			"alice", "whatever,111111",
			login.Via{Append: login.AppendComma},
			login.ReasonOK, "would be asked by totp, sms; a code came behind the password, and was not looked at", "ask",
		},
		{"somebody without would be refused", []login.RuleConfig{required}, "bob", "hunter2", ask, login.ReasonNotEnrolled, "would be refused", "reject"},
		{"at a client that cannot ask, too", []login.RuleConfig{required}, "alice", "x", login.Via{}, login.ReasonCannotAsk, "would be refused", "reject"},
		{
			"a rule without a second factor would let in",
			[]login.RuleConfig{{Name: "all", Clients: []string{"vpn"}, SecondFactor: login.SecondNone}},
			"bob", "x", ask, login.ReasonNoSecondFactor, "would be let in", "accept",
		},
		{
			"a rule that denies would refuse",
			[]login.RuleConfig{{Name: "all", Clients: []string{"vpn"}, SecondFactor: login.SecondDeny}},
			"bob", "x", ask, login.ReasonPolicyDeny, "would be refused", "reject",
		},
		{
			"a rule with a date is told as from then",
			[]login.RuleConfig{{Name: "all", From: time.Date(2040, 1, 2, 3, 4, 0, 0, time.UTC), Before: login.BeforeReport}},
			"alice", "x", ask,
			login.ReasonOK, "would be asked by totp, sms; from 2040-01-02 03:04 on", "ask",
		},
		{"nobody of this name", []login.RuleConfig{required}, "mallory", "x", ask, login.ReasonUnknownUser, "would be refused", ""},
		{"no password", []login.RuleConfig{required}, "alice", "", ask, login.ReasonEmptyPassword, "would be refused", ""},
		{"a name that is none", []login.RuleConfig{required}, "a\x00b", "x", ask, login.ReasonBadRequest, "would be refused", ""},
		{"a password of another encoding", []login.RuleConfig{required}, "alice", "\xff\xfe", ask, login.ReasonBadEncoding, "would be refused", ""},
		{
			"the password is checked when that is wanted",
			[]login.RuleConfig{required},
			"alice", "wrong",
			login.Via{CanAsk: true, Shadow: login.ShadowPassword},
			login.ReasonBadPassword, "would be refused", "",
		},
		{
			"and may be right",
			[]login.RuleConfig{required},
			"alice", "secret",
			login.Via{CanAsk: true, Shadow: login.ShadowPassword},
			login.ReasonOK, "would be asked by totp, sms", "ask",
		},
	} {
		t.Run(tt.rule, func(t *testing.T) {
			w := logintest.NewWorld(t, tt.rules...)
			w.Records.FailSwap = trace
			for _, f := range []*logintest.Factor{w.TOTP, w.SMS, w.Recovery} {
				f.PromptErr, f.CheckErr = trace, trace
			}
			if err := w.Rehearse(t.Context(), copied(tt.user, tt.typed, tt.via)); err != nil {
				t.Fatal(err)
			}
			if tt.via.Shadow == login.ShadowOff && w.Directory.Binds.Load() != 0 {
				t.Error("the password was checked")
			}
			e := w.Last()
			if len(w.Events()) != 1 || e.Outcome != "shadow" || e.Reason != tt.reason || e.Detail != tt.detail {
				t.Errorf("told %s %s %q, want shadow %s %q", e.Outcome, e.Reason, e.Detail, tt.reason, tt.detail)
			}
			if e.Client != "vpn" || e.Attempt == "" {
				t.Errorf("told %+v", e)
			}
			got := ""
			if e.Foresight != nil {
				got = e.Foresight.Outcome
			}
			if got != tt.foresight {
				t.Errorf("foretold %q, want %q", got, tt.foresight)
			}
		})
	}
}

// The person would have been asked, and then for a new password; a copy of it must
// not be shown as refused.
func TestAnExpiredPasswordIsForetold(t *testing.T) {
	change := login.RuleConfig{ExpiredPassword: "change"}
	checked := login.Via{CanAsk: true, Shadow: login.ShadowPassword}
	for _, c := range []struct {
		name, user, typed string
		rule              login.RuleConfig
		via               login.Via
		reason            login.Reason
		detail            string
	}{
		{"changed where the rule says so", "alice", "secret", change, checked, login.ReasonOK, "would be asked by totp, sms; the password has expired: then for a new one"},
		{"nowhere by default", "alice", "secret", login.RuleConfig{}, checked, login.ReasonPasswordExpired, "would be refused"},
		{"nor by who has no second factor", "bob", "hunter2", change, checked, login.ReasonMustChange, "would be refused"},
		{"nor where nothing can be asked", "alice", "secret", change, login.Via{Shadow: login.ShadowPassword}, login.ReasonPasswordExpired, "would be refused"},
		{
			"from a date on", "alice", "secret",
			login.RuleConfig{ExpiredPassword: "change", From: time.Date(2040, 1, 2, 3, 4, 0, 0, time.UTC), Before: login.BeforeReport},
			checked, login.ReasonOK, "would be asked by totp, sms; the password has expired: then for a new one; from 2040-01-02 03:04 on",
		},
		{"nobody knows where the password is not checked", "alice", "secret", change, login.Via{CanAsk: true}, login.ReasonOK, "would be asked by totp, sms"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := expiredWorld(t, c.rule)
			w.Records.FailSwap = errors.New("this would leave a trace")
			if err := w.Rehearse(t.Context(), copied(c.user, c.typed, c.via)); err != nil {
				t.Fatal(err)
			}
			if e := w.Last(); e.Outcome != "shadow" || e.Reason != c.reason || e.Detail != c.detail {
				t.Errorf("told %s %s %q, want shadow %s %q", e.Outcome, e.Reason, e.Detail, c.reason, c.detail)
			}
		})
	}
}

// The server that answers stays below the directory's limit, and has each wrong
// password counted itself.
func TestS05CopiesCostTheDirectoryOneTry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := logintest.NewWorld(t)
		w.Directory.Delay = time.Millisecond
		checked := login.Via{CanAsk: true, Shadow: login.ShadowPassword}
		guess := func(i int) {
			if err := w.Rehearse(t.Context(), copied("alice", fmt.Sprint("guess ", i), checked)); err != nil {
				t.Error(err)
			}
		}
		var all sync.WaitGroup
		for i := range 20 {
			all.Go(func() { guess(i) })
		}
		all.Wait()
		if got := w.Directory.Binds.Load(); got != 1 {
			t.Errorf("20 at once: %d tries", got)
		}
		guess(20)
		if e := w.Last(); e.Reason != login.ReasonOK || !strings.Contains(e.Detail, "the password was not checked") {
			t.Errorf("told %s %q", e.Reason, e.Detail)
		}
		time.Sleep(15 * time.Minute)
		guess(21)
		if got := w.Directory.Binds.Load(); got != 2 {
			t.Errorf("a quarter of an hour later: %d tries", got)
		}
		// Right ones and those of others are looked at.
		time.Sleep(15 * time.Minute)
		for range 3 {
			if err := w.Rehearse(t.Context(), copied("alice", "secret", checked)); err != nil {
				t.Fatal(err)
			}
		}
		if got := w.Directory.Binds.Load(); got != 5 {
			t.Errorf("three right ones: %d tries", got)
		}
	})
}

func TestCopiesCountForNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := logintest.NewWorld(t)
		for range 200 { // more than any limit
			if err := w.Rehearse(t.Context(), copied("alice", "wrong", login.Via{CanAsk: true, Shadow: login.ShadowPassword})); err != nil {
				t.Fatal(err)
			}
		}
		via := copied("", "", login.Via{CanAsk: true}).Via
		via.Shadow = login.ShadowOff
		p := &player{t: t, w: w, user: "alice", via: via}
		p.play(`secret => ask "Enter the code from your authenticator app, or type 2 for SMS to ••42, 3 for SMS to ••17:" > 111111 => accept`)
	})
}

func TestALockedAccountIsToldOfACopy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := logintest.NewWorld(t)
		elsewhere := login.Via{Client: "vpn", Station: "198.51.100.1", CanAsk: true}
		for i := 0; w.Last().Reason != login.ReasonLocked; i++ {
			if i == 100 {
				t.Fatal("wrong passwords lock nothing")
			}
			if _, err := w.Begin(t.Context(), login.Attempt{User: "alice", Secret: login.Cleartext("wrong"), Via: elsewhere}); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Rehearse(t.Context(), copied("alice", "x", login.Via{CanAsk: true})); err != nil {
			t.Fatal(err)
		}
		if e := w.Last(); e.Outcome != "shadow" || e.Reason != login.ReasonLocked || e.Detail != "would be refused" {
			t.Errorf("told %s %s %q", e.Outcome, e.Reason, e.Detail)
		}
	})
}

func TestAWrongPasswordOfACopyIsNotTriedAgainAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := logintest.NewWorld(t)
		c := w.Config
		c.RefuseRepeats = true
		w.Flow = w.NewFlow(c)
		a := copied("alice", "an old one", login.Via{CanAsk: true, Shadow: login.ShadowPassword})
		for range 3 {
			if err := w.Rehearse(t.Context(), a); err != nil {
				t.Fatal(err)
			}
		}
		if got := w.Directory.Binds.Load(); got != 1 || w.Last().Reason != login.ReasonRepeated {
			t.Errorf("the directory was asked %d times, and the last is %s", got, w.Last().Reason)
		}
	})
}

func TestACopyDuringAnOutageIsNotDecided(t *testing.T) {
	w := logintest.NewWorld(t)
	w.Directory.Down = errors.New("directory is down")
	if err := w.Rehearse(t.Context(), copied("alice", "x", login.Via{CanAsk: true})); !errors.Is(err, w.Directory.Down) {
		t.Errorf("got %v", err)
	}
	if e := w.Last(); e.Outcome != "error" || !strings.Contains(e.Detail, "down") || e.Foresight != nil {
		t.Errorf("told %+v", e)
	}
}
