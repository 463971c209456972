package login

import (
	"sync"
	"time"
)

// maxUnverified is how many names are counted in memory, see unverified.
const maxUnverified = 65536

// unverified counts wrong passwords of accounts that nothing but the name typed
// speaks for, until somebody has signed in with one: a guard record for each name
// that an attacker invents would fill the disk. It is bounded, and forgotten by a
// restart.
type unverified struct {
	mu  sync.Mutex
	all map[string]track
}

func newUnverified() *unverified { return &unverified{all: map[string]track{}} }

// counts reports whether the failures of an account are counted here.
func (u *unverified) counts(a Account, g loaded) bool { return a.Unverified && g.rev == 0 }

func (u *unverified) locked(account string, now time.Time) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	t := u.all[account]
	return t.passwordsLocked(now)
}

// reserve counts a password as wrong before it is tried, unless one was less than
// d ago: of those who try at once only one does.
func (u *unverified) reserve(account string, d time.Duration, now time.Time) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	if t, known := u.all[account]; known && within(t.passwordsLast, d, now) {
		return false
	}
	u.count(account, now)
	return true
}

// release takes back what reserve has counted.
func (u *unverified) release(account string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	delete(u.all, account)
}

func (u *unverified) wrongPassword(account string, now time.Time) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.count(account, now)
}

func (u *unverified) count(account string, now time.Time) {
	t, known := u.all[account]
	if !known && len(u.all) >= maxUnverified {
		u.makeRoom(now)
	}
	t.wrongPassword(now, usual)
	u.all[account] = t
}

// makeRoom forgets what has run out, and when that is too little, some names that
// are not locked: inventing more must not free one that is. Only when every name
// is locked are all forgotten; memory stays bounded.
func (u *unverified) makeRoom(now time.Time) {
	for account, t := range u.all {
		if !within(t.passwordsLast, passwordWindow, now) {
			delete(u.all, account)
		}
	}
	for account, t := range u.all {
		if len(u.all) < maxUnverified*15/16 {
			return
		}
		if !t.passwordsLocked(now) {
			delete(u.all, account)
		}
	}
	if len(u.all) >= maxUnverified {
		clear(u.all)
	}
}
