package login_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/portvakt/portvakt/login"
	"github.com/portvakt/portvakt/login/logintest"
)

// visit is one sign-in of alice, with the app's next code where one is asked.
func visit(t *testing.T, w *logintest.World, via login.Via, password string, code *int) string {
	t.Helper()
	s, err := w.Begin(t.Context(), login.Attempt{User: "alice", Secret: login.Cleartext(password), Via: via})
	ask, asked := s.(login.Ask)
	if !asked {
		return outcome(s, err)
	}
	s, err = w.Resume(t.Context(), login.Attempt{User: "alice", Secret: login.Cleartext(codeOf(*code)), Via: via}, ask.Ticket)
	*code++
	return "asked, " + outcome(s, err)
}

func codeOf(n int) string { return string([]byte{'1', '1', '1', '1', '1', byte('1' + n)}) }

func TestARememberedDeviceIsNotAskedAgain(t *testing.T) {
	const asked, not = "asked, accept", "accept"
	home := login.Via{Client: "vpn", Station: "10.0.0.7", CanAsk: true}
	at := func(change func(*login.Via)) login.Via {
		v := home
		change(&v)
		return v
	}
	for _, c := range []struct {
		name   string
		rule   login.RuleConfig
		then   func(w *logintest.World)
		via    login.Via
		wait   time.Duration
		again  string
		secret string
	}{
		{"an hourly renegotiation", login.RuleConfig{Remember: 12 * time.Hour}, nil, home, time.Hour, not, ""},
		{"the end of the time", login.RuleConfig{Remember: 12 * time.Hour}, nil, home, 12*time.Hour + time.Second, asked, ""},
		{"a rule that does not remember", login.RuleConfig{}, nil, home, time.Minute, asked, ""},
		{"another device", login.RuleConfig{Remember: 12 * time.Hour}, nil, at(func(v *login.Via) { v.Station = "10.0.0.8" }), time.Minute, asked, ""},
		{"another client", login.RuleConfig{Remember: 12 * time.Hour}, nil, at(func(v *login.Via) { v.Client = "wifi" }), time.Minute, asked, ""},
		{"a device that nobody tells", login.RuleConfig{Remember: 12 * time.Hour}, nil, at(func(v *login.Via) { v.Station = "" }), time.Minute, asked, ""},
		{"another token", login.RuleConfig{Remember: 12 * time.Hour}, func(w *logintest.World) { w.SMS.Hints = []string{"••99"} }, home, time.Minute, asked, ""},
		{"a new password", login.RuleConfig{Remember: 12 * time.Hour}, func(w *logintest.World) {
			w.Directory.Add(login.Account{ID: "id-alice", Name: "alice"}, "changed")
		}, home, time.Minute, asked, "changed"},
		{"a wrong password", login.RuleConfig{Remember: 12 * time.Hour}, nil, home, time.Minute, "reject bad_password", "guess"},
		{"a command that forgets", login.RuleConfig{Remember: 12 * time.Hour}, func(w *logintest.World) {
			if err := login.ForgetDevices(t.Context(), w.Records, "id-alice", 0); err != nil {
				t.Error(err)
			}
		}, home, time.Minute, asked, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := logintest.NewWorld(t, c.rule)
				code := 0
				if got := visit(t, w, home, "secret", &code); got != asked {
					t.Fatal(got)
				}
				if c.then != nil {
					c.then(w)
				}
				time.Sleep(c.wait)
				password := "secret"
				if c.secret != "" {
					password = c.secret
				}
				if got := visit(t, w, c.via, password, &code); got != c.again {
					t.Errorf("got %s, want %s", got, c.again)
				}
				if e := w.Last(); c.again == not && (e.Reason != login.ReasonRemembered || e.Method != "remembered") {
					t.Errorf("event %s %s", e.Reason, e.Method)
				}
			})
		})
	}
}

// A day at a tunnel that renegotiates each hour asks once; the hard limit ends
// what each use prolongs.
// A group of clients remembers a device together, and may have a rule for each:
// what was enough at one is not at another that asks for more.
func TestADeviceIsRememberedForWhatTheRuleAsks(t *testing.T) {
	const asked, not = "asked, accept", "accept"
	for _, c := range []struct {
		name            string
		first, second   login.RuleConfig
		atOnce, andThen string // at the second client, and again there
	}{
		{"the same", login.RuleConfig{}, login.RuleConfig{}, not, not},
		{"a PIN at the second", login.RuleConfig{}, login.RuleConfig{Call: login.CallPIN}, asked, not},
		{"a PIN at both", login.RuleConfig{Call: login.CallPIN}, login.RuleConfig{Call: login.CallPIN}, not, not},
		{"a PIN, where nobody is called", login.RuleConfig{Factors: []string{"totp"}}, login.RuleConfig{Call: login.CallPIN, Factors: []string{"totp"}}, not, not},
		{"until a logout at the second", login.RuleConfig{}, login.RuleConfig{ForgetOnLogout: true}, asked, not},
		{"until a logout at the first", login.RuleConfig{ForgetOnLogout: true}, login.RuleConfig{}, not, not},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c.first.Clients, c.first.Remember, c.second.Remember = []string{"gate-1"}, time.Hour, time.Hour
				w := logintest.NewWorld(t, c.first, c.second)
				w.Factors = append(w.Factors, &logintest.Approver{FactorName: "call", Hints: []string{"••42"}})
				w.Flow = w.NewFlow(w.Config)
				via, code := login.Via{Client: "gate-1", Group: "gates", Station: "10.0.0.7", CanAsk: true}, 0
				for _, want := range []string{asked, not} {
					if got := visit(t, w, via, "secret", &code); got != want {
						t.Fatalf("at the first client: got %s, want %s", got, want)
					}
				}
				via.Client = "gate-2"
				for _, want := range []string{c.atOnce, c.andThen} {
					if got := visit(t, w, via, "secret", &code); got != want {
						t.Errorf("at the second client: got %s, want %s", got, want)
					}
				}
			})
		})
	}
}

func TestUseProlongsUpToTheHardLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := logintest.NewWorld(t, login.RuleConfig{Remember: 2 * time.Hour, RememberMax: 24 * time.Hour})
		via := login.Via{Client: "vpn", Station: "10.0.0.7", CanAsk: true}
		code, asked := 0, 0
		for range 48 {
			switch got := visit(t, w, via, "secret", &code); got {
			case "asked, accept":
				asked++
			case "accept":
			default:
				t.Fatal(got)
			}
			time.Sleep(time.Hour)
		}
		if asked != 2 {
			t.Errorf("asked %d times in two days, want 2", asked)
		}
		time.Sleep(2 * time.Hour)
		if got := visit(t, w, via, "secret", &code); got != "asked, accept" {
			t.Errorf("after a pause: %s", got)
		}
		time.Sleep(2*time.Hour + time.Second)
		if got := visit(t, w, via, "secret", &code); got != "asked, accept" {
			t.Errorf("after a pause within the hard limit: %s", got)
		}
	})
}

func TestAFraudReportForgetsDevices(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := logintest.NewWorld(t, login.RuleConfig{Remember: 12 * time.Hour})
		withCalls(w, yes, report)
		home, elsewhere := mute, mute
		elsewhere.Station = "192.0.2.66"
		for _, step := range []struct {
			via  login.Via
			want string
		}{{home, "accept"}, {home, "accept"}, {elsewhere, "reject fraud_reported"}, {home, "reject blocked_by_fraud_report"}} {
			s, err := w.Begin(t.Context(), alice(step.via))
			if got := outcome(s, err); got != step.want {
				t.Fatalf("got %s, want %s", got, step.want)
			}
		}
		if ds, err := login.Devices(t.Context(), w.Records, "id-alice"); err != nil || len(ds) != 0 {
			t.Errorf("still remembered: %v, %v", ds, err)
		}
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	})
}

// partly fails to write the records of one kind.
type partly struct {
	login.Records
	prefix string
}

func (p partly) Swap(ctx context.Context, key string, rev uint64, data []byte) error {
	if strings.HasPrefix(key, p.prefix) {
		return errors.New("the disk is full")
	}
	return p.Records.Swap(ctx, key, rev, data)
}

// The password is blocked whatever else of a fraud report goes wrong.
func TestAFraudReportBlocksAlthoughDevicesCannotBeForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := logintest.NewWorld(t, login.RuleConfig{Remember: 12 * time.Hour})
		withCalls(w, yes, report)
		elsewhere := mute
		elsewhere.Station = "192.0.2.66"
		begin := func(via login.Via, want string) {
			t.Helper()
			s, err := w.Begin(t.Context(), alice(via))
			if got := outcome(s, err); got != want {
				t.Fatalf("got %s, want %s", got, want)
			}
		}
		begin(mute, "accept")
		c := w.Config
		c.Records = partly{w.Records, "remember/"}
		w.Flow = w.With(c)
		begin(elsewhere, "error write remembered devices: the disk is full")
		begin(mute, "reject blocked_by_fraud_report")
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	})
}

func TestDevicesAreListedAndForgotten(t *testing.T) {
	w := logintest.NewWorld(t, login.RuleConfig{Remember: 12 * time.Hour})
	code := 0
	for i := range 3 {
		visit(t, w, login.Via{Client: "vpn", Station: "10.0.0." + codeOf(i)[5:], CanAsk: true}, "secret", &code)
	}
	ds, err := login.Devices(t.Context(), w.Records, "id-alice")
	if err != nil || len(ds) != 3 || ds[1].Station != "10.0.0.2" || ds[1].Group != "vpn" {
		t.Fatalf("%+v, %v", ds, err)
	}
	if err := login.ForgetDevices(t.Context(), w.Records, "id-alice", 2); err != nil {
		t.Fatal(err)
	}
	if ds, _ = login.Devices(t.Context(), w.Records, "id-alice"); len(ds) != 2 || ds[1].Station != "10.0.0.3" {
		t.Errorf("left: %+v", ds)
	}
	if err := login.ForgetDevices(t.Context(), w.Records, "id-alice", 9); err == nil {
		t.Error("a device that is not there was forgotten")
	}
}
