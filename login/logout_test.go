package login_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/portvakt/portvakt/login"
	"github.com/portvakt/portvakt/login/logintest"
)

func TestALogoutEndsARememberedDevice(t *testing.T) {
	rule := login.RuleConfig{Remember: 12 * time.Hour, ForgetOnLogout: true}
	kept := login.RuleConfig{Remember: 12 * time.Hour}
	home := login.Via{Client: "vpn", Group: "gates", Station: "10.0.0.7", CanAsk: true}
	at := func(change func(*login.Via)) login.Via {
		v := home
		change(&v)
		return v
	}
	for _, c := range []struct {
		name    string
		rule    login.RuleConfig
		account string
		via     login.Via
		ended   time.Duration // after she signed in
		want    bool
	}{
		{"she logs out", rule, "id-alice", home, time.Hour, true},
		{"at another client of the group", rule, "id-alice", at(func(v *login.Via) { v.Client = "gate-2" }), time.Hour, true},
		{"on another device", rule, "id-alice", at(func(v *login.Via) { v.Station = "10.0.0.8" }), time.Hour, false},
		{"at another client", rule, "id-alice", at(func(v *login.Via) { v.Group = "wifi" }), time.Hour, false},
		{"on a device that nobody tells", rule, "id-alice", at(func(v *login.Via) { v.Station = "" }), time.Hour, false},
		{"somebody else does", rule, "id-bob", home, time.Hour, false},
		{"nobody known does", rule, "", home, time.Hour, false},
		{"a session that ended before the code was typed", rule, "id-alice", home, -2 * time.Minute, false},
		{"by a clock that is behind", rule, "id-alice", home, -30 * time.Second, true},
		{"a rule that does not say so", kept, "id-alice", home, time.Hour, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := logintest.NewWorld(t, c.rule)
				code, began := 0, time.Now()
				if got := visit(t, w, home, "secret", &code); got != "asked, accept" {
					t.Fatal(got)
				}
				time.Sleep(time.Hour)
				forgotten, err := login.LoggedOut(t.Context(), w.Records, c.account, c.via, began.Add(c.ended))
				if err != nil || forgotten != c.want {
					t.Errorf("forgotten %v, %v; want %v", forgotten, err, c.want)
				}
				time.Sleep(2 * time.Minute)
				want := "accept"
				if c.want {
					want = "asked, accept"
				}
				if got := visit(t, w, home, "secret", &code); got != want {
					t.Errorf("got %s, want %s", got, want)
				}
				if again, err := login.LoggedOut(t.Context(), w.Records, c.account, c.via, began.Add(c.ended)); err != nil || again {
					t.Errorf("told twice: %v, %v", again, err)
				}
			})
		})
	}
}

// Of two devices one is forgotten, whichever rule remembered them.
func TestALogoutLeavesOtherDevices(t *testing.T) {
	w := logintest.NewWorld(t, login.RuleConfig{Clients: []string{"wifi"}, Remember: time.Hour}, login.RuleConfig{Remember: time.Hour, ForgetOnLogout: true})
	code := 0
	for _, v := range []login.Via{{Client: "vpn", Station: "a", CanAsk: true}, {Client: "wifi", Station: "a", CanAsk: true}, {Client: "vpn", Station: "b", CanAsk: true}} {
		visit(t, w, v, "secret", &code)
	}
	now := time.Now().Add(time.Second)
	for _, v := range []login.Via{{Client: "wifi", Station: "a"}, {Client: "vpn", Station: "a"}} {
		if _, err := login.LoggedOut(t.Context(), w.Records, "id-alice", v, now); err != nil {
			t.Fatal(err)
		}
	}
	ds, err := login.Devices(t.Context(), w.Records, "id-alice")
	if err != nil || len(ds) != 2 || ds[0].Group != "wifi" || ds[1].Station != "b" {
		t.Errorf("left are %+v, %v", ds, err)
	}
}

func TestALogoutThatCannotBeWrittenIsAnError(t *testing.T) {
	w := logintest.NewWorld(t, login.RuleConfig{Remember: time.Hour, ForgetOnLogout: true})
	code := 0
	via := login.Via{Client: "vpn", Station: "a", CanAsk: true}
	visit(t, w, via, "secret", &code)
	w.Records.FailSwap = errors.New("the disk is full")
	if forgotten, err := login.LoggedOut(t.Context(), w.Records, "id-alice", via, time.Now()); err == nil || forgotten {
		t.Errorf("got %v, %v", forgotten, err)
	}
}
