package smpp

import (
	"sync"
	"time"
)

const (
	firstPause = time.Second
	longPause  = 30 * time.Second
)

// A pause keeps messages from an SMSC that asked for fewer of them: each
// refusal after a pause makes the next one longer.
type pause struct {
	mu    sync.Mutex
	step  time.Duration
	until time.Time
}

// left is how long a pause still takes; 0 when there is none.
func (p *pause) left(now time.Time) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return max(p.until.Sub(now), 0)
}

// begin starts a pause. A window full of messages that are refused together
// counts once.
func (p *pause) begin(now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if now.Before(p.until) {
		return
	}
	p.step = min(max(2*p.step, firstPause), longPause)
	p.until = now.Add(jitter(p.step))
}

// end forgets the pauses that are over: a message was taken. One that left
// before a pause says nothing about it.
func (p *pause) end(now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !now.Before(p.until) {
		p.step = 0
	}
}
