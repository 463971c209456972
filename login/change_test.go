package login_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/portvakt/portvakt/login"
	"github.com/portvakt/portvakt/login/logintest"
)

const (
	askNew    = `ask "Your password has expired. Type a new one (at least 8 characters, none of the last 3):"`
	askTwice  = `ask "Type the new password again:"`
	newShort  = `ask "That password is too short. Your password has expired. Type a new one (at least 8 characters, none of the last 3):"`
	newDiffer = `ask "The two were not the same. Your password has expired. Type a new one (at least 8 characters, none of the last 3):"`
	newUsed   = `ask "That password was used before. Your password has expired. Type a new one (at least 8 characters, none of the last 3):"`
	newBad    = `ask "That password is not accepted. Your password has expired. Type a new one (at least 8 characters, none of the last 3):"`
)

// expiredWorld is one in which the passwords of both people have expired.
func expiredWorld(t *testing.T, r login.RuleConfig) *logintest.World {
	w := logintest.NewWorld(t, r)
	w.Directory.Refuse("alice", login.ReasonPasswordExpired)
	w.Directory.Refuse("bob", login.ReasonMustChange)
	w.Directory.Rules = login.PasswordRules{MinLength: 8, History: 3}
	return w
}

func TestAnExpiredPasswordIsChangedBehindTheSecondFactor(t *testing.T) {
	change := login.RuleConfig{ExpiredPassword: "change"}
	twice := func(password string) string { return password + " => " + askTwice + " > " + password }
	for _, c := range []struct {
		name, user string
		rule       login.RuleConfig
		mute       bool
		line       string
		changes    int64
	}{
		{
			"typed twice, and let in; then the new one is hers", "alice", change, false,
			"secret => " + askTOTP + " > 111111 => " + askNew + " > " + twice("new secret") + " => accept > secret => reject bad_password > new secret => " + askTOTP + " > 111112 => accept", 1,
		},
		{"by default nobody may", "alice", login.RuleConfig{}, false, "secret => reject password_expired", 0},
		{"where the rule says no", "alice", login.RuleConfig{ExpiredPassword: "deny"}, false, "secret => reject password_expired", 0},
		{"a wrong password is a wrong password", "alice", change, false, "guess => reject bad_password", 0},
		{"who has no second factor may not", "bob", change, false, "hunter2 => reject password_must_change", 0},
		{"nor where the rule lets such people in", "bob", login.RuleConfig{SecondFactor: "enrolled", ExpiredPassword: "change"}, false, "hunter2 => reject password_must_change", 0},
		{"nor before the date of the rule", "alice", login.RuleConfig{From: time.Date(2001, 1, 1, 0, 0, 0, 0, time.UTC), Before: "remind", ExpiredPassword: "change"}, false, "secret => reject password_expired", 0},
		{
			"a wrong code does not lead there", "alice", change, false,
			"secret => " + askTOTP + " > 999999 => " + askAgain + " > 999999 => " + askAgain + " > 999999 => reject too_many_tries", 0,
		},
		{
			"a message's code does", "alice", change, false,
			"secret => " + askTOTP + " > 2 => " + askSMS + " > 500001 => " + askNew + " > " + twice("new secret") + " => accept", 1,
		},
		{
			"who goes away behind the second factor is not in", "alice", change, false,
			"secret => " + askTOTP + " > 111111 => " + askNew + " > start over > secret => " + askTOTP + " > 111111 => " + askUsed, 0,
		},
		{
			"a code is no way past the question", "alice", change, false,
			"secret => " + askTOTP + " > 111111 => " + askNew + " > 111112 => " + askTwice + " > 111112 => " + newShort, 1,
		},
		{
			"two that differ", "alice", change, false,
			"secret => " + askTOTP + " > 111111 => " + askNew + " > new secret => " + askTwice + " > other secret => " + newDiffer + " > " + twice("third secret") + " => accept", 1,
		},
		{"the old one", "alice", change, false, "secret => " + askTOTP + " > 111111 => " + askNew + " > secret => " + newUsed, 0},
		{"a plain enter", "alice", change, false, "secret => " + askTOTP + " > 111111 => " + askNew + " >  => " + newBad, 0},
		{"what cannot be typed", "alice", change, false, "secret => " + askTOTP + " > 111111 => " + askNew + " > new\x00secret => " + newBad + " > new\xe6secret => " + newBad, 0},
		{"257 octets", "alice", change, false, "secret => " + askTOTP + " > 111111 => " + askNew + " > " + strings.Repeat("x", 257) + " => " + newBad, 0},
		{
			"the fifth that is refused ends it", "alice", change, false,
			"secret => " + askTOTP + " > 111111 => " + askNew + strings.Repeat(" > "+twice("short")+" => "+newShort, 4) + " > " + twice("short") + " => reject too_many_tries", 5,
		},
		{
			"wrong codes are no tries at a password", "alice", change, false,
			"secret => " + askTOTP + " > 999999 => " + askAgain + " > 999999 => " + askAgain + " > 111111 => " + askNew + strings.Repeat(" > "+twice("short")+" => "+newShort, 4), 4,
		},
		{
			"each question lives for five minutes", "alice", change, false,
			"secret => " + askTOTP + " > wait 4m > 111111 => " + askNew + " > wait 4m > new secret => " + askTwice + " > wait 4m > new secret => accept", 1,
		},
		{
			"and not longer", "alice", change, false,
			"secret => " + askTOTP + " > 111111 => " + askNew + " > new secret => " + askTwice + " > wait 5m2s > new secret => reject question_expired", 0,
		},
		{
			"nor the dialogue than a quarter of an hour", "alice", change, false,
			"secret => " + askTOTP + " > wait 4m > 111111 => " + askNew + " > wait 4m > new secret => " + askTwice + " > wait 4m > other secret => " + newDiffer +
				" > wait 2m59s > new secret => " + askTwice + " > wait 2s > new secret => reject question_expired", 0,
		},
		{
			"a restart between the rounds loses nobody", "alice", change, false,
			"secret => " + askTOTP + " > restart > 111111 => " + askNew + " > restart > new secret => " + askTwice + " > restart > new secret => accept", 1,
		},
		{
			"a directory that is down is an error, not a no", "alice", change, false,
			"secret => " + askTOTP + " > 111111 => " + askNew + " > new secret => " + askTwice + " > stop directory > new secret => error > start directory > start over > secret => " + askTOTP, 1,
		},
		{
			"a code behind the password", "alice", change, false,
			"secret,111111 => " + askNew + " > " + twice("new secret") + " => accept", 1,
		},
		{"a client that cannot ask: told where both were proven", "alice", change, true, "secret,111111 => reject password_expired", 0},
		{"and nowhere else", "alice", change, true, "secret => reject password_expired > secret,999999 => reject wrong_code", 0},
		{
			"a new one that was refused here a moment ago", "alice", change, false,
			"new secret => reject bad_password > secret => " + askTOTP + " > 111111 => " + askNew + " > " + twice("new secret") + " => accept > new secret => " + askTOTP, 1,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := expiredWorld(t, c.rule)
				w.RefuseRepeats = true
				w.Flow = w.NewFlow(w.Config)
				via := login.Via{Client: "vpn", Station: "10.0.0.7", CanAsk: !c.mute, Append: login.AppendComma}
				(&player{t: t, w: w, user: c.user, via: via}).play(c.line)
				if got := w.Directory.Changes.Load(); got != c.changes {
					t.Errorf("%d changes, want %d", got, c.changes)
				}
				for _, e := range w.Events() {
					if text := fmt.Sprintf("%+v", e); strings.Contains(text, "secret") {
						t.Errorf("a password is in the log: %s", text)
					}
				}
				if err := w.Close(); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// Who sent only a proof of her password has shown nothing that could be changed.
func TestAProofOfAnExpiredPasswordChangesNothing(t *testing.T) {
	w := expiredWorld(t, login.RuleConfig{ExpiredPassword: "change"})
	p := &player{t: t, w: w, user: "alice", via: login.Via{Client: "vpn", CanAsk: true}, proof: true}
	p.play("secret => reject password_expired")
}

func TestAnApprovalLeadsToTheChange(t *testing.T) {
	for _, c := range []struct {
		name, line string
		mute       bool
	}{
		{"at once", "secret => " + askNew + " > new secret => " + askTwice + " > new secret => accept", false},
		{"a client that cannot ask is told why", "secret => reject password_expired", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := expiredWorld(t, login.RuleConfig{ExpiredPassword: "change"})
				calls := withCalls(w, yes)
				p := &player{t: t, w: w, user: "alice", via: login.Via{Client: "vpn", Station: "10.0.0.7", CanAsk: !c.mute, Patience: 25 * time.Second}}
				p.play(c.line)
				if n := len(calls.Rung()); n != 1 {
					t.Errorf("rang %d times, want once", n)
				}
				if err := w.Close(); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// What the person is told where nothing can be asked names the expired
// password, and only behind both factors: else it would tell a guesser that his
// guess was right.
func TestOnlyWhoHasProvenBothIsToldOfAnExpiredPassword(t *testing.T) {
	w := expiredWorld(t, login.RuleConfig{ExpiredPassword: "change"})
	for typed, told := range map[string]bool{"secret": false, "secret,999999": false, "guess": false, "secret,111111": true} {
		s, err := w.Begin(t.Context(), login.Attempt{
			User: "alice", Secret: login.Cleartext(typed), Via: login.Via{Client: "vpn", Append: login.AppendComma},
		})
		r, refused := s.(login.Reject)
		if err != nil || !refused || strings.HasPrefix(r.Text, "Your password has expired. Change it elsewhere") != told {
			t.Errorf("%s: got %#v %v, told %v", typed, s, err, told)
		}
	}
}

func TestAChangeIsToldAndEndsWhatThePasswordBegan(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := logintest.NewWorld(t, login.RuleConfig{ExpiredPassword: "change", Remember: time.Hour})
		at := func(station string) *player {
			return &player{t: t, w: w, user: "alice", via: login.Via{Client: "vpn", Station: station, CanAsk: true}}
		}
		w.Directory.Rules = login.PasswordRules{MinLength: 8, History: 3}
		at("10.0.0.1").play("secret => " + askTOTP + " > 111111 => accept > secret => accept")
		at("10.0.0.2").play("secret => " + askTOTP + " > 111112 => accept > secret => accept")
		w.Directory.Refuse("alice", login.ReasonMustChange)
		// A device that is remembered has proven nothing today.
		at("10.0.0.1").play("secret => " + askTOTP + " > 111113 => " + askNew + " > new secret => " + askTwice + " > new secret => accept")
		events := w.Events()
		changed := events[len(events)-2]
		if changed.Outcome != "changed" || changed.Reason != login.ReasonPasswordChanged || changed.AccountID != "id-alice" || changed.Method != "totp" {
			t.Errorf("got event %+v, want one of the change", changed)
		}
		if e := w.Last(); e.Outcome != "accept" || e.Reason != login.ReasonOK || e.Method != "totp" {
			t.Errorf("got event %+v, want an accept by totp", e)
		}
		devices, err := login.Devices(t.Context(), w.Records, "id-alice")
		if err != nil || len(devices) != 1 || devices[0].Station != "10.0.0.1" {
			t.Errorf("remembered: %+v %v, want the one device", devices, err)
		}
		at("10.0.0.1").play("new secret => accept")
		at("10.0.0.2").play("new secret => " + askTOTP)
		if v, err := w.Records.Get(t.Context(), login.ChangeKey("id-alice")); !errors.Is(err, login.ErrNotFound) {
			t.Errorf("%d octets of old passwords are left (%v)", len(v.Data), err)
		}
		lock, err := login.Standing(t.Context(), w.Records, "id-alice", login.Lockout{}, time.Now())
		if err != nil || lock.Consecutive != 0 || lock.Strangers {
			t.Errorf("the account stands as %+v %v", lock, err)
		}
	})
}

// Each question is answered once: the answer of somebody who saw a State, and
// sends it again with a password of his own, counts for nothing.
func TestAnAnswerWithANewPasswordCountsOnce(t *testing.T) {
	w := expiredWorld(t, login.RuleConfig{ExpiredPassword: "change"})
	p := &player{t: t, w: w, user: "alice", via: login.Via{Client: "vpn", CanAsk: true}}
	p.play("secret => " + askTOTP + " > 111111 => " + askNew)
	asked := p.ticket
	p.play("new secret => " + askTwice)
	again := p.ticket
	p.ticket = asked
	p.play("his secret => reject state_used_before")
	p.ticket = again
	p.play("new secret => accept")
	p.ticket = again
	p.play("new secret => reject state_used_before")
	if n := w.Directory.Changes.Load(); n != 1 {
		t.Errorf("%d changes, want one", n)
	}
}

// Two dialogues of one person: the one that changes the password ends the other.
func TestAChangeEndsTheOthersUnderWay(t *testing.T) {
	w := expiredWorld(t, login.RuleConfig{ExpiredPassword: "change"})
	via := login.Via{Client: "vpn", CanAsk: true}
	first, second := &player{t: t, w: w, user: "alice", via: via}, &player{t: t, w: w, user: "alice", via: via}
	first.play("secret => " + askTOTP + " > 111111 => " + askNew)
	second.play("secret => " + askTOTP + " > 111112 => " + askNew + " > new secret => " + askTwice)
	first.play("best secret => " + askTwice + " > best secret => accept")
	second.play("new secret => reject question_expired")
}

func TestWhatTheDirectorySaysOfAChange(t *testing.T) {
	for _, c := range []struct {
		err  error
		want string
	}{
		{&login.Refusal{Reason: login.ReasonNewTooWeak}, strings.Replace(newBad, "is not accepted", "is too easy to guess", 1)},
		{&login.Refusal{Reason: login.ReasonNewUsed}, newUsed},
		{&login.Refusal{Reason: login.ReasonNewUntypable}, strings.Replace(newBad, "That password is not accepted", "Choose one that any device can type", 1)},
		{&login.Refusal{Reason: login.ReasonNewTooSoon}, strings.Replace(newBad, "That password is not accepted", "It was changed too short a time ago", 1)},
		{fmt.Errorf("change: %w", &login.Refusal{Reason: login.ReasonNewRefused}), newBad},
		{&login.Refusal{Reason: login.ReasonBadPassword}, "reject bad_password"},
		{&login.Refusal{Reason: login.ReasonDisabled}, "reject account_disabled"},
		{context.DeadlineExceeded, "error"},
	} {
		w := expiredWorld(t, login.RuleConfig{ExpiredPassword: "change"})
		w.Directory.ChangeErr = c.err
		p := &player{t: t, w: w, user: "alice", via: login.Via{Client: "vpn", CanAsk: true}}
		p.play("secret => " + askTOTP + " > 111111 => " + askNew + " > new secret => " + askTwice + " > new secret => " + c.want)
	}
}

// What the directory says of the new password decides, not that it took it.
func TestAnAcceptNeedsAYesToTheNewPassword(t *testing.T) {
	w := expiredWorld(t, login.RuleConfig{ExpiredPassword: "change"})
	p := &player{t: t, w: w, user: "alice", via: login.Via{Client: "vpn", CanAsk: true}}
	p.play("secret => " + askTOTP + " > 111111 => " + askNew + " > new secret => " + askTwice)
	w.Directory.Refuse("alice", login.ReasonDisabled)
	p.play("new secret => reject account_disabled")
}

// Rules that cannot be read keep nobody from choosing a password.
func TestRulesAreShownAsFarAsTheyCanBeRead(t *testing.T) {
	w := expiredWorld(t, login.RuleConfig{ExpiredPassword: "change"})
	p := &player{t: t, w: w, user: "alice", via: login.Via{Client: "vpn", CanAsk: true}}
	w.Directory.Rules = login.PasswordRules{MinLength: 12, Classes: 3}
	p.play("secret => " + askTOTP + ` > 111111 => ask "Your password has expired. Type a new one (at least 12 characters, 3 of: capitals, small letters, digits, others):" > start over`)
	w.Directory.RulesErr = errors.New("may not be read")
	p.play("secret => " + askTOTP + ` > 111112 => ask "Your password has expired. Type a new one:" > new secret word => ` + askTwice + " > new secret word => accept")
}

// A rule that changes while somebody types a new password holds at once.
func TestARuleThatNoLongerAllowsAChangeEndsIt(t *testing.T) {
	w := expiredWorld(t, login.RuleConfig{ExpiredPassword: "change"})
	p := &player{t: t, w: w, user: "alice", via: login.Via{Client: "vpn", CanAsk: true}}
	p.play("secret => " + askTOTP + " > 111111 => " + askNew)
	policy, err := login.NewPolicy([]login.RuleConfig{{ExpiredPassword: "deny"}})
	if err != nil {
		t.Fatal(err)
	}
	w.Policy = policy
	w.Flow = w.NewFlow(w.Config)
	p.play("new secret => reject password_expired")
}
