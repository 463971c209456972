package login

import (
	"slices"
	"time"
)

// A waiter is one request that waits for the outcome of an errand.
type waiter struct {
	flow    *Flow
	errand  *errand
	t       *attempt
	user    User
	d       *Decision
	methods []Method
	order   []Method  // what to try, beginning with what was chosen
	g       *loaded   // as it was when the wait began; nil once it has served
	q       *question // begins a dialogue as it is, or goes on with one; nil for a new one
	say     string
	// pressed is whether the person says that she has answered the claim that q
	// is about.
	pressed bool
	// chosen is whether the person asked for this now: what happened a moment
	// ago does not answer her.
	chosen bool
	// picked is whether a client that cannot put a question may have a code
	// sent: its person typed for it behind her password.
	picked   bool
	password uint16        // see question.password
	since    time.Duration // from when its attempt began

	reply    answer
	patience bell
}

// waited is how long it has.
func (w *waiter) waited() time.Duration { return time.Since(w.t.began) - w.since }

// question is what the next one goes on from.
func (w *waiter) question() *question {
	if w.q != nil {
		return w.q
	}
	return &question{attempt: w.t.id, account: w.user.Account.ID, password: w.password}
}

// hasCode reports whether the person asked for another while a code is out that
// she can still type: nothing that could not be sent takes it from her.
func (w *waiter) hasCode() bool {
	return w.chosen && w.t.Via.CanAsk && w.q != nil && !w.q.approval && len(w.q.memo) > 0 &&
		slices.ContainsFunc(w.methods, func(m Method) bool { return m.ID == w.q.method })
}

// canAsk is whether codes may be sent for it.
func (w *waiter) canAsk() bool { return w.t.Via.CanAsk || w.picked }

// honours reports whether an approval is one that its own rule takes, by a
// method that the person has (attack: an approval for a client of the group
// that asks for less; a telephone that was taken off the account meanwhile).
func (w *waiter) honours(method string, pin bool) bool {
	if w.d.Call == CallPIN && !pin {
		return false
	}
	return slices.ContainsFunc(w.methods, func(m Method) bool { return m.ID == method && w.flow.approves(m, *w.d) })
}

// ring is called when the client's patience ends.
func (w *waiter) ring(int) { w.expire() }

// expire answers while the client still listens: with a question where it can
// show one, and else with a refusal. What was begun goes on.
func (w *waiter) expire() {
	if !w.errand.drop(w) {
		return
	}
	w.answer(w.errand.tellWaiting(w))
}

// leave is called when the client has gone.
func (w *waiter) leave() {
	if !w.errand.drop(w) {
		return
	}
	w.errand.alarms.stop(&w.patience)
	w.flow.left(w)
}

func (w *waiter) answer(s Step, err error) {
	w.errand.alarms.stop(&w.patience)
	w.t.event.Elsewhere = w.waited()
	s, err = w.flow.finish(w.t, s, err)
	w.reply.put(s, err)
}
