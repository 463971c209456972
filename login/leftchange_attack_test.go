package login_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/portvakt/portvakt/login"
	"github.com/portvakt/portvakt/login/logintest"
)

// Whose password was reported as known to somebody else changes it no more by
// what was proven before, also where a report blocks nothing or was forgiven.
func TestAFraudReportEndsChangesUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, _ := changeWorld(t, yes, report)
		c := w.Config
		c.FraudLock = 0
		w.Flow = w.NewFlow(c)
		p := &player{t: t, w: w, user: "alice", via: login.Via{Client: "vpn", Station: "10.0.0.9", CanAsk: true}}
		p.via.Append = login.AppendComma
		p.play("secret,111111 => " + askNew)
		if got := begin(t, w, rras, prove("secret")); got != "reject password_expired" {
			t.Fatalf("got %s", got)
		}
		time.Sleep(10 * time.Second)
		other := rras
		other.Station = "192.0.2.66"
		if got := begin(t, w, other, prove("secret")); got != "reject fraud_reported" {
			t.Fatalf("got %s", got)
		}
		if got := begin(t, w, rras, change("secret", "new secret")); got != "reject question_expired" {
			t.Errorf("by the permit: got %s", got)
		}
		p.play("new secret => reject question_expired")
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	})
}

// What proved a second factor and is taken off the account before the new
// password is typed proves nothing any more (attack: going on in the dialogue
// that a stolen telephone has begun).
func TestAChangeEndsWithWhatProvedIt(t *testing.T) {
	code := "secret => " + askTOTP + " > 111111 => " + askNew
	for _, c := range []struct{ name, before, after string }{
		{"before the first", code, "new secret => reject method_not_allowed"},
		{"before it is typed again", code + " > new secret => " + askTwice, "new secret => reject method_not_allowed"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				gone := func(w *logintest.World) { w.TOTP.For = func(string) bool { return false } }
				ruled := func(w *logintest.World) {
					reload(t, w, login.RuleConfig{ExpiredPassword: "change", Factors: []string{"sms"}})
				}
				for _, do := range []func(*logintest.World){gone, ruled} {
					w := expiredWorld(t, login.RuleConfig{ExpiredPassword: "change"})
					p := &player{t: t, w: w, user: "alice", via: login.Via{Client: "vpn", Station: "10.0.0.7", CanAsk: true}}
					p.play(c.before)
					do(w)
					p.play(c.after)
					if n := w.Directory.Changes.Load(); n != 0 {
						t.Errorf("the directory was asked to change it %d times", n)
					}
				}
			})
		})
	}
}

// A stolen password that has expired is worth nothing without the second factor,
// and must not keep its owner from changing it.
func TestAStolenPasswordPushesOutNoChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := expiredWorld(t, login.RuleConfig{ExpiredPassword: "change"})
		owner := &player{t: t, w: w, user: "alice", via: login.Via{Client: "vpn", Station: "10.0.0.7", CanAsk: true}}
		owner.play("secret => " + askTOTP + " > 111111 => " + askNew)
		for range 20 {
			thief := &player{t: t, w: w, user: "alice", via: login.Via{Client: "vpn", Station: "192.0.2.66", CanAsk: true}}
			thief.play("secret => " + askTOTP)
		}
		owner.play("new secret => " + askTwice + " > new secret => accept")
	})
}
