package login_test

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/portvakt/portvakt/login"
	"github.com/portvakt/portvakt/login/logintest"
)

// A dialogue is written as one line: what is typed, and behind each arrow what
// the Flow says.
//
//	secret > ask "Enter the code from your app:" > 111111 > accept
//
// "wait 6m" lets time pass, "restart" makes a new Flow over the same records,
// "stop directory" and "start directory" do what they say. A reject names its
// reason. Each line is played with cleartext and, where it types nothing that
// needs text, with proofs as CHAP carries them.
type player struct {
	t     *testing.T
	w     *logintest.World
	user  string
	via   login.Via
	proof bool

	ticket login.Ticket
}

func (p *player) secret(typed string) login.Secret {
	if p.proof {
		return logintest.Proof(typed)
	}
	return login.Cleartext(typed)
}

func (p *player) say(typed string) string {
	p.t.Helper()
	a := login.Attempt{User: p.user, Secret: p.secret(typed), Via: p.via}
	var step login.Step
	var err error
	if p.ticket == nil {
		step, err = p.w.Begin(p.t.Context(), a)
	} else {
		step, err = p.w.Resume(p.t.Context(), a, p.ticket)
	}
	if err != nil {
		return "error"
	}
	switch s := step.(type) {
	case login.Accept:
		p.ticket = nil
		return "accept"
	case login.Reject:
		p.ticket = nil
		return "reject " + string(s.Reason)
	case login.Ask:
		p.ticket = s.Ticket
		return fmt.Sprintf("ask %q", s.Text)
	case login.Wait: // awaited by the world
	}
	return fmt.Sprintf("%T", step)
}

func (p *player) play(line string) {
	p.t.Helper()
	for i, part := range strings.Split(line, " > ") {
		switch {
		case strings.HasPrefix(part, "wait "):
			d, err := time.ParseDuration(part[5:])
			if err != nil {
				p.t.Fatal(err)
			}
			time.Sleep(d)
		case part == "restart":
			p.w.Flow = p.w.NewFlow(p.w.Config)
		case part == "stop directory":
			p.w.Directory.Down = context.DeadlineExceeded
		case part == "start directory":
			p.w.Directory.Down = nil
		case part == "start over":
			p.ticket = nil
		case strings.HasPrefix(part, "ask ") || strings.HasPrefix(part, "reject ") || part == "accept" || part == "error":
			p.t.Fatalf("part %d of %q: an answer without something typed", i, line)
		default:
			typed, want, ok := strings.Cut(part, " => ")
			if !ok {
				p.t.Fatalf("part %q of %q has no =>", part, line)
			}
			said := p.say(typed)
			if said != want {
				p.t.Errorf("in %q\nafter %q\n got %s\nwant %s", line, typed, said, want)
				return
			}
		}
	}
}

const (
	askTOTP    = `ask "Enter the code from your authenticator app, or type 2 for SMS to ••42, 3 for SMS to ••17:"`
	askAgain   = `ask "Wrong code, try again. Enter the code from your authenticator app, or type 2 for SMS to ••42, 3 for SMS to ••17:"`
	askUsed    = `ask "That code has been used. Wait for the next one. Enter the code from your authenticator app, or type 2 for SMS to ••42, 3 for SMS to ••17:"`
	askSMS     = `ask "Enter the code sent to ••42, or type 1 for the app, 2 to send it again, 3 for SMS to ••17:"`
	askSMSOops = `ask "Wrong code, try again. Enter the code sent to ••42, or type 1 for the app, 2 to send it again, 3 for SMS to ••17:"`
	askOther   = `ask "Enter the code sent to ••17, or type 1 for the app, 2 for SMS to ••42, 3 to send it again:"`
	askNone    = `ask "There is no such choice. Enter the code from your authenticator app, or type 2 for SMS to ••42, 3 for SMS to ••17:"`
)

