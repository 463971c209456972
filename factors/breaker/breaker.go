package breaker

import (
	"sync"
	"time"
)

const (
	// After is how many failures in a row open a breaker.
	After = 3
	// For is how long nobody waits for the provider then.
	For = 30 * time.Second
)

// A Breaker keeps a dead provider from slowing each login down. After
// For one use tries it again.
type Breaker struct {
	mu      sync.Mutex
	failed  int
	until   time.Time
	probing bool
}

// Ready reports whether Enter would let somebody through.
func (b *Breaker) Ready() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.closed()
}

func (b *Breaker) closed() bool {
	return b.failed < After || !b.probing && !time.Now().Before(b.until)
}

// Enter asks to use the provider; who is let in tells the outcome with Leave.
func (b *Breaker) Enter() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.closed() {
		return false
	}
	b.probing = b.failed >= After
	return true
}

// Leave tells whether the provider worked, and how long it wants to be left
// alone if it has said so. It reports whether that opened or closed the
// breaker.
func (b *Breaker) Leave(worked bool, pause time.Duration) (opened, recovered bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.probing = false
	if worked {
		recovered = b.failed >= After
		b.failed = 0
		return false, recovered
	}
	was := b.failed
	b.failed++
	if pause > 0 {
		b.failed = max(b.failed, After)
	} else {
		pause = For
	}
	if b.failed >= After {
		opened = was < After
		b.until = time.Now().Add(pause)
	}
	return opened, false
}

// Abandon ends a use that says nothing about the provider.
func (b *Breaker) Abandon() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.probing = false
}
