package attempts

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/portvakt/portvakt/login"
	"github.com/portvakt/portvakt/store"
)

// maxFound bounds what [Find] returns.
const maxFound = 1000

// A Query says which attempts are wanted; empty fields want all.
type Query struct {
	// Who is a login name, an account's id, or an attempt's reference.
	Who string
	// Client is the name of a client block.
	Client string
	// Since is how far back to look, at most as far as attempts can be kept. An
	// attempt that went on then is whole.
	Since time.Time
	// Limit is how many attempts are wanted, the newest; at most 1000, which 0
	// means, too.
	Limit int
}

// An Attempt is one sign-in: every request and answer of one reference.
type Attempt struct {
	Reference string
	User      string
	Account   string
	Client    string
	Station   string
	// Events are in the order they were told; at least one.
	Events []login.Event
}

// Last is how it ended, or stands.
func (a Attempt) Last() login.Event { return a.Events[len(a.Events)-1] }

// Found is what [Find] found, the newest attempt first.
type Found struct {
	Attempts []Attempt
	// Unread are pages that could not be read.
	Unread int
	// More is whether there are more than the limit.
	More bool
}

// A Scanner reads what a [Recorder] has kept.
type Scanner interface {
	Scan(ctx context.Context, prefix string, fn func(key string, v store.Value) error) error
}

// Find returns the attempts that a query wants. It goes back hour by hour and
// ends when it has enough: events of one attempt are at most some minutes
// apart, so one hour more than those of the newest is looked at.
func Find(ctx context.Context, kv Scanner, q Query, now time.Time) (Found, error) {
	if q.Limit <= 0 || q.Limit > maxFound {
		q.Limit = maxFound
	}
	q.Who = strings.TrimSpace(q.Who)
	if reference := strings.ToUpper(strings.Trim(q.Who, "[]")); len(reference) == 9 && reference[4] == '-' {
		q.Who = reference
	}
	if oldest := now.Add(-maxKeep); q.Since.Before(oldest) {
		q.Since = oldest
	}
	f := finder{q: q, by: map[string]*Attempt{}}
	enough := false
	// What is there decides how far back to go: a scan of the keys alone is not
	// to be had, but one of an hour without pages is cheap.
	for at := now.UTC().Truncate(time.Hour).Add(time.Hour); !at.Add(time.Hour).Before(q.Since.UTC()); at = at.Add(-time.Hour) {
		unopened, err := store.Unopened(kv.Scan(ctx, pagePrefix+at.Format(hourFormat)+"/", f.page))
		if err != nil {
			return Found{}, err
		}
		f.unread += unopened
		if enough {
			break
		}
		enough = len(f.by) > q.Limit
	}
	return f.found(), nil
}

type finder struct {
	q      Query
	by     map[string]*Attempt
	unread int
}

func (f *finder) page(_ string, v store.Value) error {
	if err := decodePage(v.Data, f.event); err != nil {
		if !errors.Is(err, errPage) {
			return err
		}
		f.unread++
	}
	return nil
}

func (f *finder) event(e event) {
	q := &f.q
	switch {
	case q.Client != "" && e.Client != q.Client:
		return
	case q.Who != "" && e.Attempt != q.Who && e.Account != q.Who && !strings.EqualFold(e.User, q.Who):
		return
	}
	a := f.by[e.Attempt]
	if a == nil {
		if len(f.by) >= 4*maxFound {
			f.shrink()
		}
		a = &Attempt{Reference: e.Attempt}
		f.by[e.Attempt] = a
	}
	a.User, a.Account, a.Client, a.Station = e.User, e.Account, e.Client, e.Station
	a.Events = append(a.Events, e.login())
}

// newest are the attempts found, the newest first.
func (f *finder) newest() []*Attempt {
	all := make([]*Attempt, 0, len(f.by))
	for _, a := range f.by {
		slices.SortStableFunc(a.Events, func(a, b login.Event) int { return a.Time.Add(a.Took).Compare(b.Time.Add(b.Took)) })
		all = append(all, a)
	}
	slices.SortFunc(all, func(a, b *Attempt) int {
		if c := b.Events[0].Time.Compare(a.Events[0].Time); c != 0 {
			return c
		}
		return strings.Compare(a.Reference, b.Reference)
	})
	return all
}

// shrink forgets all but the newest, so that a busy day fits in memory.
func (f *finder) shrink() {
	for _, a := range f.newest()[2*maxFound:] {
		delete(f.by, a.Reference)
	}
}

func (f *finder) found() Found {
	all := slices.DeleteFunc(f.newest(), func(a *Attempt) bool { return a.Last().Time.Before(f.q.Since) })
	r := Found{Unread: f.unread, More: len(all) > f.q.Limit}
	for _, a := range all[:min(len(all), f.q.Limit)] {
		r.Attempts = append(r.Attempts, *a)
	}
	return r
}
