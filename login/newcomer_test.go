package login_test

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/portvakt/portvakt/login"
	"github.com/portvakt/portvakt/login/logintest"
)

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
			name: "no app where its key would be cut off", via: func(v *login.Via) { v.Room = 200 }, line: "secret => reject not_enrolled",
		},
		{
			name: "as many choices as the client shows", via: func(v *login.Via) { v.Room = 100 }, phones: []string{"0042", "0017", "0018", "0019", "0020"},
			line: `secret => ask "You have no second factor yet. Type 1 for SMS to ••42, 2 for SMS to ••17:" > 5 => ask "Enter the code sent to ••20, or type 1 for SMS to ••42, 2 for SMS to ••17:"`,
		},
		{
			name: "only what the rule lets be enrolled", rule: func(r *login.RuleConfig) { r.Enrollable = []string{"sms"} },
			phones: []string{"0042"}, line: "secret => " + enrollFirst,
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
		p := enrollPlayer(t, w)
		// A directory that does not tell is no proof against her: that is not kept.
		carla(w, time.Time{}, "0042")
		p.play("secret => reject dormant_account")
		carla(w, time.Now(), "0042")
		p.play("wait 20m > secret => " + enrollFirst + " > start over")

		carla(w, time.Now().AddDate(-1, 0, 0), "0042")
		p.play("wait 20m > secret => reject dormant_account")
		carla(w, time.Now(), "0042")
		p.play("wait 20m > secret => reject dormant_account > wait 500h > secret => reject dormant_account")

		// Until the service desk has made sure who she is.
		erik := login.Account{ID: "id-erik"}
		approve(t, w, erik, nil)
		p.play("wait 23h > secret => " + enrollFirst)
		p.play("start over > wait 2h > secret => reject dormant_account")
		approve(t, w, erik, nil)
		p.play("wait 20m > secret => " + enrollFirst + " > 1 => " + enrollSMS + " > 500001 => " + secondApp + " >  => accept")
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
		p.play("secret => " + enrollFirst + " > 1 => " + enrollSMS)
		other := *p // a second dialogue of the same account
		other.ticket = nil
		other.play("secret => " + enrollFirst + " > 1 => " + enrollSMS)
		p.play("500001 => reject enrollment_waits > wait 20m > secret => reject enrollment_waits")
		other.ticket = nil
		if e, _ := w.Enrollments.Enrollment(t.Context(), "id-carla"); len(e.Credentials) > 0 {
			t.Errorf("it counts before it was approved: %v", e)
		}

		approve(t, w, login.Account{ID: "id-carla", Groups: erik.Groups}, login.ErrOwnApproval)
		approve(t, w, login.Account{ID: "id-dora", Groups: []string{"cn=staff,ou=groups,dc=example,dc=org"}}, login.ErrNoApprover)
		approve(t, w, login.Account{}, login.ErrOwnApproval)
		if c := approve(t, w, erik, nil); c == nil || c.Kind != "phone" {
			t.Errorf("approved %v", c)
		}
		approve(t, w, erik, login.ErrNothingWaits)
		p.play("wait 20m > secret => " + enrollSMS + " > 500003 => accept")
	})
}

func TestWhatWaitsCanBeForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := enrollWorld(t, func(r *login.RuleConfig) { r.Approval = approvers })
		p := enrollPlayer(t, w)
		p.play("secret => " + enrollFirst + " > 1 => " + enrollSMS + " > 500001 => reject enrollment_waits > wait 20m > secret => reject enrollment_waits")
		if err := login.ForgetNewcomer(t.Context(), w.Records, "id-carla", time.Now()); err != nil {
			t.Fatal(err)
		}
		p.play("wait 20m > secret => " + enrollFirst)

		// But not that she was refused: the sign-in has made the account active.
		carla(w, time.Now().AddDate(-1, 0, 0), "0042")
		p.play("start over > secret => reject dormant_account")
		if err := login.ForgetNewcomer(t.Context(), w.Records, "id-carla", time.Now()); err != nil {
			t.Fatal(err)
		}
		carla(w, time.Now(), "0042")
		p.play("wait 20m > secret => reject dormant_account")

		// Nor when she was let enroll for a day, and that is what is forgotten.
		approve(t, w, login.Account{ID: "id-erik"}, nil)
		p.play("wait 20m > secret => " + enrollFirst + " > 1 => " + enrollSMS + " > 500002 => reject enrollment_waits")
		if err := login.ForgetNewcomer(t.Context(), w.Records, "id-carla", time.Now()); err != nil {
			t.Fatal(err)
		}
		carla(w, time.Now().Add(25*time.Hour), "0042")
		p.play("wait 25h > secret => reject dormant_account")
	})
}

