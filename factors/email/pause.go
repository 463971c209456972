package email

import (
	"sync"
	"time"
)

const (
	pauseAfter = 3                // failures in a row
	pauseFor   = 30 * time.Second // then nobody waits for the server
)

// A pause keeps a dead server from slowing each login down. The zero value is
// ready.
type pause struct {
	mu     sync.Mutex
	failed int
	until  time.Time
}

// over reports whether the server may be asked.
func (p *pause) over() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.failed < pauseAfter || !time.Now().Before(p.until)
}

// note takes how the server did, and returns whether the pause began or ended
// by it.
func (p *pause) note(well bool) (began, ended bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if well {
		ended = p.failed >= pauseAfter
		p.failed = 0
		return false, ended
	}
	p.failed++
	if p.failed < pauseAfter {
		return false, false
	}
	p.until = time.Now().Add(pauseFor)
	return p.failed == pauseAfter, false
}
