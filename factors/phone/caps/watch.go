package caps

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/portvakt/portvakt/factors/phone"
	"github.com/portvakt/portvakt/login"
)

// The windows of a ledger of the watch. What was sent a moment ago may still
// be answered and is not judged yet.
var (
	sentWindow    = window{name: "sent", slot: 2 * time.Minute, slots: 30}
	answerWindow  = window{name: "answered", slot: 2 * time.Minute, slots: 30}
	stoppedWindow = window{name: "stopped", slot: time.Minute, slots: 60}
)

const (
	sentAt = iota
	answeredAt
	stoppedAt
)

// fresh is how many slots of sentWindow are not judged: two minutes at least.
const fresh = 2

// A subject is what is watched: numbers that somebody may have rented
// together.
type subject struct {
	ledger
	name string // for logs
}

// subjects are the range of ten thousand numbers and the country of a number,
// as a service has tried them.
func (c *Caps) subjects(of Service, n phone.Number) []subject {
	r := n.Range()
	return []subject{
		{c.ledger(of, kindWatch, "range/"+c.hash(of, "range "+r)), r},
		{c.ledger(of, kindWatch, "country/"+n.Country()), n.Country()},
	}
}

// watched refuses numbers of a range or country that is stopped, and stops one
// of whose codes or calls too few were answered. Each service judges by its own
// uses, as codes are entered at another rate than keys are pressed; what one
// has stopped is stopped for all, as whoever earns by a number earns by both.
func (c *Caps) watched(ctx context.Context, n phone.Number) error {
	for _, service := range []Service{SMS, Call} {
		for _, s := range c.subjects(service, n) {
			tallies, _, err := c.read(ctx, s.ledger)
			if err != nil {
				return err
			}
			if service == c.service && c.suspect(tallies, time.Now()) {
				if err := c.stop(ctx, s); err != nil {
					return err
				}
			} else if len(tallies[stoppedAt]) == 0 {
				continue
			}
			return &login.Refusal{
				Reason: login.ReasonSourceLimited,
				Detail: fmt.Sprintf("%s.min_success: %s is stopped for %v", service, s.name, stoppedWindow.length()),
			}
		}
	}
	return nil
}

// suspect reports whether too few were answered of enough.
func (c *Caps) suspect(tallies []tally, now time.Time) bool {
	judged := slices.DeleteFunc(slices.Clone(tallies[sentAt]), func(e entry) bool { return e.slot > sentWindow.now(now)-fresh }).sum()
	return judged >= int64(c.cfg.MinSuccessAfter) && tallies[answeredAt].sum()*100 < judged*int64(c.cfg.MinSuccess)
}

// stop stops a subject. Its counts begin anew, so that it has another chance
// when the hour is over.
func (c *Caps) stop(ctx context.Context, s subject) error {
	var sent, answered int64
	stopped := false
	err := c.edit(ctx, s.ledger, func(tallies []tally) error {
		now := time.Now()
		if stopped = c.suspect(tallies, now); stopped {
			sent, answered = tallies[sentAt].sum(), tallies[answeredAt].sum()
			tallies[sentAt], tallies[answeredAt] = nil, nil
			tallies[stoppedAt] = tally{}.plus(stoppedWindow, now)
		}
		return nil
	})
	if err == nil && stopped {
		c.log.Error("numbers are stopped: hardly anybody answers", slog.String(login.KeyKind, string(c.service)),
			slog.String(login.KeyKey, "min_success"), slog.Int64(login.KeyCount, sent),
			slog.String(login.KeyDetail, fmt.Sprintf("%s: %d of %d answered, stopped for %v", s.name, answered, sent, stoppedWindow.length())),
			slog.String(login.KeyHint, "somebody may earn by these numbers: see who has them, and put the prefix into blocked_prefixes"))
	}
	return err
}

// sent counts a use for the watch.
func (c *Caps) sent(ctx context.Context, n phone.Number) error { return c.mark(ctx, n, sentAt) }

// Answered tells that a person has entered the code of a message to the
// number, or pressed a key in a call.
func (c *Caps) Answered(ctx context.Context, n phone.Number) error {
	if c.cfg.MinSuccess == 0 {
		return nil
	}
	leave, err := c.enter(ctx)
	if err != nil {
		return err
	}
	defer leave()
	return c.mark(ctx, n, answeredAt)
}

func (c *Caps) mark(ctx context.Context, n phone.Number, at int) error {
	if c.cfg.MinSuccess == 0 {
		return nil
	}
	var writes []func() error
	for _, s := range c.subjects(c.service, n) {
		writes = append(writes, func() error {
			return c.edit(ctx, s.ledger, func(tallies []tally) error {
				tallies[at] = tallies[at].plus(s.windows[at], time.Now())
				return nil
			})
		})
	}
	return together(writes...)
}
