package login

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// maxConflicts ends a race for one account's record; each round somebody wins.
const maxConflicts = 64

// guards reads and writes the guard records of accounts.
type guards struct{ records Records }

// GuardKey is the key of an account's guard record: its failures, known
// stations and spent tickets. Deleting it unlocks the account.
func GuardKey(accountID string) string { return "guard/" + accountID }

// A loaded guard with the revision it was read at.
type loaded struct {
	*guard
	rev uint64
}

func (s guards) load(ctx context.Context, account string) (loaded, error) {
	v, err := s.records.Get(ctx, GuardKey(account))
	if errors.Is(err, ErrNotFound) {
		return loaded{guard: &guard{}}, nil
	}
	if err != nil {
		return loaded{}, fmt.Errorf("read guard record: %w", err)
	}
	g, err := decodeGuard(v.Data)
	return loaded{g, v.Rev}, err
}

// update changes a guard record durably. fn may run several times.
func (s guards) update(ctx context.Context, account string, fn func(*guard)) error {
	l, err := s.load(ctx, account)
	if err != nil {
		return err
	}
	_, err = s.updateLoaded(ctx, account, l, func(g *guard) bool {
		fn(g)
		return true
	})
	return err
}

// updateLoaded is update, beginning with a record that was just read. When fn
// returns false nothing is written and updateLoaded returns false.
func (s guards) updateLoaded(ctx context.Context, account string, l loaded, fn func(*guard) bool) (bool, error) {
	for range maxConflicts {
		if !fn(l.guard) {
			return false, nil
		}
		err := s.records.Swap(ctx, GuardKey(account), l.rev, l.encode())
		if err == nil {
			return true, nil
		}
		if !errors.Is(err, ErrConflict) {
			return false, fmt.Errorf("write guard record: %w", err)
		}
		if l, err = s.load(ctx, account); err != nil {
			return false, err
		}
	}
	return false, fmt.Errorf("write guard record: %w %d times", ErrConflict, maxConflicts)
}

// A Lock says how an account stands, for the service desk.
type Lock struct {
	// Strangers is whether places the account was never used from must wait.
	Strangers bool
	// Everywhere is whether an administrator must unlock it.
	Everywhere bool
	// BlockedUntil is until when a fraud report stops every sign-in; the zero
	// time when none does.
	BlockedUntil time.Time
	// Consecutive are the wrong codes since the last success.
	Consecutive int
	// Known is how many stations it was used from lately.
	Known int
}

// Standing returns how an account stands.
func Standing(ctx context.Context, r Records, accountID string, now time.Time) (Lock, error) {
	g, err := guards{r}.load(ctx, accountID)
	if err != nil {
		return Lock{}, err
	}
	l := Lock{
		Strangers:   g.strangers.passwordsLocked(now) || g.strangers.codesLocked(now),
		Everywhere:  g.consecutive >= maxConsecutive,
		Consecutive: g.consecutive,
		Known:       len(g.known),
	}
	if g.blocked(now) {
		l.BlockedUntil = time.Unix(g.blockedUntil, 0)
	}
	return l, nil
}

// Unlock forgets the failures and the fraud report of an account. Spent tickets and known stations
// are kept.
func Unlock(ctx context.Context, r Records, accountID string) error {
	return guards{r}.update(ctx, accountID, func(g *guard) {
		g.consecutive, g.strangers, g.blockedUntil = 0, track{}, 0
		for i := range g.known {
			g.known[i].track = track{}
		}
	})
}
