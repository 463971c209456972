package totp

import (
	"errors"
	"sync"
	"time"
)

const (
	// maxJump is how far the wall clock may move against the monotonic clock,
	// both counted from the start of the process. Adjusting the time slowly
	// moves both; only setting it makes a difference.
	maxJump = time.Minute
	// settle is how long a clock that was set must stay as it is before it is
	// believed.
	settle = 10 * time.Minute
)

var errClock = errors.New("totp: the system clock was set by more than a minute: " +
	"time codes are not decided until it has been steady for 10 minutes or the server is restarted")

// A clock refuses to judge time codes just after the system clock was set.
//
// A clock set ahead would make the last step of each token lie in the future,
// and lock its owner out until that time when the clock is set right; a clock
// set back would make codes count that somebody noted down. So neither is
// taken at once: an operator has time to see the errors, other factors work,
// and the next server is asked. A computer that was suspended for more than a
// minute looks the same and waits as well.
type clock struct {
	start time.Time // with its monotonic reading
	mu    sync.Mutex
	trust trust
}

func newClock() *clock { return &clock{start: time.Now()} }

// now returns the time, or an error while it cannot be believed.
func (c *clock) now() (time.Time, error) {
	now := time.Now()
	monotonic := now.Sub(c.start)
	wall := now.Round(0).Sub(c.start.Round(0)) // Round(0) strips the monotonic reading
	c.mu.Lock()
	defer c.mu.Unlock()
	var ok bool
	if c.trust, ok = c.trust.see(wall, monotonic); !ok {
		return time.Time{}, errClock
	}
	return now, nil
}

// trust is what is thought of the wall clock. An offset is how much further it
// went than the monotonic clock.
type trust struct {
	believed time.Duration // offset of the clock as believed
	doubting bool
	doubted  time.Duration // offset since it was set, while doubting
	since    time.Duration // monotonic time when doubt began
}

// see looks at both clocks, as they went since the start, and says whether the
// wall clock is believed.
func (t trust) see(wall, monotonic time.Duration) (trust, bool) {
	offset := wall - monotonic
	switch {
	case near(offset, t.believed):
		return trust{believed: t.believed}, true
	case !t.doubting || !near(offset, t.doubted):
		return trust{believed: t.believed, doubting: true, doubted: offset, since: monotonic}, false
	case monotonic-t.since < settle:
		return t, false
	}
	return trust{believed: offset}, true
}

func near(a, b time.Duration) bool { return (a - b).Abs() <= maxJump }
