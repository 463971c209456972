package caps

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/portvakt/portvakt/factors/phone"
	"github.com/portvakt/portvakt/login"
)

const (
	// maxSwaps is how often a record that somebody else changes is tried
	// again. Each time somebody else's use was counted, so the bound is met
	// only by a crowd that is far over the cap of a country.
	maxSwaps = 200
	// alarmAt is the part of a cap for many people at which an operator is
	// told.
	alarmAt = 0.8
)

// Caps counts uses of one service before they happen, in records that all
// nodes share. It is safe for concurrent use.
type Caps struct {
	cfg     Config
	service Service
	records login.Records
	key     []byte
	log     *slog.Logger
	often   Often
	// wide is held while a ledger of many people is written: they would
	// otherwise keep each other from it.
	wide chan struct{}
}

// New makes the caps of a service with a valid configuration. key keeps
// accounts and numbers from being read out of the records' keys; with another
// one their caps begin anew. Those of messages and of calls must have the same
// key and records: they count accounts and numbers together.
func New(cfg Config, service Service, records login.Records, key []byte, log *slog.Logger) *Caps {
	return &Caps{cfg: cfg, service: service, records: records, key: key, log: log, wide: make(chan struct{}, 1)}
}

// Take counts one use of the number by the account, durably, or refuses with
// [login.ReasonSourceLimited]. All caps are asked before one is written, so
// that who is over one uses up no other; what changes in between costs a unit
// of a cap at most. The extension of a number does not matter: it is one line.
func (c *Caps) Take(ctx context.Context, account string, n phone.Number) error {
	wide := []ledger{c.country(n), c.all()}
	return c.take(ctx, account, n, wide, func() error { return c.sent(ctx, n) })
}

// take counts one use. sent is what else is written when it is counted.
func (c *Caps) take(ctx context.Context, account string, n phone.Number, wide []ledger, sent func() error) error {
	narrow := []ledger{c.user(account), c.number(n)}
	for _, l := range slices.Concat(narrow, wide) {
		if err := c.ask(ctx, l, account); err != nil {
			return err
		}
	}
	if err := c.watched(ctx, n); err != nil {
		return err
	}
	for _, l := range narrow {
		if err := c.count(ctx, l, account); err != nil {
			return err
		}
	}
	leave, err := c.enter(ctx)
	if err != nil {
		return err
	}
	defer leave()
	for _, l := range wide {
		if err := c.ask(ctx, l, account); err != nil {
			return err
		}
	}
	// Written at the same time, so that they share one commit.
	writes := []func() error{sent}
	for _, l := range wide {
		writes = append(writes, func() error { return c.count(ctx, l, account) })
	}
	return together(writes...)
}

// enter waits for the turn to write ledgers of many people.
func (c *Caps) enter(ctx context.Context) (leave func(), err error) {
	select {
	case c.wide <- struct{}{}:
		return func() { <-c.wide }, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("%s: caps: %w", c.service, ctx.Err())
	}
}

// together does all and returns the first error of the list.
func together(all ...func() error) error {
	errs := make([]error, len(all))
	var wg sync.WaitGroup
	for i, do := range all {
		wg.Go(func() { errs[i] = do() })
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// ask refuses when a ledger has no room for one use more.
func (c *Caps) ask(ctx context.Context, l ledger, account string) error {
	tallies, _, err := c.read(ctx, l)
	if err != nil {
		return err
	}
	return c.room(l, tallies, account)
}

// count adds one use to each window of a ledger, or to none.
func (c *Caps) count(ctx context.Context, l ledger, account string) error {
	var counted []tally
	err := c.edit(ctx, l, func(tallies []tally) error {
		if err := c.room(l, tallies, account); err != nil {
			return err
		}
		now := time.Now()
		for i, w := range l.windows {
			tallies[i] = tallies[i].plus(w, now)
		}
		counted = tallies
		return nil
	})
	if err == nil {
		c.alarm(l, counted)
	}
	return err
}

// read returns the tallies of a ledger that still count.
func (c *Caps) read(ctx context.Context, l ledger) ([]tally, uint64, error) {
	v, err := c.records.Get(ctx, l.key())
	if err != nil && !errors.Is(err, login.ErrNotFound) {
		return nil, 0, fmt.Errorf("%s: caps: %w", c.service, err)
	}
	tallies, err := decodeTallies(v.Data, len(l.windows))
	if err != nil {
		return nil, 0, fmt.Errorf("%s: caps: %s: %w", c.service, l.key(), err)
	}
	now := time.Now()
	for i, w := range l.windows {
		tallies[i] = tallies[i].recent(w, now)
	}
	return tallies, v.Rev, nil
}

// edit changes a ledger, durably, unless change returns an error.
func (c *Caps) edit(ctx context.Context, l ledger, change func([]tally) error) error {
	for range maxSwaps {
		tallies, rev, err := c.read(ctx, l)
		if err != nil {
			return err
		}
		if err := change(tallies); err != nil {
			return err
		}
		switch err := c.records.Swap(ctx, l.key(), rev, encodeTallies(tallies)); {
		case err == nil:
			return nil
		case !errors.Is(err, login.ErrConflict):
			return fmt.Errorf("%s: caps: %w", c.service, err)
		}
	}
	return fmt.Errorf("%s: caps: %s: %w", c.service, l.key(), login.ErrConflict)
}

// room refuses when a window is full.
func (c *Caps) room(l ledger, tallies []tally, account string) error {
	for i, w := range l.windows {
		sum := tallies[i].sum()
		if sum < int64(w.limit) {
			continue
		}
		if c.often.Allow("cap " + w.name) {
			c.log.Warn("a cap is reached", c.whose(l, w), slog.Int64(login.KeyCount, sum), slog.String(login.KeyAccount, account),
				slog.String(login.KeyHint, "one account over per_user_hour is a person in trouble or a stolen password; "+
					"the caps of a country and of the day are reached by attacks"))
		}
		return &login.Refusal{
			Reason: login.ReasonSourceLimited,
			Detail: fmt.Sprintf("%s: %d %s in %v", w.name, w.limit, l.of.units(), w.length()),
		}
	}
	return nil
}

// alarm tells an operator before a cap stops many people.
func (c *Caps) alarm(l ledger, tallies []tally) {
	for i, w := range l.windows {
		sum := tallies[i].sum()
		if w.alarm && float64(sum) >= alarmAt*float64(w.limit) && c.often.Allow("alarm "+l.key()) {
			c.log.Warn("a cap is nearly used up", c.whose(l, w), slog.Int64(login.KeyCount, sum),
				slog.String(login.KeyHint, "look for an attack; if there is none, raise the cap"))
		}
	}
}

// whose names a cap: its key, and the country of one that each country has.
func (c *Caps) whose(l ledger, w window) slog.Attr {
	attrs := []any{slog.String(login.KeyKind, string(c.service)), slog.String(login.KeyKey, w.name)}
	if l.kind == kindCountry {
		attrs = append(attrs, slog.String(login.KeyDetail, l.who))
	}
	return slog.Group("", attrs...)
}
