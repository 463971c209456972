package login

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"sync"
	"time"

	"github.com/portvakt/portvakt/internal/crew"
	"github.com/portvakt/portvakt/internal/deadline"
)

// maxErrands bounds the sign-ins asked elsewhere at one time on one node.
const maxErrands = 100_000

// closeAtOnce is how many errands are ended at a time.
const closeAtOnce = 256

var errClosing = errors.New("the server is ending")

// errands are the sign-ins that somebody is being asked about elsewhere, one at
// most of an account. They live longer than the requests that wait for them.
type errands struct {
	node   [8]byte // who this process is in claims
	alarms *alarms

	mu     sync.Mutex
	by     map[string]*errand
	ctx    context.Context //nolint:containedctx // of what outlives requests
	cancel context.CancelFunc
	closed bool
	within deadline.Contexts // of what outcomes write
	crew   *crew.Crew[chore]
}

// A chore is a part of an errand, or of none, that no request does itself.
type chore struct {
	errand *errand // which a panic ends; nil for what recovers by itself
	do     func(ctx context.Context)
}

func newErrands() *errands {
	s := &errands{by: map[string]*errand{}, alarms: newAlarms()}
	rand.Read(s.node[:])
	s.ctx, s.cancel = context.WithCancel(context.Background())
	s.crew = crew.New(func(c chore) {
		if c.errand != nil {
			defer c.errand.recovered()
		}
		c.do(s.ctx)
	})
	return s
}

// join adds a waiter to the errand of its account, beginning one when there is
// none; mine is whether it did. An errand of another sign-in is a clash: the
// key that the person presses must admit nobody else who has her password
// (attack: signing in while the owner's telephone rings).
func (s *errands) join(w *waiter) (e *errand, mine bool, clash *errand, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	account := w.user.Account.ID
	mark := fingerprint(account, w.t.Via)
	e = s.by[account]
	switch {
	case s.closed:
		return nil, false, nil, errClosing
	case e != nil && e.mark != mark:
		e.others++
		return nil, false, e, nil
	case e != nil:
		w.g = nil
	case len(s.by) >= maxErrands:
		return nil, false, nil, fmt.Errorf("%d people are being asked at this moment", len(s.by))
	default:
		e = &errand{errands: s, flow: w.flow, lead: w, account: account, mark: mark}
		e.waiters = e.room[:0]
		s.by[account] = e
		w.flow.asking.Add(1)
		mine = true
	}
	e.waiters = append(e.waiters, w)
	w.errand = e
	if patience := w.t.Via.Patience; patience > 0 {
		s.alarms.set(&w.patience, patience-time.Since(w.t.began), w, 0)
	}
	return e, mine, nil, nil
}

// leave ends the errand of an account that a ticket names, when it is still
// under way, and reports whether this node was asking: the person has taken
// another way.
func (s *errands) leave(account string, id [8]byte) bool {
	s.mu.Lock()
	e := s.by[account]
	found := e != nil && e.claim != nil && e.claim.id == id
	here := found && !e.remote
	s.mu.Unlock()
	if found {
		e.conclude(outcome{state: claimLeft})
	}
	return here
}

// background runs fn in a goroutine that close waits for; not any more when
// that has begun. A panic in it ends this errand, not the server.
func (e *errand) background(fn func(ctx context.Context)) bool {
	return e.errands.background(chore{e, fn})
}

// recovered is deferred. The value of a panic is left out unless the runtime
// made it: it might hold what somebody typed.
func (e *errand) recovered() {
	v := recover()
	if v == nil {
		return
	}
	what := fmt.Sprintf("panic with a %T", v)
	if r, ok := v.(runtime.Error); ok {
		what = r.Error()
	}
	e.audit(Event{Outcome: "error", Reason: ReasonUnavailable, Detail: what + "\n" + string(debug.Stack())})
	e.conclude(outcome{err: errPanic})
}

var errPanic = errors.New("a fault of the program ended it")

func (s *errands) background(c chore) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	s.crew.Start(c)
	return true
}

// close ends every errand and waits for what they have under way. Requests that
// still wait get an error, so that their clients ask another server.
func (s *errands) close() {
	s.mu.Lock()
	first := !s.closed
	s.closed = true
	var left []*errand
	for _, e := range s.by {
		left = append(left, e)
	}
	s.mu.Unlock()
	var all sync.WaitGroup // together, so that they share the commits of the store
	turn := make(chan struct{}, closeAtOnce)
	for _, e := range left {
		turn <- struct{}{}
		all.Go(func() {
			e.conclude(outcome{state: claimLeft, err: errClosing})
			<-turn
		})
	}
	all.Wait()
	s.cancel()
	s.mu.Lock()
	if first {
		s.crew.Close()
	}
	s.mu.Unlock()
	s.crew.Wait()
}