func TestDialogues(t *testing.T) {
	for _, c := range []struct{ name, line string }{
		{"the right password and code let in", "secret => " + askTOTP + " > 111111 => accept"},
		{"a wrong password is refused", "guess => reject bad_password"},
		{"an empty password is refused", " => reject empty_password"},
		{"a wrong code may be tried again", "secret => " + askTOTP + " > 999999 => " + askAgain + " > 111111 => accept"},
		{"the third wrong code ends the dialogue", "secret => " + askTOTP + " > 999999 => " + askAgain + " > 999999 => " + askAgain + " > 999999 => reject too_many_tries"},
		{"the fifth in a row ends it at once, and the next sign-in waits", "secret => " + askTOTP + " > 999999 => " + askAgain + " > 999999 => " + askAgain + " > 999999 => reject too_many_tries > secret => " + askTOTP + " > 999999 => " + askAgain + " > 999999 => reject locked > secret => reject locked > wait 31s > secret => " + askTOTP},
		{"a code is good once", "secret => " + askTOTP + " > 111111 => accept > secret => " + askTOTP + " > 111111 => " + askUsed + " > 111112 => accept"},
		{"and typed again it is no guess, but a try", "secret => " + askTOTP + " > 111111 => accept" + strings.Repeat(" > secret => "+askTOTP+" > 111111 => "+askUsed+" > 111111 => "+askUsed+" > 111111 => reject too_many_tries", 3) + " > secret => " + askTOTP + " > 111112 => accept"},
		{"another way is chosen by typing its number", "secret => " + askTOTP + " > 2 => " + askSMS + " > 500001 => accept"},
		{"a message sent again replaces the code", "secret => " + askTOTP + " > 2 => " + askSMS + " > 2 => " + askSMS + " > 500001 => " + askSMSOops + " > 500002 => accept"},
		{"another telephone", "secret => " + askTOTP + " > 3 => " + askOther + " > 500001 => accept"},
		{"the app's code is good while an SMS is asked for", "secret => " + askTOTP + " > 2 => " + askSMS + " > 111111 => accept"},
		{"and back to the app", "secret => " + askTOTP + " > 2 => " + askSMS + " > 1 => " + askTOTP + " > 111111 => accept"},
		{"a choice that is not there", "secret => " + askTOTP + " > 7 => " + askNone + " > 111111 => accept"},
		{"a question can be answered for five minutes", "secret => " + askTOTP + " > wait 4m59s > 111111 => accept"},
		{"and not after", "secret => " + askTOTP + " > wait 5m2s > 111111 => reject question_expired"},
		{"a wrong answer does not make an SMS younger", "secret => " + askTOTP + " > 2 => " + askSMS + " > wait 4m > 1234 => " + askSMSOops + " > wait 2m > 500001 => reject question_expired"},
		{"a restart between question and answer loses nobody", "secret => " + askTOTP + " > restart > 111111 => accept"},
		{"a directory that stops delays no answer", "secret => " + askTOTP + " > stop directory > wait 2m > 111111 => accept"},
		{"a directory that is down is an error, not a no", "stop directory > secret => error > start directory > secret => " + askTOTP},
		{"the password is no code", "secret => " + askTOTP + " > secret => " + askAgain},
		{"an empty answer is a wrong one", "secret => " + askTOTP + " >  => " + askAgain},
	} {
		for _, proof := range []bool{false, true} {
			kind := "cleartext"
			if proof {
				kind = "proof"
			}
			if proof && (strings.Contains(c.line, " => reject empty_password") || strings.Contains(c.line, askNone)) {
				continue // only text can be seen to be empty or a digit of no choice
			}
			t.Run(kind+"/"+c.name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					p := &player{t: t, w: logintest.NewWorld(t), user: "alice", via: login.Via{Client: "vpn", CanAsk: true}, proof: proof}
					p.play(c.line)
				})
			})
		}
	}
}

