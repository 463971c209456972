package login_test

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/portvakt/portvakt/login"
	"github.com/portvakt/portvakt/login/logintest"
)

const (
	enrollFirst  = `ask "You have no second factor yet. Type 1 for SMS to ••42:"`
	enrollSMS    = `ask "Enter the code sent to ••42, or type 1 to send it again:"`
	enrollOnly   = `ask "You have no second factor yet. Type 1 for the app:"` // who has no telephone
	enrollApp    = `ask "Add this key to your authenticator app: SEED 0001. Enter the code from your authenticator app:"`
	secondApp    = `ask "Enrolled. To add another way type 1 for the app; or press Enter:"`
	askedForApp  = `ask "Enter the code from your authenticator app:"`
	enrolledBoth = `ask "Enter the code from your authenticator app, or type 2 for SMS to ••42:"`
	approvers    = "cn=approvers,ou=groups,dc=example,dc=org"
)

// wrong is a question put again.
func wrong(ask string) string { return again(ask, "Wrong code, try again.") }

func again(ask, why string) string { return strings.Replace(ask, `ask "`, `ask "`+why+" ", 1) }

// enrollWorld has carla, who has one telephone in the directory and nothing
// enrolled, nora, who has no telephone either, and a rule that lets people enroll.
func enrollWorld(t *testing.T, change func(*login.RuleConfig)) *logintest.World {
	t.Helper()
	rule := login.RuleConfig{Name: "staff", Unenrolled: login.UnenrolledEnroll}
	if change != nil {
		change(&rule)
	}
	w := logintest.NewWorld(t, rule)
	everybody := func(string) bool { return true }
	w.TOTP.For, w.SMS.For = everybody, everybody
	c := w.Config
	c.Factors = []login.Factor{logintest.App{Factor: w.TOTP}, logintest.Phone{Factor: w.SMS}, w.Recovery}
	w.Flow = w.NewFlow(c)
	carla(w, time.Now().Add(-24*time.Hour), "0042")
	nora(w, time.Now().Add(-24*time.Hour))
	w.Directory.Add(login.Account{ID: "id-erik", Name: "erik", Groups: []string{approvers}}, "secret")
	return w
}

func carla(w *logintest.World, active time.Time, phones ...string) {
	w.Directory.Add(login.Account{ID: "id-carla", Name: "carla", Phones: phones, Active: active}, "secret")
}

func nora(w *logintest.World, active time.Time, phones ...string) {
	w.Directory.Add(login.Account{ID: "id-nora", Name: "nora", Phones: phones, Active: active}, "secret")
}

func enrollPlayer(t *testing.T, w *logintest.World) *player {
	return &player{t: t, w: w, user: "carla", via: login.Via{Client: "vpn", CanAsk: true, Station: "10.0.0.7", Address: netip.MustParseAddr("10.0.0.7")}}
}

// noraPlayer is for who has no telephone, and may enroll an app alone.
func noraPlayer(t *testing.T, w *logintest.World) *player {
	p := enrollPlayer(t, w)
	p.user = "nora"
	return p
}

