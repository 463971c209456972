package login

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// watchEvery is how often a claim of another node is looked at.
const watchEvery = 250 * time.Millisecond

// watch waits for the outcome of a claim of another node.
func (e *errand) watch(had *claim) {
	e.lead.g = nil // it has served
	e.mu.Lock()
	e.remote, e.claim, e.method = true, had, e.methodOf(had.method)
	e.mu.Unlock()
	if had.match != "" && !e.lead.pressed {
		e.tellAll()
	}
	e.again()
}

func (e *errand) again() {
	time.AfterFunc(watchEvery, func() {
		if !e.background(e.look) {
			e.conclude(outcome{err: errClosing})
		}
	})
}

// look goes by what the other node has written meanwhile. One that has died
// while it rang leaves a claim that ends by itself; then codes may be sent, and
// nothing rings a second time.
func (e *errand) look(ctx context.Context) {
	e.mu.Lock()
	had, over := e.claim, e.over
	e.mu.Unlock()
	if over || e.conclude(outcome{state: claimLeft, idle: true}) {
		return
	}
	now, ok := e.reload(ctx)
	if !ok {
		return
	}
	switch {
	case now.id != had.id:
		e.conclude(outcome{state: claimUnanswered})
	case now.state == claimAsking && now.live(time.Now()):
		e.mu.Lock()
		e.claim, e.method = now, e.methodOf(now.method)
		e.mu.Unlock()
		e.again()
	case now.state == claimAsking:
		e.silent = true
		e.failed(*e.methodOf(now.method), errLost, "not_answered")
		mine := *now
		mine.node, mine.until = e.node, time.Now().Add(approvalFor+leaseGrace).UnixMilli()
		e.mu.Lock()
		e.remote = false
		e.mu.Unlock()
		if err := e.write(ctx, &mine); err != nil {
			e.conclude(outcome{err: fmt.Errorf("take over claim: %w", err)})
			return
		}
		e.advance(ctx)
	default:
		e.conclusion(ctx, now)
	}
}

var errLost = errors.New("the server that asked has ended meanwhile")
