package login_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/portvakt/portvakt/login"
)

// No event holds what was typed for a new password, nor the key that somebody
// adds to her app, whatever became of them.
func TestNoEventHoldsWhatTheDialoguesCarry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := expiredWorld(t, login.RuleConfig{ExpiredPassword: "change"})
		p := &player{t: t, w: w, user: "alice", via: login.Via{Client: "vpn", Station: "10.0.0.7", CanAsk: true}}
		p.play("secret => " + askTOTP + " > 111111 => " + askNew + " > secret => " + newUsed + " > kT => " + askTwice + " > kT => " + newShort +
			" > first-choice => " + askTwice + " > other-choice => " + newDiffer + " > first-choice => " + askTwice + " > first-choice => accept")
		e := enrollWorld(t, nil)
		enrollPlayer(t, e).play("secret => " + enrollFirst + " > 1 => " + enrollSMS + " > 500001 => " + secondApp + " > 1 => " + enrollApp + " > 999999 => " + wrong(enrollApp) + " > 111111 => accept")
		for _, v := range append(w.Events(), e.Events()...) {
			told := fmt.Sprintf("%+v", v)
			for _, secret := range []string{"kT", "-choice", "SEED", "0042", "111111", "999999", "500001", "User:secret", "Detail:secret"} {
				if strings.Contains(told, secret) {
					t.Errorf("%q is in %s", secret, told)
				}
			}
		}
	})
}
