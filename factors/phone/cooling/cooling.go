package cooling

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/portvakt/portvakt/factors/phone"
	"github.com/portvakt/portvakt/login"
)

// maxConflicts ends a race for one account's record.
const maxConflicts = 16

// Numbers knows which numbers of the directory count. It is safe for concurrent
// use.
type Numbers struct {
	cooling time.Duration
	region  string
	records login.Records
	tell    func(ctx context.Context, u login.User, to phone.Number)
	log     *slog.Logger
}

var _ login.Telephones = (*Numbers)(nil)

// New makes it of a valid configuration. region is the country of numbers that
// are written without one. tell sends a person the news at an old number of
// hers, and does not wait for it; nil where messages cannot be sent.
func New(cfg Config, region string, records login.Records, tell func(context.Context, login.User, phone.Number), log *slog.Logger) *Numbers {
	return &Numbers{cooling: cfg.Cooling, region: region, records: records, tell: tell, log: log}
}

// Settled returns the numbers of the directory that count, as they are written
// there, remembers those that are new, and has the old ones told. changed is
// whether others stand there, or have within keepGone.
func (s *Numbers) Settled(ctx context.Context, u login.User) (settled []string, changed bool, err error) {
	now := time.Now()
	for range maxConflicts {
		rec, rev, err := load(ctx, s.records, u.Account.ID)
		if err != nil {
			return nil, false, err
		}
		if rev != 0 && rec.same(u.Account.Phones) {
			settled, changed = s.counting(rec, u.Account.Phones, now)
			return settled, changed, nil
		}
		next, fresh := s.after(rec, rev, u, now)
		data, err := next.encode()
		if err != nil {
			return nil, false, err
		}
		err = s.records.Swap(ctx, Key(u.Account.ID), rev, data)
		if errors.Is(err, login.ErrConflict) {
			continue
		}
		if err != nil {
			return nil, false, fmt.Errorf("write telephone numbers seen: %w", err)
		}
		if len(fresh) > 0 {
			s.changed(ctx, u, next, fresh, now)
		}
		settled, changed = s.counting(next, u.Account.Phones, now)
		return settled, changed, nil
	}
	return nil, false, fmt.Errorf("write telephone numbers seen: %w %d times", login.ErrConflict, maxConflicts)
}

// Look returns what Settled would, and remembers nothing.
func (s *Numbers) Look(ctx context.Context, u login.User) (settled []string, changed bool, err error) {
	now := time.Now()
	rec, rev, err := load(ctx, s.records, u.Account.ID)
	if err != nil {
		return nil, false, err
	}
	if rev == 0 || !rec.same(u.Account.Phones) {
		rec, _ = s.after(rec, rev, u, now)
	}
	settled, changed = s.counting(rec, u.Account.Phones, now)
	return settled, changed, nil
}

// after decides whether new numbers count at once: at the first sign-in, and
// for somebody who has had no number and nothing enrolled, whom nobody can take
// anything from.
func (s *Numbers) after(rec record, rev uint64, u login.User, now time.Time) (next record, fresh []string) {
	trusted := rev == 0 || len(u.Enrollment.Credentials) == 0
	var numbers []string
	for _, raw := range u.Account.Phones {
		if n, err := phone.Parse(raw, s.region); err == nil {
			numbers = append(numbers, text(n))
		}
	}
	return rec.after(u.Account.Phones, numbers, trusted, s.cooling, now)
}

// counting are those of the texts whose number counts. A text that is no number
// stays: nothing is sent to it.
func (s *Numbers) counting(rec record, phones []string, now time.Time) (counting []string, changed bool) {
	all := true
	for _, e := range rec.Entries {
		all = all && e.counts(s.cooling, now)
		changed = changed || !e.Gone.IsZero() && now.Sub(e.Gone) < keepGone
	}
	if all && len(rec.Entries) < maxEntries {
		return phones, changed
	}
	for _, raw := range phones {
		if n, err := phone.Parse(raw, s.region); err == nil {
			if i := rec.find(text(n)); i < 0 || !rec.Entries[i].counts(s.cooling, now) {
				changed = true
				continue
			}
		}
		counting = append(counting, raw)
	}
	return counting, changed
}

// changed writes down that numbers are new, and tells those that count.
func (s *Numbers) changed(ctx context.Context, u login.User, rec record, fresh []string, now time.Time) {
	for _, number := range fresh {
		n, _ := phone.Parse(number, "") // as text wrote it
		s.log.LogAttrs(ctx, slog.LevelWarn, "a telephone number is new in the directory and not used yet",
			slog.String(login.KeyUser, u.Account.Name), slog.String(login.KeyAccount, u.Account.ID), slog.Any(login.KeyNumber, n),
			slog.String(login.KeyDetail, "until "+now.Add(s.cooling).UTC().Format(time.RFC3339)),
			slog.String(login.KeyHint, "if it is hers: portvakt phone trust"))
	}
	for _, e := range rec.Entries {
		if n, err := phone.Parse(e.Number, ""); err == nil && e.counts(s.cooling, now) && n.Textable() && s.tell != nil {
			s.tell(ctx, u, n)
		}
	}
}

// A Cooling is a number that is not used yet.
type Cooling struct {
	Number phone.Number
	Until  time.Time
}

// Cooling lists the numbers of an account that are not used yet.
func (s *Numbers) Cooling(ctx context.Context, account string) ([]Cooling, error) {
	rec, _, err := load(ctx, s.records, account)
	var all []Cooling
	for _, e := range rec.Entries {
		if n, perr := phone.Parse(e.Number, ""); perr == nil && e.Gone.IsZero() && !e.counts(s.cooling, time.Now()) {
			all = append(all, Cooling{n, e.Since.Add(s.cooling)})
		}
	}
	return all, err
}

// Trust makes all numbers of an account count that are not used yet, and returns
// them. A record that cannot be read is made anew by the next sign-in.
func (s *Numbers) Trust(ctx context.Context, account string) ([]Cooling, error) {
	for range maxConflicts {
		rec, rev, err := load(ctx, s.records, account)
		if errors.Is(err, errRecord) {
			return nil, s.records.Swap(ctx, Key(account), rev, nil)
		}
		if err != nil {
			return nil, err
		}
		cooling, err := s.Cooling(ctx, account)
		if err != nil || len(cooling) == 0 {
			return nil, err
		}
		for i := range rec.Entries {
			if rec.Entries[i].Gone.IsZero() {
				rec.Entries[i].Since = time.Time{}
			}
		}
		data, err := rec.encode()
		if err != nil {
			return nil, err
		}
		if err := s.records.Swap(ctx, Key(account), rev, data); !errors.Is(err, login.ErrConflict) {
			return cooling, err
		}
	}
	return nil, fmt.Errorf("write telephone numbers seen: %w %d times", login.ErrConflict, maxConflicts)
}
