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
	// probeIdle is how long a server is believed to answer that nobody has asked:
	// at night it is a monitor that wants to know, in the morning everybody.
	probeIdle = 30 * time.Second
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
	answered time.Time // last
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
	b.failures, b.answered = 0, time.Now()
	return b.opened.CompareAndSwap(true, false)
}

// due reports whether the server is to be probed now: after a failure, also one
// that has not opened the breaker, and when it has not been heard of for long.
func (b *breaker) due(now time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.failures > 0 || !b.up() {
		return !now.Before(b.probeAt)
	}
	return now.Sub(b.answered) >= probeIdle
}

func (b *breaker) reason() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.why
}
