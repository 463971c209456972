package login_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/portvakt/portvakt/login"
)

// What was enrolled in a dialogue counts under the rule that let it, and not
// where the answer comes from a place that another rule is for.
func TestTheEndOfAnEnrollmentIsNoProofUnderAnotherRule(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := enrollWorld(t, nil)
		p := enrollPlayer(t, w)
		p.play("secret => " + enrollFirst + " > 1 => " + enrollSMS + " > 500001 => " + secondApp)
		reload(t, w, login.RuleConfig{Factors: []string{"totp"}})
		p.play(" => reject method_not_allowed")
	})
}

// The owner finds that something waits which is not hers, and the service desk
// enrolls her: what a stranger has left there is approved by nobody any more.
func TestWhatWaitsIsNotApprovedOverWhatCameSince(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := enrollWorld(t, func(r *login.RuleConfig) { r.Approval = approvers })
		erik := login.Account{ID: "id-erik", Groups: []string{approvers}}
		enrollPlayer(t, w).play("secret => " + enrollFirst + " > 1 => " + enrollSMS + " > 500001 => reject enrollment_waits")
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

// A rule that refused people without a confirmed number, and now lets them enroll,
// must not hand out apps for their passwords (attack: the telephone that was the
// second factor yesterday is passed by).
func TestWhoHasATelephoneConfirmsItBeforeAnApp(t *testing.T) {
	for _, c := range []struct {
		name   string
		rule   login.RuleConfig
		phones []string
		line   string
	}{
		{"the rule changed from deny to enroll", login.RuleConfig{}, []string{"0042"}, "secret => " + enrollFirst + " > 2 => " + again(enrollFirst, "There is no such choice.") + " > 1 => " + enrollSMS},
		{"a rule for apps, which takes no telephone", login.RuleConfig{Factors: []string{"totp"}}, []string{"0042"}, "secret => " + enrollFirst + " > 1 => " + enrollSMS + " > 500001 => " + enrollOnly + " > 1 => " + enrollApp + " > 111111 => accept"},
		{"apps alone may be enrolled", login.RuleConfig{EnrollConfig: login.EnrollConfig{Enrollable: []string{"totp"}}}, []string{"0042"}, "secret => " + enrollFirst + " > 1 => " + enrollSMS + " > 500001 => " + enrollOnly + " > 1 => " + enrollApp + " > 111111 => accept"},
		{"and with a wrong code none is", login.RuleConfig{Factors: []string{"totp"}}, []string{"0042"}, "secret => " + enrollFirst + " > 1 => " + enrollSMS + " > 111111 => " + wrong(enrollSMS)},
		{"nothing typed behind the telephone is not enough", login.RuleConfig{Factors: []string{"totp"}}, []string{"0042"}, "secret => " + enrollFirst + " > 1 => " + enrollSMS + " > 500001 => " + enrollOnly + " >  => " + again(enrollOnly, "There is no such choice.")},
		{"somebody who can be reached nowhere", login.RuleConfig{}, nil, "secret => " + enrollOnly},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := enrollWorld(t, func(r *login.RuleConfig) { r.Factors, r.EnrollConfig = c.rule.Factors, c.rule.EnrollConfig })
				carla(w, time.Now(), c.phones...)
				enrollPlayer(t, w).play(c.line)
			})
		})
	}
}

// What is waited for is the app; the telephone that showed who she is is nothing
// under the rule.
func TestATelephoneThatTheRuleDoesNotTakeIsNotKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := enrollWorld(t, func(r *login.RuleConfig) { r.Factors, r.Approval = []string{"totp"}, approvers })
		enrollPlayer(t, w).play("secret => " + enrollFirst + " > 1 => " + enrollSMS + " > 500001 => " + enrollOnly + " > 1 => " + enrollApp + " > 111111 => reject enrollment_waits")
		n, _, err := login.NewcomerOf(t.Context(), w.Records, "id-carla")
		e, eerr := w.Enrollments.Enrollment(t.Context(), "id-carla")
		if err != nil || eerr != nil || n.Waiting == nil || n.Waiting.Kind != "totp" || len(e.Credentials) != 0 {
			t.Errorf("%v waits, %v is enrolled, %v %v", n.Waiting, e.Credentials, err, eerr)
		}
	})
}

// Before the date she may go on without at each question, and is asked again.
func TestATelephoneBeforeTheDate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := enrollWorld(t, func(r *login.RuleConfig) {
			r.Factors, r.From, r.Before = []string{"totp"}, time.Now().Add(109*time.Hour), login.BeforeEnroll
		})
		ask := `ask "From 2000-01-05 you need a second factor. Days left: 5. Type 1 for SMS to ••42; or press Enter to go on:"`
		behind := "secret => " + ask + " > 1 => " + enrollSMS + " > 500001 => " + strings.Replace(ask, "SMS to ••42", "the app", 1)
		enrollPlayer(t, w).play(behind + " >  => accept > " + strings.Replace(behind, "500001", "500002", 1) + " > 1 => " + enrollApp + " > 111111 => accept > secret => accept")
	})
}
