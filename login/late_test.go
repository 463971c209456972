package login_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/portvakt/portvakt/login"
	"github.com/portvakt/portvakt/login/logintest"
)

// TestAFraudReportIsNeverLost has the owner press 0# when nobody waits for her
// answer any more.
func TestAFraudReportIsNeverLost(t *testing.T) {
	for _, c := range []struct {
		name  string
		after time.Duration
		leave bool // the thief takes another way just before
	}{
		{"after the client's patience", 70 * time.Second, false},
		{"when the thief has chosen a message meanwhile", 40 * time.Second, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := logintest.NewWorld(t)
				calls := &stubborn{Approver: withCalls(w), after: c.after, err: login.ErrFraud}
				conf := w.Config
				conf.Factors = append([]login.Factor{calls}, conf.Factors[1:]...)
				w.Flow = w.NewFlow(conf)
				began := time.Now()
				if c.leave {
					p := &player{t: t, w: w, user: "alice", via: login.Via{Client: "vpn", CanAsk: true, Station: "192.0.2.66", Patience: 25 * time.Second}}
					p.play("secret => " + stillCall)
					p.say("4")
				} else if got := outcome(w.Begin(t.Context(), alice(mute))); got != "reject not_answered_in_time" {
					t.Fatal(got)
				}
				time.Sleep(c.after + time.Second - time.Since(began))
				if e := w.Last(); !e.Alarm || e.Reason != login.ReasonFraud || e.AccountID != "id-alice" {
					t.Errorf("no alarm: %+v", e)
				}
				if got := outcome(w.Begin(t.Context(), alice(mute))); got != "reject blocked_by_fraud_report" {
					t.Errorf("the next try: %s", got)
				}
				if err := w.Close(); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// TestAReportEndsWhatIsStillRinging has the owner press 0# in the first of two calls
// that cross, and # in the second, out of habit.
func TestAReportEndsWhatIsStillRinging(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := logintest.NewWorld(t)
		calls := &crossing{Approver: withCalls(w), calls: []stubborn{{after: 40 * time.Second, err: login.ErrFraud}, {after: 40 * time.Second}}}
		conf := w.Config
		conf.Factors = append([]login.Factor{calls}, conf.Factors[1:]...)
		w.Flow = w.NewFlow(conf)
		p := &player{t: t, w: w, user: "alice", via: login.Via{Client: "vpn", CanAsk: true, Station: "192.0.2.66", Patience: 25 * time.Second}}
		p.play("secret => " + stillCall)
		p.say("4") // a message instead, at 25 s
		if got := outcome(w.Begin(t.Context(), alice(mute))); got != "reject blocked_by_fraud_report" {
			t.Errorf("approved behind the report: %s", got)
		}
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	})
}

// A crossing approver has one stubborn answer after the other.
type crossing struct {
	*logintest.Approver

	calls []stubborn
	n     int
}

func (c *crossing) Approve(a login.Approval, done func(error)) (stop func()) {
	c.n++
	return c.calls[c.n-1].Approve(a, done)
}

// A stubborn approver answers when its time has come, also when it was stopped:
// the key and the hang-up cross on the way.
type stubborn struct {
	*logintest.Approver
	after time.Duration
	err   error
}

func (s *stubborn) Approve(_ login.Approval, done func(error)) (stop func()) {
	time.AfterFunc(s.after, func() { done(s.err) })
	return func() {}
}
