package logintest

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/portvakt/portvakt/login"
)

// An Answer is how one call ends, and after how long.
type Answer struct {
	After time.Duration
	Err   error
}

// ErrStopped ends a call that was stopped.
var ErrStopped = errors.New("stopped")

// Approver is a [login.Approver] whose calls end as a test says.
type Approver struct {
	FactorName string
	// Hints are its telephones.
	Hints []string
	// For, when set, says who has the factor.
	For func(accountID string) bool
	// Answers are taken in turn; when they have run out nobody answers within
	// NoAnswer.
	Answers  []Answer
	NoAnswer time.Duration

	mu      sync.Mutex
	rung    []login.Approval
	stopped int
}

var _ login.Approver = (*Approver)(nil)

// Name is the factor's name.
func (a *Approver) Name() string { return a.FactorName }

// Methods are one for each telephone.
func (a *Approver) Methods(u login.User) []login.Method {
	if a.For != nil && !a.For(u.Account.ID) {
		return nil
	}
	var ms []login.Method
	for i, h := range a.Hints {
		ms = append(ms, login.Method{ID: fmt.Sprintf("%s/%d", a.FactorName, i), Factor: a.FactorName, Hint: h})
	}
	return ms
}

// Approve rings.
func (a *Approver) Approve(q login.Approval, done func(error)) (stop func()) {
	a.mu.Lock()
	defer a.mu.Unlock()
	answer := Answer{a.NoAnswer, errors.New("no answer")}
	if n := len(a.rung); n < len(a.Answers) {
		answer = a.Answers[n]
	}
	a.rung = append(a.rung, q)
	var once sync.Once
	timer := time.AfterFunc(answer.After, func() { once.Do(func() { done(answer.Err) }) })
	return func() {
		timer.Stop()
		once.Do(func() {
			a.mu.Lock()
			a.stopped++
			a.mu.Unlock()
			go done(ErrStopped)
		})
	}
}

// Rung are the calls so far.
func (a *Approver) Rung() []login.Approval {
	a.mu.Lock()
	defer a.mu.Unlock()
	return append([]login.Approval(nil), a.rung...)
}

// Stopped is how many calls were ended early.
func (a *Approver) Stopped() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.stopped
}
