package gateway

import (
	"sync"
	"time"
)

const (
	breakAfter = 3                // failures in a row
	breakFor   = 30 * time.Second // then nobody waits for the provider
)

// A breaker keeps a dead provider from slowing each login down. After
// breakFor one message tries it again.
type breaker struct {
	mu      sync.Mutex
	failed  int
	until   time.Time
	probing bool
}

// ready reports whether enter would let somebody through.
func (b *breaker) ready() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.closed()
}

func (b *breaker) closed() bool {
	return b.failed < breakAfter || !b.probing && !time.Now().Before(b.until)
}

// enter asks to use the provider; who is let in tells the outcome with leave.
func (b *breaker) enter() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.closed() {
		return false
	}
	b.probing = b.failed >= breakAfter
	return true
}

// leave tells whether the provider worked, and how long it wants to be left
// alone if it has said so. It reports whether that opened or closed the
// breaker.
func (b *breaker) leave(worked bool, pause time.Duration) (opened, recovered bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.probing = false
	if worked {
		recovered = b.failed >= breakAfter
		b.failed = 0
		return false, recovered
	}
	was := b.failed
	b.failed++
	if pause > 0 {
		b.failed = max(b.failed, breakAfter)
	} else {
		pause = breakFor
	}
	if b.failed >= breakAfter {
		opened = was < breakAfter
		b.until = time.Now().Add(pause)
	}
	return opened, false
}

// abandon ends a use that says nothing about the provider.
func (b *breaker) abandon() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.probing = false
}