func TestEnrollmentDialogues(t *testing.T) {
	for _, c := range []struct{ name, line string }{
		{"a telephone, and no more", "secret => " + enrollFirst + " > 1 => " + enrollSMS + " > 500001 => " + secondApp + " >  => accept"},
		{"a telephone and an app", "secret => " + enrollFirst + " > 1 => " + enrollSMS + " > 500001 => " + secondApp + " > 1 => " + enrollApp + " > 111111 => accept"},
		{"what was enrolled is asked for the next time", "secret => " + enrollFirst + " > 1 => " + enrollSMS + " > 500001 => " + secondApp + " > 1 => " + enrollApp + " > 111111 => accept > secret => " + enrolledBoth + " > 111112 => accept"},
		{"what stands in the directory is no factor before", "secret => " + enrollFirst + " > 500001 => " + again(enrollFirst, "There is no such choice.")},
		{"a choice that is not there", "secret => " + enrollFirst + " > 7 => " + again(enrollFirst, "There is no such choice.") + " > 1 => " + enrollSMS},
		{"no app before the telephone", "secret => " + enrollFirst + " > 2 => " + again(enrollFirst, "There is no such choice.")},
		{"nothing typed, where it is not enough", "secret => " + enrollFirst + " >  => " + again(enrollFirst, "There is no such choice.")},
		{"the password is no code", "secret => " + enrollFirst + " > 1 => " + enrollSMS + " > secret => " + wrong(enrollSMS)},
		{"the third wrong code of the second way ends only that", "secret => " + enrollFirst + " > 1 => " + enrollSMS + " > 500001 => " + secondApp + " > 1 => " + enrollApp + " > 9 => " + again(enrollApp, "There is no such choice.") + " > 999999 => " + wrong(enrollApp) + " > 999999 => " + wrong(enrollApp) + " > 999999 => accept"},
		{"the message again", "secret => " + enrollFirst + " > 1 => " + enrollSMS + " > 1 => " + enrollSMS + " > 500001 => " + wrong(enrollSMS) + " > 500002 => " + secondApp},
		{"a wrong answer does not make a message younger", "secret => " + enrollFirst + " > 1 => " + enrollSMS + " > wait 4m > 1234 => " + wrong(enrollSMS) + " > wait 2m > 500001 => reject question_expired"},
		{"a restart loses nobody", "secret => " + enrollFirst + " > restart > 1 => " + enrollSMS + " > restart > 500001 => " + secondApp + " > restart >  => accept"},
		{"no directory while it goes on", "secret => " + enrollFirst + " > stop directory > 1 => " + enrollSMS + " > 500001 => " + secondApp + " >  => accept"},
		{"a wrong password gets no menu", "guess => reject bad_password"},
		{"rounds of the second way end only that", "secret => " + enrollFirst + " > 1 => " + enrollSMS + " > 500001 => " + secondApp + strings.Repeat(" > 7 => "+again(secondApp, "There is no such choice."), 12) + " > 7 => accept"},
		{"rounds end", "secret => " + enrollFirst + strings.Repeat(" > 7 => "+again(enrollFirst, "There is no such choice."), 11) + " > 7 => reject too_many_tries"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				enrollPlayer(t, enrollWorld(t, nil)).play(c.line)
			})
		})
	}
}

func TestEnrollmentDialoguesWithoutATelephone(t *testing.T) {
	for _, c := range []struct{ name, line string }{
		{"an app", "secret => " + enrollOnly + " > 1 => " + enrollApp + " > 111111 => accept"},
		{"the code that confirmed is good once", "secret => " + enrollOnly + " > 1 => " + enrollApp + " > 111111 => accept > secret => " + askedForApp + " > 111111 => " + again(askedForApp, "That code has been used. Wait for the next one.")},
		{"a wrong code shows the same key again", "secret => " + enrollOnly + " > 1 => " + enrollApp + " > 999999 => " + wrong(enrollApp) + " > 111111 => accept"},
		{"the third wrong code ends it", "secret => " + enrollOnly + " > 1 => " + enrollApp + " > 999999 => " + wrong(enrollApp) + " > 999999 => " + wrong(enrollApp) + " > 999999 => reject too_many_tries"},
		{"five minutes to type the key", "secret => " + enrollOnly + " > 1 => " + enrollApp + " > wait 4m59s > 111111 => accept"},
		{"and no more", "secret => " + enrollOnly + " > 1 => " + enrollApp + " > wait 5m2s > 111111 => reject question_expired"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				noraPlayer(t, enrollWorld(t, nil)).play(c.line)
			})
		})
	}
}

func TestADeviceIsRememberedBehindAnEnrollment(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := enrollWorld(t, func(r *login.RuleConfig) { r.Remember = 12 * time.Hour })
		enrollPlayer(t, w).play("secret => " + enrollFirst + " > 1 => " + enrollSMS + " > 500001 => " + secondApp + " >  => accept > wait 1h > secret => accept")
	})
}

// Two dialogues of one account: who has the password may be in the other one.
func TestOneEnrollmentOfAnAccount(t *testing.T) {
	for _, approval := range []string{"", approvers} {
		synctest.Test(t, func(t *testing.T) {
			w := enrollWorld(t, func(r *login.RuleConfig) { r.Approval = approval })
			var players []*player
			for i := range 8 {
				p := enrollPlayer(t, w)
				p.via.Station = fmt.Sprint("10.0.0.", i)
				p.play("secret => " + enrollFirst + " > 1 => " + enrollSMS)
				players = append(players, p)
			}
			var all sync.WaitGroup
			said := make([]string, len(players))
			for i, p := range players {
				all.Go(func() { said[i] = p.say(fmt.Sprint(500001 + i)) })
			}
			all.Wait()
			first := 0
			for _, s := range said {
				switch s {
				case secondApp, "reject enrollment_waits":
					first++
				case "reject enrolled_meanwhile":
				default:
					t.Errorf("got %s", s)
				}
			}
			e, err := w.Enrollments.Enrollment(t.Context(), "id-carla")
			if want := map[string]int{"": 1, approvers: 0}[approval]; len(e.Credentials) != want || err != nil {
				t.Errorf("%d are enrolled, want %d: %v", len(e.Credentials), want, err)
			}
			if approval == "" && first != 1 {
				t.Errorf("%d are the first, want 1", first)
			}
		})
	}
}