// Two dialogues end at the same moment on two nodes: what waits first goes on
// waiting, and nothing takes its place unseen.
func TestOnlyOneEnrollmentWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := enrollWorld(t, func(r *login.RuleConfig) { r.Approval = approvers })
		first, second := enrollPlayer(t, w), enrollPlayer(t, w)
		for _, p := range []*player{first, second} {
			p.play("secret => " + enrollFirst + " > 1 => " + enrollSMS)
		}
		cfg := w.Config
		cfg.Records = &taken{w.Records, login.NewcomerKey("id-carla"), func() { first.play("500001 => reject enrollment_waits") }}
		a := login.Attempt{User: second.user, Secret: second.secret("500002"), Via: second.via}
		if got := outcome(w.NewFlow(cfg).Resume(t.Context(), a, second.ticket)); got != "reject enrolled_meanwhile" {
			t.Errorf("the second: got %s", got)
		}
	})
}

// What an explanation says is what would happen, and it changes nothing.
func TestOffersAreExplained(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := enrollWorld(t, nil)
		via := login.Via{Client: "vpn", CanAsk: true}
		for _, c := range []struct {
			name   string
			active time.Time
			via    login.Via
			want   string
		}{
			{"somebody active", time.Now(), via, "sms"},
			{"somebody dormant", time.Now().AddDate(-1, 0, 0), via, "dormant_account"},
			{"the same again", time.Now(), via, "sms"},
			{"a client without questions", time.Now(), login.Via{Client: "vpn"}, "not_enrolled"},
		} {
			a := login.Account{ID: "id-carla", Name: "carla", Phones: []string{"0042"}, Active: c.active}
			d := w.Policy.For(a, c.via, time.Now())
			if ms, err := w.Methods(t.Context(), a, d); len(ms) > 0 || err != nil {
				t.Errorf("%s: methods %v, %v", c.name, ms, err)
			}
			ms, err := w.Offers(t.Context(), a, d, c.via, time.Now())
			got := string(login.Refused(err))
			for _, m := range ms {
				got = strings.TrimSpace(got + " " + m.Factor)
			}
			if got != c.want {
				t.Errorf("%s: got %q, %v, want %q", c.name, got, err, c.want)
			}
		}
	})
}

// Who may write her entry takes her number away, or gives her another: that makes
// nobody a newcomer who may enroll an app of his own.
func TestS08ANumberTakenAwayOpensNoEnrollment(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := enrollWorld(t, nil)
		p := enrollPlayer(t, w)
		p.play("secret => " + enrollFirst + " > 1 => " + enrollSMS + " > 500001 => " + secondApp + " >  => accept")
		carla(w, time.Now())
		p.play("wait 20m > secret => reject not_enrolled")
		if d := w.Last().Detail; !strings.Contains(d, "counts no more") {
			t.Errorf("the service desk sees %q", d)
		}
		// Another number counts once it has cooled, and was confirmed.
		carla(w, time.Now(), "0066")
		p.play(`wait 20m > secret => ask "You have no second factor yet. Type 1 for SMS to ••66:" > 1 => ask "Enter the code sent to ••66, or type 1 to send it again:" > 111111 => ask "Wrong code, try again. Enter the code sent to ••66, or type 1 to send it again:" > 500002 => ` + secondApp + " > 1 => " + enrollApp + " > 111111 => accept")
	})
}

