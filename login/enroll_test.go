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
	enrollFirst  = `ask "You have no second factor yet. Type 1 for the app, 2 for SMS to ••42:"`
	enrollApp    = `ask "Add this key to your authenticator app: SEED 0001. Enter the code from your authenticator app, or type 2 for SMS to ••42:"`
	enrollSMS    = `ask "Enter the code sent to ••42, or type 1 for the app, 2 to send it again:"`
	secondSMS    = `ask "Enrolled. To add another way type 1 for SMS to ••42; or press Enter:"`
	secondApp    = `ask "Enrolled. To add another way type 1 for the app; or press Enter:"`
	confirmSMS   = `ask "Enter the code sent to ••42, or type 1 to send it again:"`
	confirmApp   = `ask "Add this key to your authenticator app: SEED 0001. Enter the code from your authenticator app:"`
	enrolledBoth = `ask "Enter the code from your authenticator app, or type 2 for SMS to ••42:"`
	approvers    = "cn=approvers,ou=groups,dc=example,dc=org"
)

// wrong is a question put again.
func wrong(ask string) string { return again(ask, "Wrong code, try again.") }

func again(ask, why string) string { return strings.Replace(ask, `ask "`, `ask "`+why+" ", 1) }

// enrollWorld has carla, who has one telephone in the directory and nothing
// enrolled, and a rule that lets people enroll.
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
	w.Flow = login.NewFlow(c)
	carla(w, time.Now().Add(-24*time.Hour), "0042")
	w.Directory.Add(login.Account{ID: "id-erik", Name: "erik", Groups: []string{approvers}}, "secret")
	return w
}

func carla(w *logintest.World, active time.Time, phones ...string) {
	w.Directory.Add(login.Account{ID: "id-carla", Name: "carla", Phones: phones, Active: active}, "secret")
}

func enrollPlayer(t *testing.T, w *logintest.World) *player {
	return &player{t: t, w: w, user: "carla", via: login.Via{Client: "vpn", CanAsk: true, Station: "10.0.0.7", Address: netip.MustParseAddr("10.0.0.7")}}
}

func TestEnrollmentDialogues(t *testing.T) {
	for _, c := range []struct{ name, line string }{
		{"an app, and no more", "secret => " + enrollFirst + " > 1 => " + enrollApp + " > 111111 => " + secondSMS + " >  => accept"},
		{"a telephone, and no more", "secret => " + enrollFirst + " > 2 => " + enrollSMS + " > 500001 => " + secondApp + " >  => accept"},
		{"an app and a telephone", "secret => " + enrollFirst + " > 1 => " + enrollApp + " > 111111 => " + secondSMS + " > 1 => " + confirmSMS + " > 500001 => accept"},
		{"a telephone and an app", "secret => " + enrollFirst + " > 2 => " + enrollSMS + " > 500001 => " + secondApp + " > 1 => " + confirmApp + " > 111111 => accept"},
		{"what was enrolled is asked for the next time", "secret => " + enrollFirst + " > 1 => " + enrollApp + " > 111111 => " + secondSMS + " > 1 => " + confirmSMS + " > 500001 => accept > secret => " + enrolledBoth + " > 111112 => accept"},
		{"the code that confirmed is good once", "secret => " + enrollFirst + " > 1 => " + enrollApp + " > 111111 => " + secondSMS + ` >  => accept > secret => ask "Enter the code from your authenticator app:" > 111111 => ask "That code has been used. Wait for the next one. Enter the code from your authenticator app:"`},
		{"what stands in the directory is no factor before", "secret => " + enrollFirst + " > 500001 => " + again(enrollFirst, "There is no such choice.")},
		{"a choice that is not there", "secret => " + enrollFirst + " > 7 => " + again(enrollFirst, "There is no such choice.") + " > 1 => " + enrollApp},
		{"nothing typed, where it is not enough", "secret => " + enrollFirst + " >  => " + again(enrollFirst, "There is no such choice.")},
		{"the password is no code", "secret => " + enrollFirst + " > 2 => " + enrollSMS + " > secret => " + wrong(enrollSMS)},
		{"a wrong code shows the same key again", "secret => " + enrollFirst + " > 1 => " + enrollApp + " > 999999 => " + wrong(enrollApp) + " > 111111 => " + secondSMS},
		{"the third wrong code ends it", "secret => " + enrollFirst + " > 1 => " + enrollApp + " > 999999 => " + wrong(enrollApp) + " > 999999 => " + wrong(enrollApp) + " > 999999 => reject too_many_tries"},
		{"the third wrong code of the second way ends only that", "secret => " + enrollFirst + " > 1 => " + enrollApp + " > 111111 => " + secondSMS + " > 1 => " + confirmSMS + " > 9 => " + again(confirmSMS, "There is no such choice.") + " > 999999 => " + wrong(confirmSMS) + " > 999999 => " + wrong(confirmSMS) + " > 999999 => accept"},
		{"another way after all", "secret => " + enrollFirst + " > 1 => " + enrollApp + " > 2 => " + enrollSMS + " > 500001 => " + secondApp},
		{"the message again", "secret => " + enrollFirst + " > 2 => " + enrollSMS + " > 2 => " + enrollSMS + " > 500001 => " + wrong(enrollSMS) + " > 500002 => " + secondApp},
		{"five minutes to type the key", "secret => " + enrollFirst + " > 1 => " + enrollApp + " > wait 4m59s > 111111 => " + secondSMS},
		{"and no more", "secret => " + enrollFirst + " > 1 => " + enrollApp + " > wait 5m2s > 111111 => reject question_expired"},
		{"a wrong answer does not make a message younger", "secret => " + enrollFirst + " > 2 => " + enrollSMS + " > wait 4m > 1234 => " + wrong(enrollSMS) + " > wait 2m > 500001 => reject question_expired"},
		{"a restart loses nobody", "secret => " + enrollFirst + " > restart > 1 => " + enrollApp + " > restart > 111111 => " + secondSMS + " > restart >  => accept"},
		{"no directory while it goes on", "secret => " + enrollFirst + " > stop directory > 1 => " + enrollApp + " > 111111 => " + secondSMS + " >  => accept"},
		{"a wrong password gets no menu", "guess => reject bad_password"},
		{"rounds end", "secret => " + enrollFirst + strings.Repeat(" > 7 => "+again(enrollFirst, "There is no such choice."), 11) + " > 7 => reject too_many_tries"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				enrollPlayer(t, enrollWorld(t, nil)).play(c.line)
			})
		})
	}
}

