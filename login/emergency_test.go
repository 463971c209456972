package login_test

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/portvakt/portvakt/login"
	"github.com/portvakt/portvakt/login/logintest"
)

const staffGroup = "CN=Staff,OU=groups,DC=example,DC=org"

// texts leaves alice only what must reach her telephone.
var texts = login.RuleConfig{Name: "texts", Factors: []string{"sms"}}

// declare switches emergency mode on, from now.
func declare(t *testing.T, w *logintest.World, lasts time.Duration, change func(*login.Emergency)) {
	t.Helper()
	e := login.Emergency{Client: "vpn", Since: time.Now(), Until: time.Now().Add(lasts), Why: "no message gets through", By: "root"}
	if change != nil {
		change(&e)
	}
	if err := login.DeclareEmergency(t.Context(), w.Records, w.Emergency, e); err != nil {
		t.Fatal(err)
	}
}

// allow makes a world whose configuration allows emergency mode for staff, of
// whom alice is one, from anywhere.
func allow(t *testing.T, rules ...login.RuleConfig) *logintest.World {
	w := logintest.NewWorld(t, rules...)
	w.Emergency = login.EmergencyConfig{Groups: []string{staffGroup}, Max: 24 * time.Hour}
	w.Flow = w.NewFlow(w.Config)
	return w
}

func TestEmergencyMode(t *testing.T) {
	const asked = `ask "Enter the code sent to ••42, or type 1 to send it again, 2 for SMS to ••17:"`
	vpn := login.Via{Client: "vpn", Station: "10.0.0.7", CanAsk: true}
	at := func(change func(*login.Via)) login.Via {
		v := vpn
		change(&v)
		return v
	}
	for _, c := range []struct {
		name string
		rule login.RuleConfig
		do   func(w *logintest.World)
		on   func(*login.Emergency) // nil: not switched on
		via  login.Via
		user string
		line string
	}{
		{"it is off by itself", texts, nil, nil, vpn, "alice", "secret => " + asked},
		{"on, the password alone lets in", texts, nil, func(*login.Emergency) {}, vpn, "alice", "secret => accept"},
		{"a wrong password does not", texts, nil, func(*login.Emergency) {}, vpn, "alice", "guess => reject bad_password"},
		{"nor does none", texts, nil, func(*login.Emergency) {}, vpn, "alice", " => reject empty_password"},
		{"who is in no such group is asked", texts, func(w *logintest.World) {
			w.Directory.Add(login.Account{ID: "id-alice", Name: "alice"}, "secret")
		}, func(*login.Emergency) {}, vpn, "alice", "secret => " + asked},
		{"at another client she is asked", texts, nil, func(*login.Emergency) {}, at(func(v *login.Via) { v.Client = "wifi" }), "alice", "secret => " + asked},
		{"at a client of the group she is not", texts, nil, func(e *login.Emergency) { e.Client, e.ClientGroup = "", "gates" }, at(func(v *login.Via) { v.Client, v.Group = "gate-2", "gates" }), "alice", "secret => accept"},
		{"at all clients she is not", texts, nil, func(e *login.Emergency) { e.Client = "" }, at(func(v *login.Via) { v.Client = "wifi" }), "alice", "secret => accept"},
		{"at a client that cannot ask she is not", texts, nil, func(*login.Emergency) {}, at(func(v *login.Via) { v.CanAsk = false }), "alice", "secret => accept"},
		{"an app needs nobody: she is asked for its code", login.RuleConfig{}, nil, func(*login.Emergency) {}, vpn, "alice", "secret => " + askTOTP + " > 111111 => accept"},
		{"recovery codes are no app", texts, func(w *logintest.World) { w.Recovery.For = nil }, func(*login.Emergency) {}, vpn, "alice", "secret => accept"},
		{"who has enrolled nothing is refused", login.RuleConfig{}, func(w *logintest.World) {
			w.Directory.Add(login.Account{ID: "id-bob", Name: "bob", Groups: []string{staffGroup}}, "hunter2")
		}, func(*login.Emergency) {}, vpn, "bob", "hunter2 => reject not_enrolled"},
		{"a rule that denies goes on denying", login.RuleConfig{SecondFactor: login.SecondDeny}, nil, func(*login.Emergency) {}, vpn, "alice", "secret => reject denied_by_rule"},
		{"who is locked stays locked", texts, nil, func(*login.Emergency) {}, vpn, "alice", strings.Repeat("guess => reject bad_password > ", 4) + "secret => reject locked"},
		{"a code behind the password is looked at", texts, nil, func(*login.Emergency) {}, at(func(v *login.Via) { v.Append = login.AppendComma }), "alice", "secret,000000 => reject wrong_code"},
		{"whose password has expired is asked before she may change it", login.RuleConfig{Factors: texts.Factors, ExpiredPassword: login.ExpiredChange}, func(w *logintest.World) {
			w.Directory.Refuse("alice", login.ReasonPasswordExpired)
		}, func(*login.Emergency) {}, vpn, "alice", "secret => " + asked},
		{"a directory that refuses her refuses her", texts, func(w *logintest.World) {
			w.Directory.Refuse("alice", login.ReasonDisabled)
		}, func(*login.Emergency) {}, vpn, "alice", "secret => reject account_disabled"},
		{"it ends by itself", texts, nil, func(*login.Emergency) {}, vpn, "alice", "secret => accept > wait 1h59m59s > secret => accept > wait 1s > secret => " + asked},
		{"a restart keeps it", texts, nil, func(*login.Emergency) {}, vpn, "alice", "restart > secret => accept > wait 2h > restart > secret => " + asked},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := allow(t, c.rule)
				if c.do != nil {
					c.do(w)
				}
				if c.on != nil {
					declare(t, w, 2*time.Hour, c.on)
				}
				p := &player{t: t, w: w, user: c.user, via: c.via}
				p.play(c.line)
			})
		})
	}
}

