package login

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// guards reads and writes the guard records of accounts.
type guards struct{ records Records }

// GuardKey is the key of an account's guard record: its failures, known
// stations and spent tickets. Deleting it unlocks the account.
func GuardKey(accountID string) string { return "guard/" + accountID }

// A loaded guard with the revision it was read at.
type loaded struct {
	*guard
	key string
	rev uint64
}

func (s guards) load(ctx context.Context, account string) (loaded, error) {
	return s.again(ctx, loaded{key: GuardKey(account)})
}

// again loads a guard that was loaded before, and not changed since here.
func (s guards) again(ctx context.Context, l loaded) (loaded, error) {
	v, err := read(ctx, s.records, l.key, "guard record")
	switch {
	case err != nil:
		return loaded{}, err
	case l.guard != nil && v.Rev == l.rev:
		return l, nil
	case v.Rev == 0:
		return loaded{guard: &guard{}, key: l.key}, nil
	}
	g, err := decodeGuard(v.Data)
	return loaded{g, l.key, v.Rev}, err
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
	p, changed, err := s.startLoaded(ctx, account, l, fn)
	if err == nil {
		err = settled(ctx, p)
	}
	return changed && err == nil, err
}

// startLoaded is updateLoaded that returns before the change is durable: that
// is when settled has returned without an error.
func (s guards) startLoaded(ctx context.Context, account string, l loaded, fn func(*guard) bool) (p Pending, changed bool, err error) {
	for range maxConflicts {
		if !fn(l.guard) {
			return nil, false, nil
		}
		p, err := s.start(ctx, l.key, l.rev, l.encode())
		if err == nil {
			return p, true, nil
		}
		if !errors.Is(err, ErrConflict) {
			return nil, false, fmt.Errorf("write guard record: %w", err)
		}
		if l, err = s.load(ctx, account); err != nil {
			return nil, false, err
		}
	}
	return nil, false, fmt.Errorf("write guard record: %w %d times", ErrConflict, maxConflicts)
}

// start swaps at once where nothing else is offered.
func (s guards) start(ctx context.Context, key string, rev uint64, data []byte) (Pending, error) {
	if r, ok := s.records.(Starter); ok {
		return r.Start(ctx, key, rev, data)
	}
	return nil, s.records.Swap(ctx, key, rev, data)
}

// settled waits for a change that was started.
func settled(ctx context.Context, p Pending) error {
	if p == nil {
		return nil
	}
	if err := p.Wait(ctx); err != nil {
		return fmt.Errorf("write guard record: %w", err)
	}
	return nil
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
	// Asked is whether somebody was called, or asked in an app, so often without
	// success that it stops for an hour, from one place at least.
	Asked bool
	// Consecutive are the wrong codes since the last success.
	Consecutive int
	// Until is when Strangers ends by itself, if nobody goes on guessing.
	Until time.Time
	// Known is how many stations it was used from lately.
	Known int
}

// Standing returns how an account stands, in front of a directory that locks
// accounts by itself like this.
func Standing(ctx context.Context, r Records, accountID string, directory Lockout, now time.Time) (Lock, error) {
	g, err := guards{r}.load(ctx, accountID)
	if err != nil {
		return Lock{}, err
	}
	b := directory.budget()
	l := Lock{
		Strangers:   b.strangers <= g.strangers.wrong(now, b) || g.strangers.codesLocked(now),
		Everywhere:  g.consecutive >= maxConsecutive,
		Consecutive: g.consecutive,
		Known:       len(g.known),
	}
	if l.Strangers {
		l.Until = g.strangers.until(now, b)
	}
	if g.blocked(now) {
		l.BlockedUntil = time.Unix(g.blockedUntil, 0)
	}
	l.Asked = g.strangers.askedEnough(now)
	for i := range g.known {
		l.Asked = l.Asked || g.known[i].askedEnough(now)
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
