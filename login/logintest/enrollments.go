package logintest

import (
	"context"
	"slices"
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

// Add adds a credential when the revision is still that one.
func (e *Enrollments) Add(_ context.Context, a login.Account, rev uint64, c login.Credential) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	had := e.all[a.ID]
	switch {
	case e.Fail != nil:
		return e.Fail
	case had.Rev != rev:
		return login.ErrConflict
	}
	if e.all == nil {
		e.all = map[string]login.Enrollment{}
	}
	had.Credentials = append(slices.Clone(had.Credentials), c)
	had.Rev++
	e.all[a.ID] = had
	return nil
}

// Enrollment returns what the account has.
func (e *Enrollments) Enrollment(_ context.Context, accountID string) (login.Enrollment, error) {
	e.mu.RLock()
	defer e.mu.RUnlock()
	return e.all[accountID], e.Fail
}