// Codes of an enrollment are guessed at like others, so they are counted like
// others.
func TestS03GuessingAFirstCodeStopsAtTheLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := enrollWorld(t, nil)
		guess := "secret => " + enrollFirst + " > 1 => " + enrollSMS + " > 1111111 => " + wrong(enrollSMS)
		enrollPlayer(t, w).play(guess + " > 1111111 => " + wrong(enrollSMS) + " > 1111111 => reject too_many_tries > " + guess + " > 1111111 => reject locked > secret => reject locked")
	})
}

func TestAnEnrollmentThatCannotBeSentCanBeTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := enrollWorld(t, nil)
		w.SMS.PromptErr = errors.New("gateway is down")
		p := enrollPlayer(t, w)
		p.play("secret => " + enrollFirst + " > 1 => " + again(enrollFirst, "That could not be sent."))
		w.SMS.PromptErr = nil
		p.play("1 => " + enrollSMS)
	})
}

// What is not durable is not enrolled, and lets nobody in.
func TestEnrollingIsDurableBeforeTheAccept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := enrollWorld(t, nil)
		p := noraPlayer(t, w)
		p.play("secret => " + enrollOnly + " > 1 => " + enrollApp)
		w.Enrollments.Fail = errors.New("disk is full")
		p.play("111111 => error")
	})
}

func TestEnrollingBeforeTheDate(t *testing.T) {
	early := func(r *login.RuleConfig) {
		r.From, r.Before = time.Now().Add(109*time.Hour), login.BeforeEnroll
	}
	ask := `ask "From 2000-01-05 you need a second factor. Days left: 5. Type 1 for the app; or press Enter to go on:"`
	for _, c := range []struct{ name, line string }{
		{"she may go on without", "secret => " + ask + " >  => accept > secret => " + ask},
		{"she may enroll", "secret => " + ask + " > 1 => " + enrollApp + " > 111111 => accept > secret => accept"},
		{"or change her mind", "secret => " + ask + " > 1 => " + enrollApp + " >  => accept > secret => " + ask},
		{"wrong codes keep nobody out", "secret => " + ask + " > 1 => " + enrollApp + " > 999999 => " + wrong(enrollApp) + " > 999999 => " + wrong(enrollApp) + " > 999999 => accept"},
		{"the date comes while she is asked", "secret => " + ask + " >  => accept > wait 108h59m > secret => " + strings.Replace(ask, "left: 5", "left: 1", 1) + " > wait 2m >  => " + again(enrollOnly, "There is no such choice.")},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				noraPlayer(t, enrollWorld(t, early)).play(c.line)
			})
		})
	}
}

// The days left are in what she is told, where she is let in.
func TestRemindersCountTheDays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := enrollWorld(t, func(r *login.RuleConfig) { r.From, r.Before = time.Now().Add(25*time.Hour), login.BeforeRemind })
		s, err := w.Begin(t.Context(), login.Attempt{User: "carla", Secret: login.Cleartext("secret"), Via: login.Via{Client: "vpn", CanAsk: true}})
		want := "From 2000-01-02 this service asks for a second factor. Days left: 2. Please enroll in time."
		if a, ok := s.(login.Accept); !ok || a.Notice() != want {
			t.Errorf("got %v, %v, want an Accept with %q", s, err, want)
		}
		if f := w.Last().Foresight; f == nil || f.Outcome != "ask" || len(f.Methods) != 1 || f.Methods[0] != "enroll" {
			t.Errorf("foreseen %+v", f)
		}
	})
}

func TestEnrollingIsAudited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := enrollWorld(t, nil)
		enrollPlayer(t, w).play("secret => " + enrollFirst + " > 1 => " + enrollSMS + " > 500001 => " + secondApp + " > 1 => " + enrollApp + " >  => accept")
		var got []string
		for _, e := range w.Events() {
			got = append(got, strings.TrimSpace(fmt.Sprint(e.Outcome, " ", e.Reason, " ", e.Method)))
			if strings.Contains(fmt.Sprintf("%+v", e), "SEED") {
				t.Errorf("the key is told: %+v", e)
			}
		}
		if want := "ask enrolling|ask enrolling sms|enrolled ok sms|ask enrolling|ask enrolling totp|accept ok sms"; strings.Join(got, "|") != want {
			t.Errorf("got %s\nwant %s", strings.Join(got, "|"), want)
		}
	})
}
