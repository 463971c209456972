package login_test

import (
	"testing"
	"testing/synctest"
	"time"

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

// The owner finds that something waits which is not hers, and the service desk
// enrolls her: what a stranger has left there is approved by nobody any more.
func TestWhatWaitsIsNotApprovedOverWhatCameSince(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := enrollWorld(t, func(r *login.RuleConfig) { r.Approval = approvers })
		erik := login.Account{ID: "id-erik", Groups: []string{approvers}}
		enrollPlayer(t, w).play("secret => " + enrollFirst + " > 1 => " + enrollApp + " > 111111 => reject enrollment_waits")
		time.Sleep(time.Hour)
		hers := login.Credential{ID: "hers", Kind: "phone", Created: time.Now().UTC()}
		if err := w.Enrollments.Add(t.Context(), login.Account{ID: "id-carla", Name: "carla"}, 0, hers); err != nil {
			t.Fatal(err)
		}
		approve(t, w, erik, login.ErrEnrolledSince)
		e, err := w.Enrollments.Enrollment(t.Context(), "id-carla")
		if err != nil || len(e.Credentials) != 1 {
			t.Errorf("she has %v, %v", e.Credentials, err)
		}
	})
}