func TestAnEmergencyLetsInFromKnownPlacesOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := allow(t, texts)
		w.Emergency.KnownPlaces = true
		w.Flow = w.NewFlow(w.Config)
		home := &player{t: t, w: w, user: "alice", via: login.Via{Client: "vpn", Station: "10.0.0.7", CanAsk: true}}
		away := &player{t: t, w: w, user: "alice", via: login.Via{Client: "vpn", Station: "192.0.2.66", CanAsk: true}}
		const asked = `ask "Enter the code sent to ••42, or type 1 to send it again, 2 for SMS to ••17:"`
		home.play("secret => " + asked + " > 500001 => accept")
		declare(t, w, time.Hour, nil)
		home.play("secret => accept")
		away.play("secret => " + asked)
		if d := w.Last().Detail; !strings.Contains(d, "emergency mode is on") {
			t.Errorf("the log does not say why she was asked: %q", d)
		}
	})
}

// A place where a password was enough is known to everybody who has the password,
// and without Calling-Station-Id every place of the client is the same one.
func TestAnEmergencyTrustsNoPlaceThatAPasswordAloneMadeKnown(t *testing.T) {
	const asked = `ask "Enter the code sent to ••42, or type 1 to send it again, 2 for SMS to ••17:"`
	for _, c := range []struct{ name, station, before, line string }{
		{"a code was given there", "10.0.0.7", "secret => " + asked + " > 500001 => accept", "secret => accept"},
		{"a password was", "192.0.2.66", "secret => accept", "secret => " + asked},
		{"a code was given, nobody knows where", "", "secret => " + asked + " > 500001 => accept", "secret => " + asked},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				open := login.RuleConfig{Name: "open", Stations: []string{"192.0.2.*"}, SecondFactor: login.SecondNone, Until: time.Now().Add(time.Hour)}
				w := allow(t, open, texts)
				w.Emergency.KnownPlaces = true
				w.Flow = w.NewFlow(w.Config)
				p := &player{t: t, w: w, user: "alice", via: login.Via{Client: "vpn", Station: c.station, CanAsk: true}}
				p.play(c.before + " > wait 61m")
				declare(t, w, time.Hour, nil)
				p.play(c.line)
			})
		})
	}
}

