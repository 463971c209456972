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
	asked leaver
	early *early // the answer, when it comes before somebody waits for it
	there bool
	left  bool
}

type early struct {
	step Step
	err  error
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
	a.there = true
	then := a.then
	if then == nil {
		a.early = &early{s, err}
	}
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
	ready := a.early
	if a.left {
		ready = nil
	}
	a.mu.Unlock()
	if ready != nil {
		who.Answered(ready.step, ready.err)
	}
}

// Leave says that nobody waits for the answer any more: the client has gone.
// What was begun goes on, so that an approval that comes late still counts.
func (w Wait) Leave() {
	a := w.answer
	a.mu.Lock()
	first := !a.left && !a.there
	a.left, a.then = true, nil // the errand goes on, and must not keep who has gone
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
	case a := <-there:
		return a.step, a.err
	case <-ctx.Done():
		w.Leave()
		return nil, ctx.Err()
	}
}

// awaited has the answer told to a goroutine that waits for it.
type awaited chan early

func (c awaited) Answered(s Step, err error) { c <- early{s, err} }

func (Wait) step() {}
