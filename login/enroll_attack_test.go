package login_test

import (
	"testing"
	"testing/synctest"

	"github.com/portvakt/portvakt/login"
)

// What was enrolled in a dialogue counts under the rule that let it, and not
// where the answer comes from a place that another rule is for (attack: enrolling
// an app of one's own at a place where the password is enough for that, and
// ending the dialogue at another, which asks for the owner's telephone).
func TestTheEndOfAnEnrollmentIsNoProofUnderAnotherRule(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := enrollWorld(t, nil)
		p := enrollPlayer(t, w)
		p.play("secret => " + enrollFirst + " > 1 => " + enrollApp + " > 111111 => " + secondSMS)
		reload(t, w, login.RuleConfig{Factors: []string{"sms"}})
		p.play(" => reject method_not_allowed")
	})
}