// By an emergency no place becomes known: else it would count as her own later.
func TestAnEmergencyMakesNoPlaceKnown(t *testing.T) {
	w := allow(t, texts)
	declare(t, w, time.Hour, nil)
	p := &player{t: t, w: w, user: "alice", via: login.Via{Client: "vpn", Station: "192.0.2.66", CanAsk: true}}
	p.play("secret => accept")
	l, err := login.Standing(t.Context(), w.Records, "id-alice", login.Lockout{}, time.Now())
	if err != nil || l.Known != 0 {
		t.Errorf("%d places are known, %v", l.Known, err)
	}
}

func TestEachSignInByAnEmergencyIsAnAlarm(t *testing.T) {
	w := allow(t, texts)
	declare(t, w, time.Hour, func(e *login.Emergency) { e.Client = "" })
	p := &player{t: t, w: w, user: "alice", via: login.Via{Client: "vpn", CanAsk: true}}
	p.play("secret => accept")
	e := w.Last()
	if e.Outcome != "accept" || e.Reason != login.ReasonEmergency || !e.Alarm || e.Emergency != "all clients" ||
		e.Rule != "texts" || e.Method != "" || !strings.HasSuffix(e.Detail, ": no message gets through") {
		t.Errorf("event %+v", e)
	}
	if len(w.SMS.Sent) != 0 {
		t.Error("a message was sent")
	}
}

func TestServersShareAnEmergency(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := allow(t, texts)
		other := allow(t, texts) // another process, the same store
		other.Records, other.Config.Records = w.Records, w.Records
		other.Flow = w.NewFlow(other.Config)
		here := &player{t: t, w: w, user: "alice", via: login.Via{Client: "vpn"}}
		there := &player{t: t, w: other, user: "alice", via: login.Via{Client: "vpn"}}
		here.play("secret => reject client_cannot_ask")
		declare(t, w, time.Hour, nil)
		here.play("secret => accept")
		there.play("secret => accept")
		ended, err := login.EndEmergencies(t.Context(), w.Records, func(e login.Emergency) bool { return e.Client == "vpn" })
		if err != nil || len(ended) != 1 {
			t.Fatalf("%v, %v", ended, err)
		}
		here.play("secret => reject client_cannot_ask")
		there.play("secret => reject client_cannot_ask")
	})
}

// A store that does not answer lets nobody in, and is no refusal.
func TestS46AnEmergencyThatCannotBeReadLetsNobodyIn(t *testing.T) {
	w := allow(t, texts)
	declare(t, w, time.Hour, nil)
	v, err := w.Records.Get(t.Context(), login.EmergencyKey)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Records.Swap(t.Context(), login.EmergencyKey, v.Rev, []byte("[{")); err != nil {
		t.Fatal(err)
	}
	p := &player{t: t, w: w, user: "alice", via: login.Via{Client: "vpn", CanAsk: true}}
	if got := p.say("secret"); !strings.HasPrefix(got, "ask ") {
		t.Errorf("got %s, want a question", got)
	}
	if _, err := login.Emergencies(t.Context(), w.Records, w.Emergency, time.Now()); err == nil {
		t.Error("a record that cannot be read was read")
	}
	if _, err := login.EndEmergencies(t.Context(), w.Records, func(login.Emergency) bool { return true }); err != nil {
		t.Error(err)
	}
	if _, err := w.Records.Get(t.Context(), login.EmergencyKey); !errors.Is(err, login.ErrNotFound) {
		t.Errorf("off does not remove it: %v", err)
	}
}

