package login

import (
	"context"
	"fmt"
	"slices"
	"sync"
)

// turns bound how many attempts of one kind are decided at a time. A limit that
// is looked at before a try and counted after it holds nobody who tries a
// thousand times at once.
type turns struct {
	mu sync.Mutex
	by map[turnKey]*turn
	// spare are turns that nobody has, to be used again.
	spare []*turn
}

// maxSpare bounds the spare turns: as many as attempts are decided at a time
// where nobody waits.
const maxSpare = 256

// A turnKey names what is guessed at: an account from one station or, with the
// station 0, from all those not known; or, with no account, what one station
// tries on many.
type turnKey struct {
	account string
	station uint64
}

// A turn is guarded by the lock of its turns.
type turn struct {
	key     turnKey
	free    int             // how many more may go
	users   int             // those who have it or wait for it
	waiting []chan struct{} // first come, first served; closed when it is theirs
}

// take waits until fewer than n have the turn. It must be left once.
func (s *turns) take(ctx context.Context, key turnKey, n int) (*turn, error) {
	s.mu.Lock()
	t := s.by[key]
	if t == nil {
		if s.by == nil {
			s.by = map[turnKey]*turn{}
		}
		t = s.fresh(key, n)
		s.by[key] = t
	}
	t.users++
	if t.free > 0 {
		t.free--
		s.mu.Unlock()
		return t, nil
	}
	mine := make(chan struct{})
	t.waiting = append(t.waiting, mine)
	s.mu.Unlock()
	select {
	case <-mine:
		return t, nil
	case <-ctx.Done():
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if i := slices.Index(t.waiting, mine); i >= 0 {
		t.waiting = slices.Delete(t.waiting, i, i+1)
		s.gone(t)
	} else { // it was given meanwhile
		s.pass(t)
	}
	return nil, fmt.Errorf("wait for other attempts of the account: %w", ctx.Err())
}

func (s *turns) fresh(key turnKey, n int) *turn {
	if last := len(s.spare) - 1; last >= 0 {
		t := s.spare[last]
		s.spare = s.spare[:last]
		t.key, t.free = key, n
		return t
	}
	return &turn{key: key, free: n}
}

// leave lets the next one go.
func (s *turns) leave(t *turn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pass(t)
}

func (s *turns) pass(t *turn) {
	if len(t.waiting) > 0 {
		close(t.waiting[0])
		t.waiting = slices.Delete(t.waiting, 0, 1)
	} else {
		t.free++
	}
	s.gone(t)
}

func (s *turns) gone(t *turn) {
	if t.users--; t.users > 0 {
		return
	}
	delete(s.by, t.key)
	if len(s.spare) < maxSpare {
		*t = turn{waiting: t.waiting[:0]}
		s.spare = append(s.spare, t)
	}
}

// maxTurns is how many turns one attempt has at most: its station's at the
// account, its station's, the strangers' at the account.
const maxTurns = 3

// take has the attempt wait for its turn and keeps it until leave.
func (t *attempt) take(s *turns, key turnKey, n int) error {
	taken, err := s.take(t.ctx, key, n)
	if err == nil {
		t.of = s
		t.turns[slices.Index(t.turns[:], nil)] = taken
	}
	return err
}

// leave lets others go on: what the attempt guessed has been counted, or it
// was no guess.
func (t *attempt) leave() {
	for i, taken := range t.turns {
		if taken != nil {
			t.of.leave(taken)
		}
		t.turns[i] = nil
	}
}

// inTurn waits for the attempt's turn among those of its station and loads the
// account's guard: those before may have changed it. Somebody at a station that
// is not known must take another turn, see inStrangersTurn; an attacker
// elsewhere holds nobody up at hers.
func (f *Flow) inTurn(t *attempt, account string) (loaded, error) {
	if err := t.take(f.turns, turnKey{account, t.station}, 1); err != nil {
		return loaded{}, err
	}
	return f.guards.load(t.ctx, account)
}

// inStrangersTurn waits for the turn that all stations share which are not
// known, when the attempt comes from one, and loads the guard again.
func (f *Flow) inStrangersTurn(t *attempt, account string, g loaded) (loaded, error) {
	if g.knows(t.station, t.began) {
		return g, nil
	}
	if err := t.take(f.turns, turnKey{account: account}, 1); err != nil {
		return loaded{}, err
	}
	return f.guards.again(t.ctx, g)
}
