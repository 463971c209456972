package logintest

import (
	"context"
	"sync"

	"github.com/portvakt/portvakt/login"
)

// Enrollments is a [login.Enrollments] in memory.
type Enrollments struct {
	// Fail is returned by every call.
	Fail error

	mu  sync.RWMutex
	all map[string]login.Enrollment
}

var _ login.Enrollments = (*Enrollments)(nil)

// Set replaces what an account has enrolled.
func (e *Enrollments) Set(accountID string, en login.Enrollment) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.all == nil {
		e.all = map[string]login.Enrollment{}
	}
	e.all[accountID] = en
}

// Enrollment returns what the account has.
func (e *Enrollments) Enrollment(_ context.Context, accountID string) (login.Enrollment, error) {
	e.mu.RLock()
	defer e.mu.RUnlock()
	return e.all[accountID], e.Fail
}
