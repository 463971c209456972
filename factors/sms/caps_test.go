package sms

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/portvakt/portvakt/factors/phone/caps"
	"github.com/portvakt/portvakt/login"
)

// prompt asks for a message and tells how that went.
func (w world) prompt(t testing.TB, u login.User) error {
	t.Helper()
	_, err := w.Prompt(t.Context(), u, w.first(t, u))
	return err
}

// Each row sends a thousand messages; as many arrive as the cap has.
func TestSinkCountEqualsCap(t *testing.T) {
	t.Parallel()
	wide := func(c *Config) {
		c.Caps = caps.Config{PerUserHour: caps.Max, PerNumber10Min: caps.Max, PerNumberDay: caps.Max, PerCountryHour: caps.Max, PerDay: caps.Max}
	}
	for _, row := range []struct {
		cap    string
		change func(*Config)
		who    func(i int) login.User
		want   int
	}{
		{"per_user_hour", func(c *Config) { c.Caps.PerUserHour = 5 }, func(i int) login.User {
			u := person(i) // one account that changes its number each time
			u.Account.ID = "one"
			return u
		}, 5},
		{"per_number_10min", func(c *Config) { c.Caps.PerNumber10Min = 3 }, func(i int) login.User {
			u := person(1) // one number that each account has
			u.Account.ID = fmt.Sprint(i)
			return u
		}, 3},
		{"per_number_day", func(c *Config) { c.Caps.PerNumberDay = 10 }, func(i int) login.User {
			u := person(1)
			u.Account.ID = fmt.Sprint(i)
			return u
		}, 10},
		{"per_country_hour", func(c *Config) { c.Caps.PerCountryHour = 77 }, person, 77},
		{"per_day", func(c *Config) { c.Caps.PerDay = 100 }, person, 100},
	} {
		t.Run(row.cap, func(t *testing.T) {
			t.Parallel()
			w := build(t, new(records), wide, row.change)
			var wg sync.WaitGroup
			errs := make([]error, 1000)
			for i := range errs {
				wg.Go(func() { errs[i] = w.prompt(t, row.who(i)) })
			}
			wg.Wait()
			_ = w.Close()
			if got := w.sink.count(); got != row.want {
				t.Errorf("%d messages, want %d", got, row.want)
			}
			refused := 0
			for _, err := range errs {
				var r *login.Refusal
				if errors.As(err, &r) && r.Reason == login.ReasonSourceLimited && strings.HasPrefix(r.Detail, row.cap+":") {
					refused++
				} else if err != nil {
					t.Fatalf("got %v, want a refusal that names %s", err, row.cap)
				}
			}
			if refused != 1000-row.want {
				t.Errorf("%d refused, want %d", refused, 1000-row.want)
			}
			if got := strings.Count(w.log.String(), "a cap is reached"); got != 1 {
				t.Errorf("logged %d times, want once a minute", got)
			}
			if got := strings.Contains(w.log.String(), "nearly used up"); got != (row.cap == "per_day" || row.cap == "per_country_hour") {
				t.Errorf("alarm: %v", got)
			}
		})
	}
}

func TestAnotherCountryHasItsOwnCap(t *testing.T) {
	t.Parallel()
	w := build(t, new(records), func(c *Config) { c.Caps.PerCountryHour = 1 })
	if err := w.prompt(t, person(1)); err != nil {
		t.Fatal(err)
	}
	if err := w.prompt(t, person(2)); login.Refused(err) == "" {
		t.Errorf("got %v, want refused", err)
	}
	swede := login.User{Account: login.Account{ID: "se", Phones: []string{"+46 70 123 45 67"}}}
	if err := w.prompt(t, swede); err != nil {
		t.Errorf("another country: %v", err)
	}
}

func TestCapsOutliveARestartAndHoldForAllNodes(t *testing.T) {
	t.Parallel()
	shared := new(records)
	nodes := []world{build(t, shared), build(t, shared), build(t, shared)}
	var wg sync.WaitGroup
	for i := range 300 {
		wg.Go(func() { _ = nodes[i%len(nodes)].prompt(t, person(1)) })
	}
	wg.Wait()
	sent := 0
	for _, n := range nodes {
		sent += n.sink.count()
	}
	if want := DefaultConfig().Caps.PerNumber10Min; sent != want {
		t.Errorf("%d messages by three nodes, want %d", sent, want)
	}
	if err := build(t, shared).prompt(t, person(1)); login.Refused(err) != login.ReasonSourceLimited {
		t.Errorf("after a restart: %v, want refused", err)
	}
}

func TestNeverMoreThanTheCapInAnySpan(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := build(t, new(records))
		var sent []time.Time
		for range 30 * 60 { // every minute for 30 hours
			if w.prompt(t, person(1)) == nil {
				sent = append(sent, time.Now())
			}
			time.Sleep(time.Minute)
		}
		most := func(span time.Duration) int {
			most := 0
			for i := range sent {
				n := 0
				for _, at := range sent[i:] {
					if at.Sub(sent[i]) < span {
						n++
					}
				}
				most = max(most, n)
			}
			return most
		}
		if got := most(10 * time.Minute); got != 3 {
			t.Errorf("at most %d in 10 minutes, want 3", got)
		}
		if got := most(time.Hour); got != 5 {
			t.Errorf("at most %d in an hour, want 5", got)
		}
		if got := most(24 * time.Hour); got != 10 {
			t.Errorf("at most %d in a day, want 10", got)
		}
		if len(sent) <= 10 {
			t.Errorf("%d in all, want that a new day begins", len(sent))
		}
	})
}

func TestRecordsAreSmallAndTellNoNumber(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := build(t, new(records), func(c *Config) {
			c.Caps.PerUserHour, c.Caps.PerNumber10Min, c.Caps.PerNumberDay = caps.Max, caps.Max, caps.Max
		})
		for range 50 * 20 { // fifty hours
			_ = w.prompt(t, person(1234567))
			time.Sleep(3 * time.Minute)
		}
		all := w.records.all()
		if len(all) != 6 {
			t.Errorf("%d records, want one each for user, number, range, all, and two for the country", len(all))
		}
		for key, v := range all {
			if len(v.Data) > 512 || len(key) > 64 {
				t.Errorf("%s: %d octets", key, len(v.Data))
			}
			if strings.Contains(key, "1234567") || strings.Contains(key, "id-") {
				t.Errorf("the key %q tells whose it is", key)
			}
		}
	})
}

func TestStoreThatFailsSendsNothing(t *testing.T) {
	t.Parallel()
	w := build(t, &records{fail: errors.New("disk full")})
	if err := w.prompt(t, person(1)); err == nil || login.Refused(err) != "" {
		t.Errorf("got %v, want an error that is no decision", err)
	}
	broken := new(records)
	w = build(t, broken)
	if err := w.prompt(t, person(1)); err != nil {
		t.Fatal(err)
	}
	for key, v := range broken.all() {
		broken.m[key] = login.Value{Data: []byte("\x09"), Rev: v.Rev}
	}
	if err := w.prompt(t, person(1)); err == nil || login.Refused(err) != "" {
		t.Errorf("broken record: %v, want an error that is no decision", err)
	}
	if got := w.sink.count(); got != 1 {
		t.Errorf("%d messages, want 1", got)
	}
}
