package login

import "time"

// A Lockout is how a directory protects itself from guessing.
type Lockout struct {
	// After is how many wrong passwords lock an account there; 0 when none do,
	// or nobody knows.
	After int
	// Window is how long it counts them, from the last one on.
	Window time.Duration
}

// A Locker is a [Directory] that knows after how many wrong passwords it locks
// accounts, so that the Flow stops before.
type Locker interface {
	// Lockout is what is known now; it does not wait.
	Lockout() Lockout
}

// maxPasswordWindow bounds how long wrong passwords count here: a directory that
// counts them for ever must not keep people out for ever.
const maxPasswordWindow = 24 * time.Hour

// A budget is how many wrong passwords may reach the directory before one stays
// away for the window.
type budget struct {
	each      int // from one known place
	strangers int // from all places that are not known
	all       int // from everywhere; 0: not bounded
	window    time.Duration
}

// usual is the budget where nothing is known of the directory.
var usual = budget{each: maxPasswordFailures, strangers: maxPasswordFailures, window: passwordWindow}

// budget is what stays below the directory's own limit, with one try at least
// left for a place the account is known at, whatever strangers do. A directory
// that locks after one or two cannot be stayed below.
func (l Lockout) budget() budget {
	b := usual
	if l.After <= 0 {
		return b
	}
	b.all = max(l.After-1, 1)
	b.each = min(b.each, b.all)
	b.strangers = min(b.strangers, max(l.After-2, 1))
	b.window = min(max(b.window, l.Window), maxPasswordWindow)
	return b
}

// Below is how many wrong passwords may reach a directory that locks like this,
// from places that are not known and from everywhere (0: from each place
// apart), and for how long they count.
func (l Lockout) Below() (strangers, all int, window time.Duration) {
	b := l.budget()
	return b.strangers, b.all, b.window
}

// budget is that of the directory in use.
func (f *Flow) budget() budget {
	if l, ok := f.Directory.(Locker); ok {
		return l.Lockout().budget()
	}
	return usual
}

// passwordsLocked reports whether no more wrong passwords from this station may
// reach the directory.
func (g *guard) passwordsLocked(id uint64, now time.Time, b budget) bool {
	t, most := g.at(id, now), b.each
	if t == &g.strangers {
		most = b.strangers
	}
	if t.wrong(now, b) >= most {
		return true
	}
	if b.all == 0 {
		return false
	}
	all := g.strangers.wrong(now, b)
	for i := range g.known {
		all += g.known[i].wrong(now, b)
	}
	return all >= b.all
}

// wrong is how many wrong passwords still count.
func (t *track) wrong(now time.Time, b budget) int {
	if !within(t.passwordsLast, b.window, now) {
		return 0
	}
	return t.passwords
}

// passwordsLocked reports whether no more wrong passwords may be counted here,
// where nothing is known of the directory.
func (t *track) passwordsLocked(now time.Time) bool { return t.wrong(now, usual) >= usual.each }
