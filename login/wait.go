package login

import (
	"context"
	"sync"
)

// A Wait is a [Step] that is still to come: somebody is being asked elsewhere.
// The transport keeps its client waiting; the Flow answers before
// [Via.Patience] has passed, with an [Accept], a [Reject] or an [Ask]. Nothing
// runs for a Wait, so that many thousands may be held.
type Wait struct{ answer *answer }

// An Awaiter is told the answer of a Wait.
type Awaiter interface {
	// Answered is called once, from another goroutine or from Then, and must not
	// wait for anything. The step is never a Wait.
	Answered(s Step, err error)
}

// An answer is part of what waits for it, so that it is no piece of memory of its
// own.
type answer struct {
	mu    sync.Mutex
	then  Awaiter
	step  Step
	err   error
	there bool
	left  bool
	asked leaver
}

// A leaver is told that nobody waits any more.
type leaver interface{ leave() }

type leaverFunc func()

func (fn leaverFunc) leave() { fn() }

// NewWait makes a Wait and the function that answers it, of which the first
// call counts. leave, which may be nil, is called when nobody waits any more.
func NewWait(leave func()) (w Wait, answered func(Step, error)) {
	a := &answer{}
	if leave != nil {
		a.asked = leaverFunc(leave)
	}
	return Wait{a}, a.put
}

func (a *answer) put(s Step, err error) {
	a.mu.Lock()
	if a.there || a.left {
		a.mu.Unlock()
		return
	}
	a.there, a.step, a.err = true, s, err
	then := a.then
	a.mu.Unlock()
	if then != nil {
		then.Answered(s, err)
	}
}

// Then has somebody told the answer, once: from another goroutine, or at once
// when the answer is there. It may be called once.
func (w Wait) Then(who Awaiter) {
	a := w.answer
	a.mu.Lock()
	a.then = who
	ready := a.there && !a.left
	a.mu.Unlock()
	if ready {
		who.Answered(a.step, a.err)
	}
}

// Leave says that nobody waits for the answer any more: the client has gone.
// What was begun goes on, so that an approval that comes late still counts.
func (w Wait) Leave() {
	a := w.answer
	a.mu.Lock()
	first := !a.left && !a.there
	a.left = true
	a.mu.Unlock()
	if first && a.asked != nil {
		a.asked.leave()
	}
}

// Await waits for the answer of a step that may be a Wait, for transports that
// have a goroutine for each login anyway.
func Await(ctx context.Context, s Step, err error) (Step, error) {
	w, waiting := s.(Wait)
	if !waiting {
		return s, err
	}
	there := make(awaited, 1)
	w.Then(there)
	select {
	case <-there:
		return w.answer.step, w.answer.err
	case <-ctx.Done():
		w.Leave()
		return nil, ctx.Err()
	}
}

// awaited has the answer told to a goroutine that waits for it.
type awaited chan struct{}

func (c awaited) Answered(Step, error) { c <- struct{}{} }

func (Wait) step() {}
