package login

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"time"
)

// An errand asks a person elsewhere, one method after the other, for all the
// requests of one sign-in.
type errand struct {
	*errands
	flow    *Flow
	lead    *waiter // who began it
	account string
	mark    [16]byte

	// Guarded by the errands' lock.
	waiters []*waiter
	room    [1]*waiter // of most
	others  int        // sign-ins refused meanwhile
	claim   *claim     // as written, never changed
	rev     uint64
	method  *Method // asked now
	reached bool    // something may have reached her
	leg     int     // counts the methods asked
	limit   bell    // of the leg
	stop    func()  // ends the asking
	remote  bool    // another node asks
	over    bool
	say     string // text key of what went wrong
	details string // what became of the methods tried

	// Of the goroutine that drives it; there is one at a time.
	next   int  // in the order of the lead
	silent bool // may only send codes: a node died while it rang
}

// drop takes a waiter off; false when it has been answered or is just being.
func (e *errand) drop(w *waiter) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	i := slices.Index(e.waiters, w)
	if i < 0 {
		return false
	}
	e.waiters = slices.Delete(e.waiters, i, i+1)
	return true
}

// open finds out whether the sign-in is asked about already, here a moment ago
// or on another node, and begins when it is not.
func (e *errand) open(ctx context.Context) {
	for range maxConflicts {
		had, ok := e.reload(ctx)
		if !ok || e.known(ctx, had) {
			return
		}
		// Nobody knows of the call that she says she has answered: it is not
		// made again by itself.
		if e.silent = e.lead.pressed; e.silent {
			e.mu.Lock()
			e.say = "not_answered"
			e.mu.Unlock()
		}
		c := &claim{state: claimAsking, node: e.node, mark: e.mark, pin: e.lead.d.Call == CallPIN}
		rand.Read(c.id[:])
		c.method = e.lead.order[0].ID
		c.until = time.Now().Add(approvalFor + leaseGrace).UnixMilli()
		if e.flow.matches(*e.lead.d) && e.lead.t.Via.CanAsk {
			n, err := rand.Int(rand.Reader, big.NewInt(90))
			if err != nil {
				e.conclude(outcome{err: err})
				return
			}
			c.match = fmt.Sprint(10 + n.Int64())
		}
		err := e.write(ctx, c)
		if err == nil {
			e.advance(ctx)
			return
		}
		if !errors.Is(err, ErrConflict) {
			e.conclude(outcome{err: fmt.Errorf("write claim: %w", err)})
			return
		}
	}
	e.conclude(outcome{err: fmt.Errorf("write claim: %w %d times", ErrConflict, maxConflicts)})
}

