package caps

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base32"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/portvakt/portvakt/factors/phone"
	"github.com/portvakt/portvakt/login"
)

const (
	// maxSwaps is how often a record that somebody else changes is tried
	// again. Each time somebody else's use was counted, so the bound is
	// met only by a crowd that is far over the cap of a country.
	maxSwaps = 200
	// alarmAt is the part of the daily cap at which an operator is told.
	alarmAt = 0.8
)

// A ledger is one record: the windows of somebody who is counted.
type ledger struct {
	key     string
	windows []window
}

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
// one their caps begin anew.
func New(cfg Config, service Service, records login.Records, key []byte, log *slog.Logger) *Caps {
	return &Caps{cfg: cfg, service: service, records: records, key: key, log: log, wide: make(chan struct{}, 1)}
}

func (c *Caps) user(account string) ledger {
	return ledger{"user/" + c.hash(account), []window{
		{"per_user_hour", c.cfg.PerUserHour, 5 * time.Minute, 12},
	}}
}

func (c *Caps) number(n phone.Number) ledger {
	return ledger{"number/" + n.ID(c.key), []window{
		{"per_number_10min", c.cfg.PerNumber10Min, time.Minute, 10},
		{"per_number_day", c.cfg.PerNumberDay, time.Hour, 24},
	}}
}

func (c *Caps) country(n phone.Number) ledger {
	return ledger{"country/" + n.Country(), []window{
		{"per_country_hour", c.cfg.PerCountryHour, 5 * time.Minute, 12},
	}}
}

func (c *Caps) all() ledger {
	return ledger{"all", []window{
		{"per_day", c.cfg.PerDay, time.Hour, 24},
	}}
}

// place is the ledger's key in the records.
func (c *Caps) place(l ledger) string { return string(c.service) + "/cap/" + l.key }

// hash keeps account ids, which may be names, out of keys.
func (c *Caps) hash(account string) string {
	const length = 16
	mac := hmac.New(sha256.New, c.key)
	mac.Write([]byte(string(c.service) + " cap user\x00" + account))
	return strings.ToLower(base32.StdEncoding.EncodeToString(mac.Sum(nil))[:length])
}

// Take counts one use of the number by the account, durably, or refuses with
// [login.ReasonSourceLimited]. All caps are asked before one is written, so
// that who is over one uses up no other; what changes in between costs a unit
// of a cap at most. The extension of a number does not matter: it is one line.
func (c *Caps) Take(ctx context.Context, account string, n phone.Number) error {
	narrow := []ledger{c.user(account), c.number(n)}
	wide := []ledger{c.country(n), c.all()}
	for _, l := range slices.Concat(narrow, wide) {
		if _, _, err := c.next(ctx, l, account); err != nil {
			return err
		}
	}
	for _, l := range narrow {
		if err := c.count(ctx, l, account); err != nil {
			return err
		}
	}
	select {
	case c.wide <- struct{}{}:
	case <-ctx.Done():
		return fmt.Errorf("%s: caps: %w", c.service, ctx.Err())
	}
	defer func() { <-c.wide }()
	for _, l := range wide {
		if err := c.count(ctx, l, account); err != nil {
			return err
		}
	}
	return nil
}

// count adds one use to each window of a ledger, or to none.
func (c *Caps) count(ctx context.Context, l ledger, account string) error {
	for range maxSwaps {
		tallies, rev, err := c.next(ctx, l, account)
		if err != nil {
			return err
		}
		switch err := c.records.Swap(ctx, c.place(l), rev, encodeTallies(tallies)); {
		case err == nil:
			c.alarm(l, tallies)
			return nil
		case !errors.Is(err, login.ErrConflict):
			return fmt.Errorf("%s: caps: %w", c.service, err)
		}
	}
	return fmt.Errorf("%s: caps: %s: %w", c.service, l.key, login.ErrConflict)
}

// next reads a ledger and returns its tallies with one more use, or
// refuses.
func (c *Caps) next(ctx context.Context, l ledger, account string) ([]tally, uint64, error) {
	v, err := c.records.Get(ctx, c.place(l))
	if err != nil && !errors.Is(err, login.ErrNotFound) {
		return nil, 0, fmt.Errorf("%s: caps: %w", c.service, err)
	}
	tallies, err := decodeTallies(v.Data, len(l.windows))
	if err != nil {
		return nil, 0, fmt.Errorf("%s: caps: %s: %w", c.service, l.key, err)
	}
	now := time.Now()
	for i, w := range l.windows {
		tallies[i] = tallies[i].recent(w, now)
		if sum := tallies[i].sum(); sum >= int64(w.limit) {
			return nil, 0, c.refuse(w, sum, account)
		}
		tallies[i] = tallies[i].plus(w, now)
	}
	return tallies, v.Rev, nil
}

func (c *Caps) refuse(w window, sum int64, account string) error {
	if c.often.Allow("cap " + w.name) {
		c.log.Warn("a cap is reached", slog.String(login.KeyKind, string(c.service)), slog.String(login.KeyKey, w.name),
			slog.Int64(login.KeyCount, sum), slog.String(login.KeyAccount, account),
			slog.String(login.KeyHint, "one account over per_user_hour is a person in trouble or a stolen password; "+
				"the caps of a country and of the day are reached by attacks"))
	}
	return &login.Refusal{
		Reason: login.ReasonSourceLimited,
		Detail: fmt.Sprintf("%s: %d %s in %v", w.name, w.limit, c.service.units(), w.length()),
	}
}

// alarm tells an operator before the daily cap stops everybody.
func (c *Caps) alarm(l ledger, tallies []tally) {
	for i, w := range l.windows {
		sum := tallies[i].sum()
		if w.name == "per_day" && float64(sum) >= alarmAt*float64(w.limit) && c.often.Allow("alarm "+w.name) {
			c.log.Warn("a cap is nearly used up", slog.String(login.KeyKind, string(c.service)), slog.String(login.KeyKey, w.name),
				slog.Int64(login.KeyCount, sum),
				slog.String(login.KeyHint, "look for an attack; if there is none, raise the cap"))
		}
	}
}
