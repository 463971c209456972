package login

import (
	"context"
	"fmt"
	"sync"
)

// turns bound how many attempts of one kind are decided at a time. A limit that
// is looked at before a try and counted after it holds nobody who tries a
// thousand times at once.
type turns struct {
	mu sync.Mutex
	by map[turnKey]*turn
}

// A turnKey names what is guessed at: an account from one of its known stations
// or, with the station 0, from anywhere else; or, with no account, what one
// station tries on many.
type turnKey struct {
	account string
	station uint64
}

type turn struct {
	taken chan struct{} // holds as many as may go at a time
	users int           // those who have it or wait for it
}

// take waits until fewer than n have the turn. leave must be called once.
func (s *turns) take(ctx context.Context, key turnKey, n int) (leave func(), err error) {
	s.mu.Lock()
	if s.by == nil {
		s.by = map[turnKey]*turn{}
	}
	t := s.by[key]
	if t == nil {
		t = &turn{taken: make(chan struct{}, n)}
		s.by[key] = t
	}
	t.users++
	s.mu.Unlock()
	gone := func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if t.users--; t.users == 0 {
			delete(s.by, key)
		}
	}
	select {
	case t.taken <- struct{}{}:
		return func() { <-t.taken; gone() }, nil
	case <-ctx.Done():
		gone()
		return nil, fmt.Errorf("wait for other attempts of the account: %w", ctx.Err())
	}
}

// take has the attempt wait for its turn and keeps it until leave.
func (t *attempt) take(s *turns, key turnKey, n int) error {
	leave, err := s.take(t.ctx, key, n)
	if err == nil {
		t.turns = append(t.turns, leave)
	}
	return err
}

// leave lets others go on: what the attempt guessed has been counted, or it
// was no guess.
func (t *attempt) leave() {
	for _, leave := range t.turns {
		leave()
	}
	t.turns = nil
}

// inTurn waits for the attempt's turn at the account and loads its guard again:
// those before may have changed it.
func (f *Flow) inTurn(t *attempt, account string, g loaded) (loaded, error) {
	key := turnKey{account: account}
	if g.knows(t.station, t.began) {
		key.station = t.station // an attacker elsewhere does not hold her up
	}
	if err := t.take(f.turns, key, 1); err != nil {
		return loaded{}, err
	}
	return f.guards.load(t.ctx, account)
}