// reload reads the claim there is, to be written over by the next write. It
// reports false when it cannot be read, which ends the errand.
func (e *errand) reload(ctx context.Context) (*claim, bool) {
	c, rev, err := loadClaim(ctx, e.flow.Records, e.account)
	if err != nil {
		e.conclude(outcome{err: err})
		return nil, false
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.rev = rev
	return c, true
}

// known goes by the claim there is, and reports whether it says enough.
func (e *errand) known(ctx context.Context, had *claim) bool {
	now := time.Now()
	same := had.mark == e.mark
	if e.lead.pressed {
		id, _ := e.lead.q.claim()
		same = had.id == id
	}
	switch {
	case !had.live(now):
		return false
	case had.state == claimAsking && !same:
		e.conclude(outcome{reason: ReasonInProgress})
		return true
	case had.state == claimAsking:
		e.watch(had)
		return true
	case !same || e.lead.chosen:
		return false
	case e.lead.t.Via.Station == "" && !e.lead.pressed && !e.lead.picked:
		return false // nothing tells whether it is the same device
	case had.state == claimApproved && (had.used && !had.lost(now) || !e.lead.pressed && !e.lead.honours(had.method, had.pin)):
		return false
	case had.state == claimAsked && e.lead.g.spentBefore(had.nonce):
		return false
	case had.state == claimLeft:
		return false
	}
	return e.conclusion(ctx, had)
}

// conclusion ends the errand as the claim says it ended elsewhere or before.
// An approval is made use of once.
func (e *errand) conclusion(ctx context.Context, had *claim) bool {
	o := outcome{state: had.state, method: *e.methodOf(had.method), pin: had.pin}
	switch had.state {
	case claimApproved:
		if !had.used {
			had.used = true
			err := e.flow.Records.Swap(ctx, ClaimKey(e.account), e.rev, had.encode())
			if errors.Is(err, ErrConflict) && !e.remote {
				return false // somebody else made use of it
			}
			if errors.Is(err, ErrConflict) {
				now, ok := e.reload(ctx)
				if !ok {
					return true
				}
				if err = nil; now.id != had.id || now.state != claimApproved { // else by another that waited with it
					o = outcome{state: claimLeft}
				}
			}
			if err != nil {
				o = outcome{err: fmt.Errorf("use approval: %w", err)}
			}
		}
	case claimAsked:
		o.question = had.question(e.account, e.lead.t.id)
	case claimDenied, claimFraud, claimUnanswered, claimLeft, claimAsking:
	}
	e.mu.Lock()
	e.remote = true // the record stays as it is
	e.mu.Unlock()
	e.conclude(o)
	return true
}

func (e *errand) methodOf(id string) *Method {
	for i := range e.lead.methods {
		if m := &e.lead.methods[i]; m.ID == id {
			return m
		}
	}
	return &Method{ID: id, Factor: factorOf(id)}
}

// write makes c the claim, if nobody else was faster.
func (e *errand) write(ctx context.Context, c *claim) error {
	e.mu.Lock()
	rev := e.rev
	e.mu.Unlock()
	data := c.encode()
	if err := e.flow.Records.Swap(ctx, ClaimKey(e.account), rev, data); err != nil {
		return err
	}
	v, err := e.flow.Records.Get(ctx, ClaimKey(e.account))
	if err != nil {
		return err
	}
	if !slices.Equal(v.Data, data) {
		return ErrConflict
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.rev, e.claim = v.Rev, c
	return nil
}

// advance asks by the next method that works: an approver answers later, a code
// is sent and asked for. Without any left nobody can answer.
func (e *errand) advance(ctx context.Context) {
	f, lead := e.flow, e.lead
	for e.next < len(lead.order) {
		m := lead.order[e.next]
		e.next++
		factor := f.factor(m.Factor)
		if a, ok := factor.(Approver); ok && f.approves(m, *lead.d) {
			if e.silent {
				continue
			}
			begun, err := e.ask(ctx, a, m)
			if err != nil {
				e.conclude(outcome{err: err})
				return
			}
			if begun {
				return
			}
			continue
		}
		p, ok := factor.(Prompter)
		if !ok || !lead.canAsk() {
			continue
		}
		memo, err := prompt(ctx, p, lead.user, m, lead.question())
		if err != nil {
			e.failed(m, err, "not_sent")
			continue
		}
		q := lead.question().fresh(time.Now())
		q.method, q.memo, q.approval = m.ID, memo, false
		e.conclude(outcome{state: claimAsked, question: q})
		return
	}
	e.mu.Lock()
	asked, say := e.reached || e.silent, e.say
	e.mu.Unlock()
	if !asked { // nothing reached her: the next try may
		reason := ReasonNoMethodWorks
		if say == "too_many_calls" {
			reason = ReasonTooManyCalls
		}
		e.conclude(outcome{state: claimLeft, reason: reason})
		return
	}
	e.conclude(outcome{state: claimUnanswered})
}

// ask has an approver ask, unless the account was asked too often lately
// (attack: calling until she presses the key to have peace).
func (e *errand) ask(ctx context.Context, a Approver, m Method) (begun bool, err error) {
	t, g := e.lead.t, e.lead.g
	e.lead.g = nil // it has served, and thousands wait
	if g == nil {
		now, err := e.flow.guards.load(ctx, e.account)
		if err != nil {
			return false, err
		}
		g = &now
	}
	allowed, err := e.flow.guards.updateLoaded(ctx, e.account, *g, func(g *guard) bool { return g.ask(t.station, time.Now()) })
	if err != nil {
		return false, err
	}
	if !allowed {
		e.failed(m, &Refusal{Reason: ReasonTooManyCalls}, "too_many_calls")
		return false, nil
	}
	e.mu.Lock()
	c, over := e.claim, e.over
	e.leg++
	leg, at := e.leg, e.next-1
	e.mu.Unlock()
	if over {
		return true, nil // it ended meanwhile: nothing rings
	}
	if leg > 1 || c.method != m.ID { // else it was written just now
		next := *c
		c = &next
		c.method, c.until = m.ID, time.Now().Add(approvalFor+leaseGrace).UnixMilli()
		if err := e.write(ctx, c); err != nil {
			return false, fmt.Errorf("write claim: %w", err)
		}
	}
	e.alarms.set(&e.limit, approvalFor, e, leg)
	stop := a.Approve(Approval{
		User: e.lead.user, Method: m, Attempt: reference(t.id), Station: t.Via.Station,
		Match: c.match, PIN: c.pin,
	}, func(err error) { e.answers(leg, at, c, err) })
	e.mu.Lock()
	over = e.over
	if e.leg == leg {
		e.method, e.stop = e.methodOf(m.ID), stop
	}
	e.mu.Unlock()
	if over {
		stop()
		return true, nil
	}
	if c.match != "" {
		e.tellAll()
	}
	return true, nil
}

// answers takes in what an approver says of its leg, which asked by one method
// of the lead's order under the claim.
func (e *errand) answers(leg, at int, c *claim, err error) {
	e.ended(leg)
	m := e.lead.order[at]
	if !e.background(func(ctx context.Context) { e.answered(ctx, m, c.pin, err) }) {
		e.conclude(outcome{err: errClosing})
	}
}

// ended notes that there is nothing left to stop: an approver need not bear to
// be stopped by whom it tells its end.
func (e *errand) ended(leg int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.leg == leg {
		e.stop = nil
		e.alarms.stop(&e.limit)
	}
}

// ring is called when a method was asked for too long.
func (e *errand) ring(leg int) { e.halt(leg) }

// halt ends the asking of a method that takes too long.
func (e *errand) halt(leg int) {
	e.mu.Lock()
	stop := e.stop
	if e.leg != leg {
		stop = nil
	}
	e.mu.Unlock()
	if stop != nil {
		stop()
	}
}

// answered goes on when an approver has ended.
func (e *errand) answered(ctx context.Context, m Method, pin bool, err error) {
	switch {
	case err == nil:
		e.conclude(outcome{state: claimApproved, method: m, pin: pin})
	case errors.Is(err, ErrFraud):
		if !e.conclude(outcome{state: claimFraud, method: m}) {
			e.reported(m) //nolint:contextcheck // is written also when this one has ended
		}
	case errors.Is(err, ErrDenied):
		e.conclude(outcome{state: claimDenied, method: m})
	default:
		say, reached := "not_answered", true
		if errors.Is(err, ErrNotAsked) || Refused(err) != "" {
			say, reached = "not_sent", false
			if err := e.flow.guards.update(ctx, e.account, func(g *guard) { g.unask(e.lead.t.station, time.Now()) }); err != nil {
				e.failed(m, err, say) // it counts as a call then
			}
		}
		e.failed(m, err, say)
		e.mu.Lock()
		over := e.over
		e.reached = e.reached || reached
		e.leg++
		e.method, e.stop = nil, nil
		e.mu.Unlock()
		if !over {
			e.advance(ctx)
		}
	}
}

// failed notes what became of a method, for the log and for the person.
func (e *errand) failed(m Method, err error, say string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.say = say
	if e.details != "" {
		e.details += "; "
	}
	e.details += m.Factor + ": " + err.Error()
}