func TestPeopleAndRules(t *testing.T) {
	staff := []string{"CN=Staff, OU=groups,DC=example,DC=org"}
	for _, c := range []struct {
		name, user string
		rule       login.RuleConfig
		via        login.Via
		line       string
	}{
		{"nobody enrolled gets in by default", "bob", login.RuleConfig{}, login.Via{CanAsk: true}, "hunter2 => reject not_enrolled"},
		{"unless only those enrolled are asked", "bob", login.RuleConfig{SecondFactor: "enrolled"}, login.Via{CanAsk: true}, "hunter2 => accept"},
		{"who are still asked", "alice", login.RuleConfig{SecondFactor: "enrolled"}, login.Via{CanAsk: true}, "secret => " + askTOTP},
		{"or the rule lets the named in", "bob", login.RuleConfig{Users: []string{"BOB"}, Unenrolled: "allow"}, login.Via{CanAsk: true}, "hunter2 => accept"},
		{"a group by its name in any spelling", "alice", login.RuleConfig{Groups: staff, SecondFactor: "none"}, login.Via{}, "secret => accept"},
		{"who is in no such group is asked", "bob", login.RuleConfig{Groups: staff, SecondFactor: "none"}, login.Via{CanAsk: true}, "hunter2 => reject not_enrolled"},
		{"denied, behind the right password only", "alice", login.RuleConfig{SecondFactor: "deny"}, login.Via{}, "guess => reject bad_password > secret => reject denied_by_rule"},
		{"a client that cannot ask needs the code appended", "alice", login.RuleConfig{}, login.Via{Append: login.AppendComma}, "secret => reject client_cannot_ask > secret,111111 => accept > secret,111111 => reject code_used_before > secret,111119 => reject wrong_code > secret,111112 => accept"},
		{"wrong codes behind the password are counted", "alice", login.RuleConfig{}, login.Via{Append: login.AppendComma}, strings.Repeat("secret,999999 => reject wrong_code > ", 5) + "secret,111111 => reject locked > wait 31s > secret,111111 => accept"},
		{"an appended code on an empty password", "alice", login.RuleConfig{}, login.Via{Append: login.AppendComma}, ",111111 => reject empty_password"},
		{"digits without a separator", "alice", login.RuleConfig{}, login.Via{Append: login.AppendDigits}, "secret111111 => accept > 111112 => reject empty_password"},
		{"a comma that begins no code stays in the password", "bob", login.RuleConfig{}, login.Via{Append: login.AppendComma}, "hunter,2 => reject bad_password"},
		{"the rule's order of factors", "alice", login.RuleConfig{Factors: []string{"sms"}}, login.Via{CanAsk: true}, `secret => ask "Enter the code sent to ••42, or type 1 to send it again, 2 for SMS to ••17:" > 111111 => ask "Wrong code, try again. Enter the code sent to ••42, or type 1 to send it again, 2 for SMS to ••17:" > 500001 => accept`},
		{"an unknown name looks like a wrong password", "mallory", login.RuleConfig{}, login.Via{CanAsk: true}, "secret => reject unknown_user"},
		{"a name with a control character", "ali\x00ce", login.RuleConfig{}, login.Via{CanAsk: true}, "secret => reject bad_request"},
		{"a name too long for a User-Name", strings.Repeat("a", 254), login.RuleConfig{}, login.Via{CanAsk: true}, "secret => reject bad_request"},
		{"the longest name", strings.Repeat("a", 253), login.RuleConfig{}, login.Via{CanAsk: true}, "secret => reject unknown_user"},
		{"a password in another encoding", "alice", login.RuleConfig{}, login.Via{CanAsk: true}, "p\xe6ss => reject password_not_utf8"},
		{"before its date a rule lets in", "alice", login.RuleConfig{From: time.Date(2001, 1, 1, 0, 0, 0, 0, time.UTC), Before: "remind"}, login.Via{}, "secret => accept"},
		{"a network nobody told of does not match", "alice", login.RuleConfig{Networks: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}, SecondFactor: "none"}, login.Via{}, "secret => reject client_cannot_ask"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c.via.Client = "vpn"
				p := &player{t: t, w: logintest.NewWorld(t, c.rule), user: c.user, via: c.via}
				p.play(c.line)
			})
		})
	}
}