func TestWhoMayEnroll(t *testing.T) {
	for _, c := range []struct {
		name   string
		rule   func(*login.RuleConfig)
		via    func(*login.Via)
		active func(now time.Time) time.Time
		phones []string
		line   string
	}{
		{name: "somebody who was there yesterday", phones: []string{"0042"}, line: "secret => " + enrollFirst},
		{name: "nobody at a client that shows no question", via: func(v *login.Via) { v.CanAsk = false }, line: "secret => reject not_enrolled"},
		{
			name: "only what the rule lets be enrolled", rule: func(r *login.RuleConfig) { r.Enrollable = []string{"sms"} },
			phones: []string{"0042"}, line: `secret => ask "You have no second factor yet. Type 1 for SMS to ••42:"`,
		},
		{
			name: "only what the rule allows", rule: func(r *login.RuleConfig) { r.Factors = []string{"sms"} },
			line: "secret => reject not_enrolled",
		},
		{
			name: "from the networks of the rule", rule: func(r *login.RuleConfig) { r.EnrollFrom = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")} },
			phones: []string{"0042"}, line: "secret => " + enrollFirst,
		},
		{
			name: "from an address of another spelling", rule: func(r *login.RuleConfig) { r.EnrollFrom = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")} },
			via:    func(v *login.Via) { v.Address = netip.MustParseAddr("::ffff:10.0.0.7") },
			phones: []string{"0042"}, line: "secret => " + enrollFirst,
		},
		{
			name: "not from another network", rule: func(r *login.RuleConfig) { r.EnrollFrom = []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16")} },
			line: "secret => reject enroll_not_from_here",
		},
		{
			name: "nor from nobody knows where", rule: func(r *login.RuleConfig) { r.EnrollFrom = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")} },
			via: func(v *login.Via) { v.Address = netip.Addr{} }, line: "secret => reject enroll_not_from_here",
		},
		{name: "not with a dormant account", active: func(now time.Time) time.Time { return now.AddDate(0, 0, -90) }, line: "secret => reject dormant_account"},
		{name: "nor one of which nothing is known", active: func(time.Time) time.Time { return time.Time{} }, line: "secret => reject dormant_account"},
		{
			name: "unless the rule says so", rule: func(r *login.RuleConfig) { r.Dormant = -1 },
			active: func(time.Time) time.Time { return time.Time{} }, phones: []string{"0042"}, line: "secret => " + enrollFirst,
		},
		{
			name: "the days are the rule's", rule: func(r *login.RuleConfig) { r.Dormant = 30 },
			active: func(now time.Time) time.Time { return now.AddDate(0, 0, -31) }, line: "secret => reject dormant_account",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := enrollWorld(t, c.rule)
				active := time.Now().Add(-24 * time.Hour)
				if c.active != nil {
					active = c.active(time.Now())
				}
				carla(w, active, c.phones...)
				p := enrollPlayer(t, w)
				if c.via != nil {
					c.via(&p.via)
				}
				p.play(c.line)
			})
		})
	}
}

// The directory refuses these before anything is asked; enrolling must not be a
// way around that.
func TestAccountsThatTheDirectoryRefusesEnrollNothing(t *testing.T) {
	for _, r := range []login.Reason{login.ReasonDisabled, login.ReasonAccountExpired, login.ReasonPasswordExpired, login.ReasonMustChange, login.ReasonLockedDirectory} {
		synctest.Test(t, func(t *testing.T) {
			w := enrollWorld(t, nil)
			w.Directory.Refuse("carla", r)
			enrollPlayer(t, w).play("secret => reject " + string(r))
		})
	}
}

// A sign-in is news to the directory: the second try of an attacker would find
// an account that was used a moment ago.
func TestADormantAccountStaysDormant(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := enrollWorld(t, nil)
		carla(w, time.Now().AddDate(-1, 0, 0), "0042")
		p := enrollPlayer(t, w)
		p.play("secret => reject dormant_account")
		carla(w, time.Now(), "0042")
		p.play("wait 20m > secret => reject dormant_account > wait 500h > secret => reject dormant_account")

		// Until the service desk has made sure who she is.
		erik := login.Account{ID: "id-erik"}
		approve(t, w, erik, nil)
		p.play("wait 23h > secret => " + enrollFirst)
		p.play("start over > wait 2h > secret => reject dormant_account")
		approve(t, w, erik, nil)
		p.play("wait 20m > secret => " + enrollFirst + " > 1 => " + enrollApp + " > 111111 => " + secondSMS + " >  => accept")
	})
}

