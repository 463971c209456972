package login

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// concludeWithin bounds what an outcome writes.
const concludeWithin = 10 * time.Second

// briefly is a context for what an outcome writes: that is written also when the
// server is ending, and thousands may end at the same time.
func (s *errands) briefly() context.Context {
	return s.within.At(context.Background(), s.alarms.begun, time.Since(s.alarms.begun)+concludeWithin)
}

// An outcome is how an errand ended, for all who wait.
type outcome struct {
	state    claimState
	idle     bool   // if nobody waits
	method   Method // that was approved
	pin      bool   // the PIN was keyed too
	question *question
	reason   Reason // of a refusal, when the state does not tell
	err      error
}

// conclude ends the errand: it is recorded, and then all who wait are told the
// same. Only the first call does anything, and returns true; one for want of
// anybody who waits does nothing when somebody has come meanwhile.
func (e *errand) conclude(o outcome) (first bool) {
	e.mu.Lock()
	if e.over || o.idle && len(e.waiters) > 0 {
		e.mu.Unlock()
		return false
	}
	e.over = true
	remote := e.remote
	waiters, stop := e.waiters, e.stop
	e.waiters, e.stop = nil, nil
	if e.by[e.account] == e {
		delete(e.by, e.account)
	}
	e.mu.Unlock()
	defer e.flow.asking.Done()
	if stop != nil {
		stop()
	}
	ctx := e.briefly()
	if errors.Is(o.err, errClosing) {
		o.state = claimLeft // the telephone is silent: nobody waits for its end
	}
	if err := e.record(ctx, o, len(waiters) > 0); err != nil && o.state == claimApproved {
		// What is not recorded could be used again.
		o = outcome{err: fmt.Errorf("record approval: %w", err)}
	}
	if o.state == claimFraud {
		if err := e.block(ctx); err != nil {
			o = outcome{err: err}
		}
	}
	switch {
	case len(waiters) > 0 || remote:
	case o.state == claimFraud:
		e.alarm(o.method)
	default:
		e.late(o)
	}
	for _, w := range waiters {
		w.answer(e.tell(ctx, w, o))
	}
	return true
}

// reported blocks the password and alarms for a person who says that the
// sign-in is not hers when it is over already (attack: taking another way while
// she presses the keys).
func (e *errand) reported(m Method) {
	e.alarm(m)
	if err := e.block(e.briefly()); err != nil {
		e.audit(Event{Outcome: "error", Reason: ReasonUnavailable, Method: m.Factor, Detail: err.Error()})
	}
}

// alarm tells of a fraud report that nobody waits for any more.
func (e *errand) alarm(m Method) {
	e.audit(Event{Outcome: "answered", Reason: ReasonFraud, Method: m.Factor, Alarm: true})
}

// audit tells what happens when nobody waits for it.
func (e *errand) audit(v Event) {
	if e.flow.Audit == nil {
		return
	}
	t := e.lead.t
	v.Time, v.Attempt, v.AccountID = time.Now(), reference(t.id), e.account
	v.User, v.Client, v.Station, v.Rule = e.lead.user.Account.Name, t.Via.Client, t.Via.Station, e.lead.d.Rule
	e.flow.Audit(v)
}

// record writes how the errand ended. An approval that admits somebody at once
// is used by that.
func (e *errand) record(ctx context.Context, o outcome, waited bool) error {
	e.mu.Lock()
	mine, rev := e.claim, e.rev
	remote := e.remote
	e.mu.Unlock()
	if mine == nil || remote || o.state == 0 {
		return nil
	}
	c := *mine
	c.used = o.state == claimApproved && waited
	c.method = o.method.ID
	c.end(o.state, time.Now())
	if o.question != nil {
		c.put(o.question)
	}
	for range maxConflicts {
		err := e.flow.Records.Swap(ctx, ClaimKey(e.account), rev, c.encode())
		if !errors.Is(err, ErrConflict) {
			return err
		}
		had, now, err := loadClaim(ctx, e.flow.Records, e.account)
		if err != nil {
			return err
		}
		if had.id != c.id || had.node != c.node || had.state != claimAsking {
			return fmt.Errorf("another sign-in took over: %w", ErrConflict)
		}
		rev = now
	}
	return ErrConflict
}