// A choosy factor does not use what the directory has.
type choosy struct{ *logintest.Factor }

func (c choosy) Excluded(u login.User) []string {
	return []string{"not for " + c.Name() + ": a number of " + u.Account.Name, "of both"}
}

func TestWhoHasNothingUsableIsToldApart(t *testing.T) {
	for _, row := range []struct {
		factors []string
		want    string
	}{
		{nil, "not for sms: a number of bob; of both; not for totp: a number of bob"},
		{[]string{"sms"}, "not for sms: a number of bob; of both"},
		{[]string{"recovery"}, ""},
	} {
		w := logintest.NewWorld(t, login.RuleConfig{Factors: row.factors})
		cfg := w.Config
		cfg.Factors = []login.Factor{choosy{w.SMS}, choosy{w.TOTP}, w.Recovery}
		w.Flow = w.NewFlow(cfg)
		p := &player{t: t, w: w, user: "bob", via: login.Via{Client: "vpn", CanAsk: true}}
		p.play("hunter2 => reject not_enrolled")
		if got := w.Last().Detail; got != row.want {
			t.Errorf("%q: %q, want %q", row.factors, got, row.want)
		}
	}
}

func TestAMethodThatFailsLeadsToTheNextInTheSameDialogue(t *testing.T) {
	w := logintest.NewWorld(t, login.RuleConfig{Factors: []string{"sms", "totp"}})
	w.SMS.PromptErr = context.DeadlineExceeded
	p := &player{t: t, w: w, user: "alice", via: login.Via{Client: "vpn", CanAsk: true}}
	p.play(`secret => ask "That could not be sent. Enter the code from your authenticator app, or type 1 for SMS to ••42, 2 for SMS to ••17:" > 111111 => accept`)

	w = logintest.NewWorld(t, login.RuleConfig{Factors: []string{"sms"}})
	w.SMS.PromptErr = context.DeadlineExceeded
	p = &player{t: t, w: w, user: "alice", via: login.Via{Client: "vpn", CanAsk: true}}
	p.play("secret => reject no_method_works")
}

func TestS46AFactorOrStoreThatCannotDecideNeverAccepts(t *testing.T) {
	for name, fail := range map[string]func(*logintest.World){
		"factor":      func(w *logintest.World) { w.TOTP.CheckErr = context.DeadlineExceeded },
		"store":       func(w *logintest.World) { w.Records.FailSwap = context.DeadlineExceeded },
		"enrollments": func(w *logintest.World) { w.Enrollments.Fail = context.DeadlineExceeded },
	} {
		t.Run(name, func(t *testing.T) {
			w := logintest.NewWorld(t)
			p := &player{t: t, w: w, user: "alice", via: login.Via{Client: "vpn", CanAsk: true}}
			p.play("secret => " + askTOTP)
			fail(w)
			if got := p.say("111111"); got != "error" {
				t.Errorf("got %s, want error", got)
			}
			if e := w.Last(); e.Outcome != "error" || e.Reason != login.ReasonUnavailable {
				t.Errorf("got event %s %s, want error dependency_unavailable", e.Outcome, e.Reason)
			}
		})
	}
}

func TestS46ASignInThatCannotBeWrittenDownIsNoAccept(t *testing.T) {
	w := logintest.NewWorld(t)
	w.Records.FailSwap = context.DeadlineExceeded
	p := &player{t: t, w: w, user: "alice", via: login.Via{Client: "vpn", Append: login.AppendComma}}
	p.play("secret,111111 => error")
}
