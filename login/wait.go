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

type answer struct {
	mu    sync.Mutex
	then  func(Step, error)
	step  Step
	err   error
	there bool
	left  bool
	leave func()
}

// NewWait makes a Wait and the function that answers it, of which the first
// call counts. leave, which may be nil, is called when nobody waits any more.
func NewWait(leave func()) (w Wait, answered func(Step, error)) {
	a := &answer{leave: leave}
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
		then(s, err)
	}
}

// Then has fn called with the answer, once: from another goroutine, or at once
// when the answer is there. fn must not wait for anything. The answer is never
// a Wait. Then may be called once.
func (w Wait) Then(fn func(Step, error)) {
	a := w.answer
	a.mu.Lock()
	a.then = fn
	ready := a.there && !a.left
	a.mu.Unlock()
	if ready {
		fn(a.step, a.err)
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
	if first && a.leave != nil {
		a.leave()
	}
}

// Await waits for the answer of a step that may be a Wait, for transports that
// have a goroutine for each login anyway.
func Await(ctx context.Context, s Step, err error) (Step, error) {
	w, waiting := s.(Wait)
	if !waiting {
		return s, err
	}
	type outcome struct {
		step Step
		err  error
	}
	there := make(chan outcome, 1)
	w.Then(func(s Step, err error) { there <- outcome{s, err} })
	select {
	case o := <-there:
		return o.step, o.err
	case <-ctx.Done():
		w.Leave()
		return nil, ctx.Err()
	}
}

func (Wait) step() {}