func approve(t *testing.T, w *logintest.World, by login.Account, want error) *login.Credential {
	t.Helper()
	c, err := login.Approve(t.Context(), w.Records, w.Enrollments, login.Account{ID: "id-carla", Name: "carla"}, by, time.Now())
	if !errors.Is(err, want) {
		t.Fatalf("got %v, want %v", err, want)
	}
	return c
}

func TestFourEyes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := enrollWorld(t, func(r *login.RuleConfig) { r.Approval = approvers })
		erik := login.Account{ID: "id-erik", Groups: []string{"CN=Approvers, ou=groups,dc=example,dc=org"}}
		p := enrollPlayer(t, w)
		approve(t, w, erik, login.ErrNothingWaits)
		p.play("secret => " + enrollFirst + " > 1 => " + enrollApp)
		other := *p // a second dialogue of the same account
		other.ticket = nil
		other.play("secret => " + enrollFirst + " > 2 => " + enrollSMS)
		p.play("111111 => reject enrollment_waits > wait 20m > secret => reject enrollment_waits")
		other.ticket = nil
		if e, _ := w.Enrollments.Enrollment(t.Context(), "id-carla"); len(e.Credentials) > 0 {
			t.Errorf("it counts before it was approved: %v", e)
		}

		approve(t, w, login.Account{ID: "id-carla", Groups: erik.Groups}, login.ErrOwnApproval)
		approve(t, w, login.Account{ID: "id-dora", Groups: []string{"cn=staff,ou=groups,dc=example,dc=org"}}, login.ErrNoApprover)
		approve(t, w, login.Account{}, login.ErrOwnApproval)
		if c := approve(t, w, erik, nil); c == nil || c.Kind != "totp" {
			t.Errorf("approved %v", c)
		}
		approve(t, w, erik, login.ErrNothingWaits)
		p.play(`wait 20m > secret => ask "Enter the code from your authenticator app:" > 111112 => accept`)
	})
}

func TestSheIsToldThatItWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := enrollWorld(t, func(r *login.RuleConfig) { r.Approval = approvers })
		enrollPlayer(t, w).play("secret => " + enrollFirst + " > 1 => " + enrollApp + " > 111111 => reject enrollment_waits")
		time.Sleep(20 * time.Minute)
		s, err := w.Begin(t.Context(), login.Attempt{User: "carla", Secret: login.Cleartext("secret"), Via: login.Via{Client: "vpn", CanAsk: true}})
		if r, ok := s.(login.Reject); !ok || !strings.HasPrefix(r.Text, "Your second factor waits for approval.") {
			t.Errorf("got %v, %v", s, err)
		}
	})
}

func TestAnEnrollmentDoesNotWaitForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := enrollWorld(t, func(r *login.RuleConfig) { r.Approval, r.Dormant = approvers, -1 })
		p := enrollPlayer(t, w)
		p.play("secret => " + enrollFirst + " > 1 => " + enrollApp + " > 111111 => reject enrollment_waits > wait 168h")
		approve(t, w, login.Account{ID: "id-erik", Groups: []string{approvers}}, login.ErrNothingWaits)
		p.play("secret => " + enrollFirst)
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
				p.play("secret => " + enrollFirst + " > 2 => " + enrollSMS)
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
		guess := "secret => " + enrollFirst + " > 2 => " + enrollSMS + " > 1111111 => " + wrong(enrollSMS)
		enrollPlayer(t, w).play(guess + " > 1111111 => " + wrong(enrollSMS) + " > 1111111 => reject too_many_tries > " + guess + " > 1111111 => reject locked > secret => reject locked")
	})
}

func TestAnEnrollmentThatCannotBeSentOffersTheRest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := enrollWorld(t, nil)
		w.SMS.PromptErr = errors.New("gateway is down")
		enrollPlayer(t, w).play("secret => " + enrollFirst + " > 2 => " + again(enrollFirst, "That could not be sent.") + " > 1 => " + enrollApp)
	})
}

// What is not durable is not enrolled, and lets nobody in.
func TestEnrollingIsDurableBeforeTheAccept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := enrollWorld(t, nil)
		p := enrollPlayer(t, w)
		p.play("secret => " + enrollFirst + " > 1 => " + enrollApp)
		w.Enrollments.Fail = errors.New("disk is full")
		p.play("111111 => error")
	})
}

func TestEnrollingBeforeTheDate(t *testing.T) {
	early := func(r *login.RuleConfig) {
		r.From, r.Before = time.Now().Add(109*time.Hour), login.BeforeEnroll
	}
	ask := `ask "From 2000-01-05 you need a second factor. Days left: 5. Type 1 for the app, 2 for SMS to ••42; or press Enter to go on:"`
	for _, c := range []struct{ name, line string }{
		{"she may go on without", "secret => " + ask + " >  => accept > secret => " + ask},
		{"she may enroll", "secret => " + ask + " > 1 => " + enrollApp + " > 111111 => " + secondSMS + " >  => accept > secret => accept"},
		{"or change her mind", "secret => " + ask + " > 1 => " + enrollApp + " >  => accept > secret => " + ask},
		{"wrong codes keep nobody out", "secret => " + ask + " > 1 => " + enrollApp + " > 999999 => " + wrong(enrollApp) + " > 999999 => " + wrong(enrollApp) + " > 999999 => accept"},
		{"the date comes while she is asked", "secret => " + ask + " >  => accept > wait 108h59m > secret => " + strings.Replace(ask, "left: 5", "left: 1", 1) + " > wait 2m >  => " + again(enrollFirst, "There is no such choice.")},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				enrollPlayer(t, enrollWorld(t, early)).play(c.line)
			})
		})
	}
}

func TestEnrollingIsAudited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := enrollWorld(t, nil)
		enrollPlayer(t, w).play("secret => " + enrollFirst + " > 1 => " + enrollApp + " > 111111 => " + secondSMS + " >  => accept")
		var got []string
		for _, e := range w.Events() {
			got = append(got, strings.TrimSpace(fmt.Sprint(e.Outcome, " ", e.Reason, " ", e.Method)))
			if strings.Contains(fmt.Sprintf("%+v", e), "SEED") {
				t.Errorf("the key is told: %+v", e)
			}
		}
		if want := "ask enrolling|ask enrolling totp|enrolled ok totp|ask enrolling|accept ok totp"; strings.Join(got, "|") != want {
			t.Errorf("got %s\nwant %s", strings.Join(got, "|"), want)
		}
	})
}