// The list of whom a rule will refuse knows who will be able to enroll.
func TestEnrollingIsForeseen(t *testing.T) {
	for want, networks := range map[string]string{"ask ok [enroll]": "10.0.0.0/8", "reject enroll_not_from_here []": "10.1.0.0/16"} {
		synctest.Test(t, func(t *testing.T) {
			w := enrollWorld(t, func(r *login.RuleConfig) {
				r.From, r.Before, r.EnrollFrom = time.Now().Add(time.Hour), login.BeforeReport, []netip.Prefix{netip.MustParsePrefix(networks)}
			})
			enrollPlayer(t, w).play("secret => accept")
			if f := w.Last().Foresight; f == nil || strings.Join([]string{f.Outcome, string(f.Reason), "[" + strings.Join(f.Methods, " ") + "]"}, " ") != want {
				t.Errorf("got %+v, want %s", f, want)
			}
		})
	}
}

// Numbers that the directory has just got are neither used nor enrolled.
func TestNumbersThatAreTooNewAreNotUsed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := enrollWorld(t, nil)
		c := w.Config
		c.Telephones = only{"0042"}
		w.Flow = w.NewFlow(c)
		carla(w, time.Now(), "0042", "0066")
		enrollPlayer(t, w).play("secret => " + enrollFirst)
		c.Telephones = only{}
		w.Flow = w.NewFlow(c)
		enrollPlayer(t, w).play("secret => reject not_enrolled") // who has a new number is no newcomer without one
		if d := w.Last().Detail; !strings.Contains(d, "portvakt phone trust") {
			t.Errorf("the service desk sees %q", d)
		}
		c.Telephones = only{"broken"}
		w.Flow = w.NewFlow(c)
		enrollPlayer(t, w).play("secret => error")
	})
}

// only is a login.Telephones that lets these numbers be used.
type only []string

func (o only) Settled(_ context.Context, u login.User) ([]string, bool, error) {
	if len(o) > 0 && o[0] == "broken" {
		return nil, false, errors.New("store is down")
	}
	return o, len(o) < len(u.Account.Phones), nil
}

// watched counts how it is asked.
type watched struct{ settled, looked int }

func (n *watched) Settled(_ context.Context, u login.User) ([]string, bool, error) {
	n.settled++
	return u.Account.Phones, false, nil
}

func (n *watched) Look(_ context.Context, u login.User) ([]string, bool, error) {
	n.looked++
	return u.Account.Phones, false, nil
}

// What is known of an account at an answer may be as old as the question: nothing
// of it is news about her numbers.
func TestNumbersAreRememberedAtThePasswordOnly(t *testing.T) {
	w := logintest.NewWorld(t)
	c, numbers := w.Config, &watched{}
	c.Telephones = numbers
	w.Flow = w.NewFlow(c)
	p := &player{t: t, w: w, user: "alice", via: vpn}
	p.play("secret => " + askTOTP + " > 999999 => " + askAgain + " > 111111 => accept")
	if *numbers != (watched{settled: 1, looked: 2}) {
		t.Errorf("asked %+v, want once to remember, and twice to look", *numbers)
	}
}

func (o only) Look(ctx context.Context, u login.User) ([]string, bool, error) {
	return o.Settled(ctx, u)
}

func TestSheIsToldThatItWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := enrollWorld(t, func(r *login.RuleConfig) { r.Approval = approvers })
		enrollPlayer(t, w).play("secret => " + enrollFirst + " > 1 => " + enrollSMS + " > 500001 => reject enrollment_waits")
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
		p.play("secret => " + enrollFirst + " > 1 => " + enrollSMS + " > 500001 => reject enrollment_waits > wait 168h")
		approve(t, w, login.Account{ID: "id-erik", Groups: []string{approvers}}, login.ErrNothingWaits)
		p.play("secret => " + enrollFirst)
	})
}
