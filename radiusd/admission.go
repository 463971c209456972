package radiusd

import "sync"

// An admission bounds the requests in hand: all of them, and those of each
// client. A quarter of both is for requests with State only, so that people who
// have answered half of their questions get in when newcomers must wait (RFC
// 5080, section 2.2.3).
type admission struct {
	mu       sync.Mutex
	inHand   int
	max      int
	draining bool
	closed   bool
	done     bool
	idle     chan struct{} // closed when a drain has come to its end
}

func newAdmission(maximum int) *admission {
	return &admission{max: maximum, idle: make(chan struct{})}
}

// enter admits a request or says why not. A limit of 0 means three quarters of
// the server's.
func (a *admission) enter(p *peer, limit int, continues bool) tally {
	a.mu.Lock()
	defer a.mu.Unlock()
	if limit == 0 {
		limit = a.max - a.max/4
	}
	total := a.max
	if !continues {
		total -= total / 4
		limit -= limit / 4
	}
	switch {
	case a.closed, a.draining && !continues:
		return dropDraining
	case a.inHand >= total:
		return dropBusy
	case p.inHand >= limit:
		return dropClientBusy
	}
	a.inHand++
	p.inHand++
	return dropNone
}

// leave ends what enter began.
func (a *admission) leave(p *peer) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.inHand--
	p.inHand--
	a.settle()
}

// drain admits no more new sign-ins and returns a channel that is closed when
// nothing is in hand.
func (a *admission) drain() <-chan struct{} {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.draining = true
	a.settle()
	return a.idle
}

// close admits nothing any more.
func (a *admission) close() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.draining, a.closed = true, true
}

func (a *admission) settle() {
	if a.draining && a.inHand == 0 && !a.done {
		a.closed, a.done = true, true
		close(a.idle)
	}
}

func (a *admission) resize(maximum int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.max = maximum
}

func (a *admission) count() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.inHand
}

func (a *admission) countOf(p *peer) int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return p.inHand
}
