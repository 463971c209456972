package ldapauth

import (
	"sync"
	"sync/atomic"
	"time"
)

// How a breaker opens and how often an open one is probed.
const (
	failuresToOpen = 3
	probeEvery     = time.Second
	probeFor       = 2 * time.Second
	// A server that refuses the service account is asked less often: each
	// probe counts towards locking that account.
	probeRefused = 30 * time.Second
)

// A breaker keeps logins from waiting for a server that is down: it opens
// after failures in a row and closes when a probe succeeds.
type breaker struct {
	opened  atomic.Bool
	probing atomic.Bool

	mu       sync.Mutex
	failures int
	why      error
	probeAt  time.Time
}

// up reports whether the server may be asked.
func (b *breaker) up() bool { return !b.opened.Load() }

// fail notes a failure and reports whether it opened the breaker.
func (b *breaker) fail(err error, probeIn time.Duration) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.failures++
	b.why = err
	b.probeAt = time.Now().Add(probeIn)
	return b.failures >= failuresToOpen && b.opened.CompareAndSwap(false, true)
}

// succeed notes a success and reports whether it closed the breaker.
func (b *breaker) succeed() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.failures = 0
	return b.opened.CompareAndSwap(true, false)
}

// due reports whether an open breaker is to be probed now.
func (b *breaker) due(now time.Time) bool {
	if b.up() {
		return false
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return !now.Before(b.probeAt)
}

func (b *breaker) reason() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.why
}
