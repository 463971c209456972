package ldapauth

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/portvakt/portvakt/login"
)

// A finder counts searches and answers each with what it is set to.
type finder struct {
	account login.Account
	err     error
	takes   time.Duration
	n       int
}

func (f *finder) find(ctx context.Context) (login.Account, error) {
	f.n++
	select {
	case <-time.After(f.takes):
		return f.account, f.err
	case <-ctx.Done():
		return login.Account{}, ctx.Err()
	}
}

var errOutage = errors.New("outage")

func TestCacheKeepsWhatWasFoundAndNothingElse(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, f := newCache(), &finder{account: login.Account{ID: "1"}}
		for _, row := range []struct {
			name   string
			wait   time.Duration
			maxAge time.Duration
			err    error
			want   string
			n      int // searches so far
		}{
			{"the first time it searches", 0, time.Hour, nil, "yes", 1},
			{"young enough it does not", 29 * time.Second, 30 * time.Second, nil, "yes", 1},
			{"at the age it does", time.Second, 30 * time.Second, nil, "yes", 2},
			{"with maxAge 0 always", 0, 0, nil, "yes", 3},
			{"an outage is told", time.Minute, 30 * time.Second, errOutage, "undecided", 4},
			{"but hides nothing from who takes older ones", 13 * time.Minute, 15 * time.Minute, errOutage, "yes", 4},
			{"for 15 minutes", time.Minute, time.Hour, errOutage, "undecided", 5},
			{"back again", 0, time.Hour, nil, "yes", 6},
			{"a decided no is told", 0, 0, refuse(login.ReasonUnknownUser, ""), "unknown_user", 7},
			{"and ends the entry", 0, time.Hour, errOutage, "undecided", 8},
			{"and is not kept itself", 0, time.Hour, nil, "yes", 9},
		} {
			time.Sleep(row.wait)
			f.err = row.err
			_, err := c.get(t.Context(), "alice", row.maxAge, f.find)
			if got := outcome(err); got != row.want || f.n != row.n {
				t.Errorf("%s: got %s after %d searches, want %s after %d", row.name, got, f.n, row.want, row.n)
			}
		}
		time.Sleep(keepEntries)
		c.sweep()
		if len(c.entries) != 0 || len(c.flights) != 0 {
			t.Errorf("%d entries and %d flights are left", len(c.entries), len(c.flights))
		}
	})
}

func TestConcurrentLookupsShareOneSearch(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, f := newCache(), &finder{account: login.Account{ID: "1"}, takes: time.Second}
		var wg sync.WaitGroup
		for range 100 {
			wg.Go(func() {
				if a, err := c.get(t.Context(), "alice", 0, f.find); err != nil || a.ID != "1" {
					t.Errorf("got %+v, %v", a, err)
				}
			})
		}
		wg.Wait()
		if f.n != 1 {
			t.Errorf("%d searches, want 1", f.n)
		}
	})
}

func TestWhoeverWaitsIsNotEndedByWhoGivesUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, f := newCache(), &finder{account: login.Account{ID: "1"}, takes: time.Second}
		leader, giveUp := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() {
			if _, err := c.get(leader, "alice", 0, f.find); !errors.Is(err, context.Canceled) {
				t.Errorf("the one who gave up: got %v", err)
			}
		})
		synctest.Wait()
		wg.Go(func() {
			if a, err := c.get(t.Context(), "alice", 0, f.find); err != nil || a.ID != "1" {
				t.Errorf("the one who waited: got %+v, %v", a, err)
			}
		})
		synctest.Wait()
		giveUp()
		wg.Wait()
		if f.n != 2 {
			t.Errorf("%d searches, want 2", f.n)
		}
	})
}

func TestCacheIsBounded(t *testing.T) {
	t.Parallel()
	c := newCache()
	for i := range maxEntries + 10 {
		c.keep(fmt.Sprint(i), &login.Account{}, 0, nil)
	}
	if len(c.entries) != maxEntries {
		t.Errorf("%d entries, want %d", len(c.entries), maxEntries)
	}
}

// Requirement S-10: a directory that computes a hash for real people only must
// not show by its speed whom it has.
func TestS10NobodyTakesAsLongAsSomebody(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var p pace
		began := time.Now()
		p.wait(t.Context(), began)
		if took := time.Since(began); took != 0 {
			t.Errorf("with nothing to go by: waited %v", took)
		}
		for range 2 * paceSamples {
			p.note(40 * time.Millisecond)
		}
		time.Sleep(10 * time.Millisecond) // the bind for nobody
		p.wait(t.Context(), began)
		if took := time.Since(began); took != 40*time.Millisecond {
			t.Errorf("took %v, want the 40 ms of real people", took)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		p.wait(ctx, time.Now()) // ends with its caller
	})
}