// block keeps the password from being tried, after the person has said that
// somebody else has it, and ends what was begun with it.
func (e *errand) block(ctx context.Context) error {
	var locked error
	if e.flow.FraudLock > 0 {
		until := time.Now().Add(e.flow.FraudLock)
		locked = e.flow.guards.update(ctx, e.account, func(g *guard) { g.blockedUntil = max(g.blockedUntil, until.Unix()) })
	}
	// What fails keeps nothing else from being ended.
	return errors.Join(locked, e.flow.dropAll(ctx, changes, e.account), ForgetDevices(ctx, e.flow.Records, e.account, 0))
}

// tell is what one of those who wait is told.
func (e *errand) tell(ctx context.Context, w *waiter, o outcome) (Step, error) {
	f, t := e.flow, w.t
	t.ctx = ctx
	e.mu.Lock()
	others := e.others
	t.event.Detail = cmp.Or(e.details, t.event.Detail)
	e.mu.Unlock()
	switch {
	case o.err != nil:
		return nil, o.err
	case o.reason != "" && w.hasCode():
		return f.again(t, w.user, offered(w.methods), w.q, "not_sent")
	case o.reason != "":
		return f.reject(t, o.reason)
	}
	t.event.Method = o.method.Factor
	switch o.state {
	case claimApproved:
		if err := f.reread(w); err != nil {
			return f.refuse(t, err)
		}
		g, err := f.guards.load(ctx, e.account)
		if err != nil {
			return nil, err
		}
		switch {
		case g.blocked(time.Now()):
			return f.reject(t, ReasonBlocked)
		case !w.honours(o.method.ID, o.pin):
			return f.reject(t, ReasonMethodNotAllowed)
		}
		if others > 0 {
			t.notice = f.Texts.Text(w.user.Language, "other_attempt")
		}
		return f.proven(t, w.user, *w.d, w.methods, w.question(), &factorProof{account: e.account, method: o.method.Factor}, g)
	case claimDenied:
		return f.reject(t, ReasonDenied)
	case claimFraud:
		return f.reject(t, ReasonFraud)
	case claimAsked:
		return e.put(w, *o.question)
	case claimUnanswered, claimLeft, claimAsking:
	}
	return f.reject(t, ReasonNoAnswer)
}

// put puts the question of a code that was sent.
func (e *errand) put(w *waiter, q question) (Step, error) {
	f := e.flow
	own := w.question()
	q.attempt, q.password, q.change, q.key = w.t.id, own.password, own.change, own.key
	w.t.event.Method = factorOf(q.method)
	if !w.t.Via.CanAsk {
		if w.picked {
			return Reject{Reason: ReasonCodeSent, Text: f.Texts.Text(w.user.Language, "code_sent")}, nil
		}
		return f.reject(w.t, ReasonNoAnswer)
	}
	e.mu.Lock()
	say := cmp.Or(e.say, w.say)
	e.mu.Unlock()
	return f.again(w.t, w.user, offered(w.methods), &q, say)
}

// tellAll puts the question with the digits to be keyed to all who wait: they
// must be seen while the telephone rings.
func (e *errand) tellAll() {
	e.mu.Lock()
	var shown []*waiter
	kept := e.waiters[:0]
	for _, w := range e.waiters {
		if w.t.Via.CanAsk && !w.pressed {
			shown = append(shown, w)
		} else {
			kept = append(kept, w)
		}
	}
	e.waiters = kept
	e.mu.Unlock()
	for _, w := range shown {
		w.answer(e.tellWaiting(w))
	}
}

// shows reports whether a newcomer is to see the digits at once.
func (e *errand) shows(w *waiter) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return w.t.Via.CanAsk && !w.pressed && e.method != nil && e.claim != nil && e.claim.match != ""
}

// tellWaiting is the question of somebody whose approval is still to come.
func (e *errand) tellWaiting(w *waiter) (Step, error) {
	e.mu.Lock()
	c, m := e.claim, e.method
	e.mu.Unlock()
	if m != nil {
		w.t.event.Method = m.Factor
	}
	if !w.t.Via.CanAsk || c == nil {
		return e.flow.reject(w.t, ReasonNoAnswerYet)
	}
	if m == nil {
		m = e.methodOf(c.method)
	}
	q := w.question().fresh(time.Now())
	q.method, q.approval = m.ID, true
	q.memo = slices.Concat(c.id[:], []byte(c.match))
	w.t.event.Reason = ReasonWaiting
	return e.flow.again(w.t, w.user, offered(w.methods), q, "")
}