func TestWhatIsDeclaredIsBounded(t *testing.T) {
	now := time.Now()
	good := login.Emergency{Client: "vpn", Since: now, Until: now.Add(time.Hour), Why: "no exchange"}
	config := login.EmergencyConfig{Groups: []string{staffGroup}, Max: 24 * time.Hour}
	for _, c := range []struct {
		name   string
		change func(*login.Emergency, *login.EmergencyConfig)
		want   string
	}{
		{"as it should be", func(*login.Emergency, *login.EmergencyConfig) {}, ""},
		{"longer than the configuration allows", func(e *login.Emergency, _ *login.EmergencyConfig) { e.Until = now.Add(25 * time.Hour) }, "emergency.max"},
		{"no time at all", func(e *login.Emergency, _ *login.EmergencyConfig) { e.Until = now }, "emergency.max"},
		{"without a reason", func(e *login.Emergency, _ *login.EmergencyConfig) { e.Why = "" }, "reason"},
		{"with a reason of two lines", func(e *login.Emergency, _ *login.EmergencyConfig) { e.Why = "a\nb" }, "reason"},
		{"for nobody", func(_ *login.Emergency, c *login.EmergencyConfig) { c.Groups = nil }, "emergency.groups"},
		{"for a client and a group", func(e *login.Emergency, _ *login.EmergencyConfig) { e.ClientGroup = "gates" }, "group of clients"},
	} {
		t.Run(c.name, func(t *testing.T) {
			e, cfg := good, config
			c.change(&e, &cfg)
			err := login.DeclareEmergency(t.Context(), &logintest.Records{}, cfg, e)
			if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}

	t.Run("a shorter limit is in force at once", func(t *testing.T) {
		r := &logintest.Records{}
		if err := login.DeclareEmergency(t.Context(), r, config, good); err != nil {
			t.Fatal(err)
		}
		shorter := config
		shorter.Max = 10 * time.Minute
		all, err := login.Emergencies(t.Context(), r, shorter, now.Add(11*time.Minute))
		if err != nil || len(all) != 0 {
			t.Errorf("still on: %v, %v", all, err)
		}
	})
	t.Run("a clock that was set back does not make it longer", func(t *testing.T) {
		r := &logintest.Records{}
		if err := login.DeclareEmergency(t.Context(), r, config, good); err != nil {
			t.Fatal(err)
		}
		if all, err := login.Emergencies(t.Context(), r, config, now.Add(-time.Hour)); err != nil || len(all) != 0 {
			t.Errorf("on before it began: %v, %v", all, err)
		}
	})
	t.Run("so many and no more", func(t *testing.T) {
		r := &logintest.Records{}
		for i := range 65 {
			e := good
			e.Client = strings.Repeat("x", i+1)
			if err := login.DeclareEmergency(t.Context(), r, config, e); (err == nil) != (i < 64) {
				t.Fatalf("number %d: %v", i+1, err)
			}
		}
	})
}

func TestEmergencySettings(t *testing.T) {
	if err := login.DefaultEmergencyConfig().Validate(); err != nil {
		t.Error(err)
	}
	if w := login.DefaultEmergencyConfig().Warnings(); len(w) != 0 {
		t.Errorf("the defaults are warned of: %v", w)
	}
	c := login.EmergencyConfig{Groups: []string{"staff", staffGroup}, Max: 8 * 24 * time.Hour}
	err := c.Validate()
	if err == nil || !strings.Contains(err.Error(), `groups: "staff"`) || !strings.Contains(err.Error(), "max: ") {
		t.Errorf("got %v", err)
	}
	if len(c.Warnings()) != 1 {
		t.Error("letting in from anywhere is not warned of")
	}
}

func TestAnEmergencyIsExplained(t *testing.T) {
	staff := login.Account{ID: "1", Groups: []string{staffGroup}}
	app := []login.Method{{ID: "sms/1", Factor: "sms"}, {ID: "totp/1", Factor: "totp", Standing: true}}
	for _, c := range []struct {
		account login.Account
		methods []login.Method
		known   bool
		want    string
	}{
		{login.Account{ID: "2"}, nil, true, "nothing: the user is in none of emergency.groups"},
		{staff, app, true, "nothing: the user has an app or a token, and is asked for it"},
		{staff, app[:1], true, "the password is enough from a place where the user has given a second factor, and signed in from lately"},
		{staff, app[:1], false, "the password is enough"},
	} {
		cfg := login.EmergencyConfig{Groups: []string{staffGroup}, KnownPlaces: c.known}
		if got := (login.Emergency{}).Explain(cfg, c.account, c.methods); got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
}
