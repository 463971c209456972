package gateway

import (
	"sync"
	"time"
)

const (
	maxPending = 10_000 // messages whose receipts are waited for
	maxEarly   = 1_000  // receipts that came before their message's id
	earlyFor   = Overall
)

// A name is a message as its provider calls it.
type name struct{ provider, id string }

// A delivery is one message that a provider took. Its fields but used are
// guarded by the mutex of pending.
type delivery struct {
	m       Message
	used    map[*link]bool // by forward, of which one runs at a time
	names   []name
	current name // who has to deliver it now
	moving  bool // to the next provider
	timers  []*time.Timer
}

// pending are the messages whose receipts are waited for.
type pending struct {
	most  int // messages
	mu    sync.Mutex
	all   map[*delivery]struct{}
	names map[name]*delivery
	early map[name]early
}

type early struct {
	receipt Receipt
	until   time.Time
}

func newPending() pending {
	return pending{
		most: maxPending,
		all:  make(map[*delivery]struct{}), names: make(map[name]*delivery), early: make(map[name]early),
	}
}

// add makes a delivery known by a name. It returns a receipt that came before
// it, and false when there is no room.
func (p *pending) add(d *delivery, n name) (before Receipt, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, known := p.all[d]; !known && len(p.all) >= p.most {
		return Receipt{}, false
	}
	if other := p.names[n]; other != nil && other != d {
		return Receipt{}, false // an id given twice is the first message's
	}
	p.all[d], p.names[n] = struct{}{}, d
	d.names = append(d.names, n)
	d.current, d.moving = n, false
	e := p.early[n]
	delete(p.early, n)
	return e.receipt, true
}

// keep has a timer stopped when the delivery is forgotten.
func (p *pending) keep(d *delivery, t *time.Timer) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, known := p.all[d]; !known {
		t.Stop()
		return
	}
	d.timers = append(d.timers, t)
}

// settle takes a receipt. move is whether the message has to go through the
// next provider, delivered whether it has arrived; at most one is true.
func (p *pending) settle(r Receipt) (d *delivery, move, delivered bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := name{r.Provider, r.ID}
	d = p.names[n]
	switch {
	case d == nil:
		p.rememberLocked(n, r)
	case r.State == Delivered:
		p.forgetLocked(d)
		return d, false, true
	case r.State == Failed && d.current == n && !d.moving:
		d.moving = true
		return d, true, false
	}
	return nil, false, false
}

func (p *pending) rememberLocked(n name, r Receipt) {
	if r.State == Pending || n.id == "" || len(n.id) > maxID {
		return
	}
	now := time.Now()
	if len(p.early) >= maxEarly {
		for k, e := range p.early {
			if now.After(e.until) {
				delete(p.early, k)
			}
		}
	}
	if len(p.early) < maxEarly {
		p.early[n] = early{r, now.Add(earlyFor)}
	}
}

// late reports whether the provider that has the message has not delivered it,
// and begins to move it on.
func (p *pending) late(d *delivery, n name) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.names[n] != d || d.current != n || d.moving {
		return false
	}
	d.moving = true
	return true
}

// waits reports whether the message's receipt is still of use.
func (p *pending) waits(n name) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.names[n] != nil
}

func (p *pending) forget(d *delivery) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.forgetLocked(d)
}

func (p *pending) forgetLocked(d *delivery) {
	for _, t := range d.timers {
		t.Stop()
	}
	for _, n := range d.names {
		delete(p.names, n)
	}
	delete(p.all, d)
}

func (p *pending) clear() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for d := range p.all {
		p.forgetLocked(d)
	}
}
