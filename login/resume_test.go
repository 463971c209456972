package login_test

import (
	"context"
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

// What is so when the answer comes decides, and not what was so when the question
// was put.
func TestAnAnswerIsDecidedByWhatIsSoNow(t *testing.T) {
	for _, c := range []struct {
		name      string
		meanwhile func(t *testing.T, w *logintest.World)
		typed     string
		want      string
	}{
		{"the rule denies her", func(t *testing.T, w *logintest.World) {
			reload(t, w, login.RuleConfig{SecondFactor: login.SecondDeny})
		}, "111111", "reject denied_by_rule"},
		{"her name is another account's", func(_ *testing.T, w *logintest.World) {
			w.Directory.Add(login.Account{ID: "id-other", Name: "alice"}, "secret")
		}, "111111", "reject bad_state"},
		{"she has reported another sign-in", func(t *testing.T, w *logintest.World) {
			calls := withCalls(w, report)
			thief := login.Via{Client: "vpn", Station: "192.0.2.66", Patience: 25 * time.Second}
			if got := outcome(w.Begin(t.Context(), alice(thief))); got != "reject fraud_reported" || len(calls.Rung()) != 1 {
				t.Fatal(got)
			}
		}, "111111", "reject blocked_by_fraud_report"},
		{"2 means another way", func(_ *testing.T, w *logintest.World) {
			w.Enrollments.Set("id-alice", login.Enrollment{Preferred: "sms/1"})
		}, "2", `ask "There is no such choice. Enter the code from your authenticator app, or type 1 for SMS to ••17, 3 for SMS to ••42:"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := logintest.NewWorld(t)
				p := &player{t: t, w: w, user: "alice", via: vpn}
				p.play("secret => " + askTOTP)
				c.meanwhile(t, w)
				p.play(c.typed + " => " + c.want)
				if len(w.SMS.Sent) != 0 {
					t.Errorf("a message was sent to %v", w.SMS.Sent)
				}
			})
		})
	}
}

// Each choice sends a message: a dialogue that only chooses ends.
func TestADialogueOfChoicesEnds(t *testing.T) {
	w := logintest.NewWorld(t)
	p := &player{t: t, w: w, user: "alice", via: vpn}
	p.play("secret => " + askTOTP + strings.Repeat(" > 2 => "+askSMS, 6) + " > 2 => reject too_many_tries")
	if n := len(w.SMS.Sent); n != 6 {
		t.Errorf("%d messages were sent, want 6", n)
	}
}

// Nor does one go on for ever in which Enter is pressed again and again.
func TestADialogueOfEntersEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := logintest.NewWorld(t)
		withCalls(w, late)
		p := &player{t: t, w: w, user: "alice", via: login.Via{Client: "vpn", Station: "10.0.0.7", CanAsk: true, Patience: time.Second}}
		p.play("secret => " + stillCall + strings.Repeat(" >  => "+stillCall, 6) + " >  => reject too_many_tries")
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	})
}

// What is being asked elsewhere ends only by the dialogue that it is about: an old
// question, answered by a code, leaves the call of a later sign-in alone.
func TestAnOldQuestionEndsNoLaterCall(t *testing.T) {
	for _, another := range []bool{false, true} {
		t.Run(fmt.Sprintf("on another node %v", another), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := logintest.NewWorld(t)
				withCalls(w, logintest.Answer{After: 30 * time.Second, Err: login.ErrDenied}, logintest.Answer{After: 20 * time.Second})
				node := w.Flow
				if another {
					node = w.NewFlow(w.Config)
				}
				p := &player{t: t, w: w, user: "alice", via: login.Via{Client: "vpn", Station: "10.0.0.7", CanAsk: true, Patience: 25 * time.Second}}
				p.play("secret => " + stillCall + " > wait 1m")
				var later string
				var wg sync.WaitGroup
				wg.Go(func() {
					s, err := node.Begin(t.Context(), alice(mute))
					later = outcome(login.Await(t.Context(), s, err))
				})
				p.play("wait 5s > 111111 => accept")
				wg.Wait()
				if later != "accept" {
					t.Errorf("the later sign-in: got %s, want accept", later)
				}
			})
		})
	}
}

// A slow is Records that promise a change and tell later whether it is durable;
// errs are how the next ones end.
type slow struct {
	*logintest.Records

	errs []error
}

type promise struct{ err error }

func (p promise) Wait(context.Context) error { return p.err }

func (s *slow) Start(ctx context.Context, key string, rev uint64, data []byte) (login.Pending, error) {
	p := promise{}
	if len(s.errs) > 0 {
		p.err, s.errs = s.errs[0], s.errs[1:]
	}
	return p, s.Swap(ctx, key, rev, data)
}

// S-46: a ticket is spent, and a wrong code counted, when that is on disk: by what
// was only promised nothing is decided.
func TestS46WhatIsOnlyPromisedDecidesNothing(t *testing.T) {
	full := errors.New("the disk is full")
	for _, c := range []struct {
		name, typed string
		errs        []error
	}{
		{"the ticket, with the right code", "111111", []error{full}},
		{"the ticket, with a wrong one", "999999", []error{full}},
		{"that a code was wrong", "999999", []error{nil, full}},
		{"that a code was right", "111111", []error{nil, full}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := logintest.NewWorld(t)
			records := &slow{Records: w.Records}
			conf := w.Config
			conf.Records = records
			w.Flow = w.NewFlow(conf)
			p := &player{t: t, w: w, user: "alice", via: vpn}
			p.play("secret => " + askTOTP)
			records.errs = c.errs
			p.play(c.typed + " => error")
		})
	}
}

// S-14: to say that one has answered elsewhere is an answer, too.
func TestS14ATicketIsGoodForOneEnter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := logintest.NewWorld(t)
		withCalls(w, late)
		v := login.Via{Client: "vpn", Station: "10.0.0.7", CanAsk: true, Patience: 25 * time.Second}
		ticket := ask(t, w, "alice", "secret", v)
		time.Sleep(30 * time.Second)
		if s, _ := answer(t, w, "alice", ticket, v, ""); !s.(login.Accept).Valid() {
			t.Fatal("the approval was not good to begin with")
		}
		if s, r := answer(t, w, "alice", ticket, v, ""); r != login.ReasonSpentTicket {
			t.Errorf("the second time: got %#v, want state_used_before", s)
		}
	})
}

// S-02: a code that was sent to somebody whose client cannot ask is good once, also
// on two nodes at the same moment.
func TestS02ACodeBehindThePasswordIsGoodOnceOnTwoNodes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := logintest.NewWorld(t)
		v := login.Via{Client: "vpn", Station: "10.0.0.7", Append: login.AppendComma}
		(&player{t: t, w: w, user: "alice", via: v}).play("secret,sms => reject code_sent")
		w.Records.Delay = 10 * time.Millisecond
		got := map[string]int{}
		var mu sync.Mutex
		var wg sync.WaitGroup
		for _, node := range []*login.Flow{w.Flow, w.NewFlow(w.Config)} {
			wg.Go(func() {
				s, err := node.Begin(t.Context(), login.Attempt{User: "alice", Secret: login.Cleartext("secret,500001"), Via: v})
				o := outcome(login.Await(t.Context(), s, err))
				mu.Lock()
				defer mu.Unlock()
				got[o]++
			})
		}
		wg.Wait()
		if got["accept"] != 1 || got["reject state_used_before"] != 1 {
			t.Errorf("got %v, want one accept and one state_used_before", got)
		}
	})
}

// A code that was sent to somebody whose client cannot ask belongs to the place that
// it was asked for from, and to its time.
func TestACodeBehindThePasswordIsOfOneSignIn(t *testing.T) {
	there := login.Via{Client: "vpn", Station: "10.0.0.7", Append: login.AppendComma}
	elsewhere, other := there, there
	elsewhere.Station, other.Client = "192.0.2.66", "wifi"
	for _, c := range []struct {
		name string
		via  login.Via
		line string
	}{
		{"there", there, "wait 5m > secret,500001 => accept"},
		{"too late", there, "wait 5m1s > secret,500001 => reject wrong_code"},
		{"elsewhere", elsewhere, "secret,500001 => reject wrong_code"},
		{"at another client", other, "secret,500001 => reject wrong_code"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := &player{t: t, w: logintest.NewWorld(t), user: "alice", via: there}
				p.play("secret,sms => reject code_sent")
				p.via = c.via
				p.play(c.line)
			})
		})
	}
}

// Records of accounts are kept under their ids: one without would share them with
// all others of the kind, and one too long would never fit a ticket.
func TestAnAccountHasAnIDThatFits(t *testing.T) {
	for _, c := range []struct{ name, id, want string }{
		{"none", "", "error"},
		{"one too long", strings.Repeat("x", 81), "error"},
		{"the longest", strings.Repeat("x", 80), "reject not_enrolled"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := logintest.NewWorld(t)
			w.Directory.Add(login.Account{ID: c.id, Name: "carol"}, "secret")
			p := &player{t: t, w: w, user: "carol", via: vpn}
			p.play("secret => " + c.want)
			if binds, tried := w.Directory.Binds.Load(), c.want != "error"; (binds > 0) != tried {
				t.Error(fmt.Sprint(binds), "passwords were tried")
			}
		})
	}
}

// S-46: a guard that cannot be read is not one that holds nobody: deciding by it
// would forgive all that was guessed.
func TestS46AGuardThatCannotBeReadDecidesNothing(t *testing.T) {
	w := logintest.NewWorld(t)
	p := &player{t: t, w: w, user: "alice", via: vpn}
	p.play("secret => " + askTOTP + " > 111111 => accept > secret => " + askTOTP)
	key := login.GuardKey("id-alice")
	v, err := w.Records.Get(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	for _, damaged := range [][]byte{{}, v.Data[:len(v.Data)-1], append([]byte{99}, v.Data[1:]...)} {
		if v, err = w.Records.Get(t.Context(), key); err != nil {
			t.Fatal(err)
		}
		if err := w.Records.Swap(t.Context(), key, v.Rev, damaged); err != nil {
			t.Fatal(err)
		}
		again := *p
		again.play("111112 => error")
		again.play("start over > secret => error")
	}
}

// telling is an approver that can also tell a code, as calls do.
type telling struct{ *logintest.Approver }

func (telling) Prompt(context.Context, login.User, login.Method) ([]byte, error) {
	return []byte("500001"), nil
}

func (telling) Check(_ context.Context, _ login.User, _ login.Method, memo []byte, answer login.Secret) error {
	switch {
	case len(memo) != 6:
		return errors.New("memo of another version")
	case !answer.Is(string(memo)):
		return &login.Refusal{Reason: login.ReasonWrongCode}
	}
	return nil
}

// What the question of an approval has in its ticket is the claim, and no code
// that could be typed.
func TestAClaimIsNoCode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := logintest.NewWorld(t)
		calls := withCalls(w, late)
		c := w.Config
		c.Factors = append([]login.Factor{telling{calls}}, c.Factors[1:]...)
		w.Flow = w.NewFlow(c)
		p := &player{t: t, w: w, user: "alice", via: login.Via{Client: "vpn", Station: "10.0.0.7", CanAsk: true, Patience: 25 * time.Second}}
		p.play("secret => " + stillCall + " > 999999 => " + strings.Replace(stillCall, `ask "`, `ask "Wrong code, try again. `, 1) + " >  => accept")
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	})
}
