package ldapauth

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"
)

// paceSamples is how many binds of real people the pace remembers.
const paceSamples = 64

// A pace makes a bind for nobody take as long as one for somebody. Directories
// answer at once for a name they do not have and compute a hash, up to many
// milliseconds, for one they have: the difference would tell who has an
// account.
type pace struct {
	mu      sync.Mutex
	samples [paceSamples]time.Duration
	n       int
}

// note remembers how long a decided bind of a real person took.
func (p *pace) note(took time.Duration) {
	p.mu.Lock()
	p.samples[p.n%paceSamples] = took
	p.n++
	p.mu.Unlock()
}

// draw returns one of the durations remembered, 0 when there is none.
func (p *pace) draw() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.n == 0 {
		return 0
	}
	return p.samples[rand.IntN(min(p.n, paceSamples))] //nolint:gosec // timing noise, not a secret
}

// wait waits until a duration that was drawn has passed since start.
func (p *pace) wait(ctx context.Context, start time.Time) {
	left := p.draw() - time.Since(start)
	if left <= 0 {
		return
	}
	t := time.NewTimer(left)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
