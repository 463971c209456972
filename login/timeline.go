package login

import (
	"fmt"
	"time"
)

// lookup asks the directory for the account of an attempt, and notes how long
// that took.
func (f *Flow) lookup(t *attempt, age time.Duration) (Account, error) {
	began := time.Now()
	a, err := f.Directory.Lookup(t.ctx, t.User, age)
	t.event.Directory += time.Since(began)
	return a, err
}

// verify has the directory check a password, and notes how long that took.
func (f *Flow) verify(t *attempt, a Account, password Secret) error {
	began := time.Now()
	defer func() { t.event.Directory += time.Since(began) }()
	g, grants := f.Directory.(Granter)
	if !grants {
		return f.Directory.Verify(t.ctx, a, password)
	}
	granted, err := g.Grant(t.ctx, a, password)
	switch {
	case err != nil:
		return err
	case len(granted) > MaxGrant:
		return fmt.Errorf("login: a grant of %d octets, at most %d are kept", len(granted), MaxGrant)
	case len(granted) > 0:
		t.grant = granted
	}
	return nil
}

// left tells of an attempt whose client no longer waits for the answer: what
// was begun goes on, so the service desk sees both.
func (f *Flow) left(w *waiter) {
	t := w.t
	if t.done {
		return
	}
	t.done = true
	t.event.Outcome, t.event.Reason, t.event.Elsewhere = "left", ReasonNoAnswerYet, w.waited()
	t.event.Method = factorOf(w.errand.asked())
	f.tell(t)
}

// asked is the method asked now.
func (e *errand) asked() string {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.method == nil {
		return ""
	}
	return e.method.ID
}

// late tells how an errand ended that nobody waits for any more: an approval is
// there for the next try, and a fraud report is one all the same.
func (e *errand) late(o outcome) {
	if e.flow.Audit == nil || o.err != nil || o.state != claimApproved && o.state != claimDenied {
		return
	}
	e.mu.Lock()
	details := e.details
	e.mu.Unlock()
	lead := e.lead // whose own event is being told of elsewhere
	t := &attempt{Attempt: lead.t.Attempt, began: lead.t.began, id: lead.t.id}
	t.event = finding{
		User: lead.user.Account.Name, AccountID: e.account, Rule: lead.d.Rule,
		Outcome: "answered", Reason: ReasonOK, Method: o.method.Factor, Detail: details, Elsewhere: lead.waited(),
	}
	if o.state == claimDenied {
		t.event.Reason = ReasonDenied
	}
	e.flow.tell(t)
}
