package radiusd

import "sync"

// An admission bounds the requests in hand: all of them, and those of each
// client. A quarter of both is for requests with State only, so that people who
// have answered half of their questions get in when newcomers must wait (RFC
// 5080, section 2.2.3). Those that are held have bounds of their own: they take
// long and cost little, and must not keep others out.
type admission struct {
	mu       sync.Mutex
	inHand   int // being decided
	max      int
	held     int
	maxHeld  int
	draining bool
	closed   bool
	done     bool
	idle     chan struct{} // closed when a drain has come to its end
}

func newAdmission() *admission { return &admission{idle: make(chan struct{})} }

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

// hold moves a request from those being decided to those held, or says why not.
// A limit of 0 means three quarters of the server's.
func (a *admission) hold(p *peer, limit int) tally {
	a.mu.Lock()
	defer a.mu.Unlock()
	if limit == 0 {
		limit = a.maxHeld - a.maxHeld/4
	}
	switch {
	case a.closed:
		return dropDraining
	case a.held >= a.maxHeld:
		return dropHeldFull
	case p.held >= limit:
		return dropClientHeldFull
	}
	a.inHand--
	p.inHand--
	a.held++
	p.held++
	return dropNone
}

// part ends what hold began.
func (a *admission) part(p *peer) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.held--
	p.held--
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
	if a.draining && a.inHand+a.held == 0 && !a.done {
		a.closed, a.done = true, true
		close(a.idle)
	}
}

func (a *admission) resize(maximum, held int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.max, a.maxHeld = maximum, held
}

// count returns how many are in hand, and how many of those are held.
func (a *admission) count() (inHand, held int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.inHand + a.held, a.held
}

func (a *admission) countOf(p *peer) (inHand, held int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return p.inHand + p.held, p.held
}
