package login

import (
	"context"
	"errors"
	"fmt"
)

// maxConflicts ends a race for one account's record; each round somebody wins.
const maxConflicts = 64

// guards reads and writes the guard records of accounts.
type guards struct{ records Records }

// GuardKey is the key of an account's guard record: its failures, known
// stations and spent tickets. Deleting it unlocks the account.
func GuardKey(accountID string) string { return "guard/" + accountID }

func (s guards) load(ctx context.Context, account string) (*guard, uint64, error) {
	v, err := s.records.Get(ctx, GuardKey(account))
	if errors.Is(err, ErrNotFound) {
		return &guard{}, 0, nil
	}
	if err != nil {
		return nil, 0, fmt.Errorf("read guard record: %w", err)
	}
	g, err := decodeGuard(v.Data)
	return g, v.Rev, err
}

// update changes a guard record durably. fn may run several times; when it
// returns false nothing is written and update returns false.
func (s guards) update(ctx context.Context, account string, fn func(*guard) bool) (bool, error) {
	for range maxConflicts {
		g, rev, err := s.load(ctx, account)
		if err != nil {
			return false, err
		}
		if !fn(g) {
			return false, nil
		}
		err = s.records.Swap(ctx, GuardKey(account), rev, g.encode())
		if errors.Is(err, ErrConflict) {
			continue
		}
		if err != nil {
			return false, fmt.Errorf("write guard record: %w", err)
		}
		return true, nil
	}
	return false, fmt.Errorf("write guard record: %w %d times", ErrConflict, maxConflicts)
}

// A Lock says how an account stands, for the service desk.
type Lock struct {
	Locked      bool // for places it was never used from
	Everywhere  bool // too many wrong codes in a row: until unlocked
	Consecutive int  // wrong codes since the last success
	Known       int  // stations it was used from
}

// Unlock forgets the failures of an account. Spent tickets and known stations
// are kept.
func Unlock(ctx context.Context, r Records, accountID string) error {
	_, err := guards{r}.update(ctx, accountID, func(g *guard) bool {
		g.consecutive, g.strangers = 0, track{}
		for i := range g.known {
			g.known[i].track = track{}
		}
		return true
	})
	return err
}
