package caps

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/portvakt/portvakt/factors/phone"
	"github.com/portvakt/portvakt/login"
	"github.com/portvakt/portvakt/login/logintest"
)

// Messages and calls count together for an account and a number, and each is
// judged by its own section; a country and the day are counted apart.
func TestWhatIsCountedTogether(t *testing.T) {
	t.Parallel()
	// Each letter is a use, m of a message and c of a call; a capital one is
	// refused.
	for _, row := range []struct {
		cap            string
		account        func(i int) string
		number         func(i int) int
		messages, call func(*Config)
		uses           string
	}{
		{
			"per_user_hour", one, each,
			func(c *Config) { c.PerUserHour = 5 }, func(c *Config) { c.PerUserHour = 8 },
			"mcmcm" + "Mc" + "Mc" + "Mc" + "MC",
		},
		{
			"per_number_10min", many, same,
			func(c *Config) { c.PerNumber10Min = 3 }, func(c *Config) { c.PerNumber10Min = 6 },
			"mccMccMcMC",
		},
		{
			"per_number_day", many, same,
			func(c *Config) { c.PerNumberDay = 4 }, func(c *Config) { c.PerNumberDay = 2 },
			"cmCmmCM",
		},
		{
			"per_country_hour", many, each,
			func(c *Config) { c.PerCountryHour = 3 }, func(c *Config) { c.PerCountryHour = 1 },
			"mcmCmMC",
		},
		{
			"per_day", many, each,
			func(c *Config) { c.PerDay = 1 }, func(c *Config) { c.PerDay = 3 },
			"mMccMcCM",
		},
	} {
		t.Run(row.cap, func(t *testing.T) {
			t.Parallel()
			records := new(logintest.Records)
			for i, use := range strings.Split(row.uses, "") {
				// Each time another process, or node, with the same store.
				service, change := SMS, row.messages
				if strings.EqualFold(use, "c") {
					service, change = Call, row.call
				}
				c, log := build(service, records, change)
				err := c.Take(t.Context(), row.account(i), number(t, row.number(i)))
				if want := use == strings.ToUpper(use); want != (login.Refused(err) == login.ReasonSourceLimited) || !want && err != nil {
					t.Fatalf("use %d of %s: got %v, want refused %v", i+1, row.uses, err, want)
				}
				if err != nil && (!strings.Contains(err.Error(), row.cap+":") || !strings.Contains(log.String(), "kind="+string(service)+" key="+row.cap)) {
					t.Errorf("use %d: %v does not name the cap, or the log not whose it is: %s", i+1, err, log)
				}
			}
		})
	}
}

func one(int) string    { return "one" }
func many(i int) string { return fmt.Sprint("account ", i) }
func same(int) int      { return 1 }
func each(i int) int    { return i }

// A thief who has a password asks for messages and calls at once, on two nodes,
// with all the extensions of a line: the number has one budget.
func TestS07NoSecondBudget(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const most = 6
		records := &logintest.Records{Delay: 10 * time.Millisecond} // so that all ask before one counts
		var nodes []*Caps
		for range 2 {
			for _, service := range []Service{SMS, Call} {
				c, _ := build(service, records, func(c *Config) { c.PerNumber10Min = most })
				nodes = append(nodes, c)
			}
		}
		var uses atomic.Int64
		var wg sync.WaitGroup
		for i := range 200 {
			n, err := phone.Parse(fmt.Sprintf("+47 412 34 567;ext=%d", i), "")
			if err != nil {
				t.Fatal(err)
			}
			wg.Go(func() {
				if nodes[i%len(nodes)].Take(t.Context(), fmt.Sprint(i), n) == nil {
					uses.Add(1)
				}
			})
		}
		wg.Wait()
		if got := uses.Load(); got != most {
			t.Errorf("%d messages and calls, want %d", got, most)
		}
	})
}

// In no span of the cap's length are there more of both together, and a new
// span begins for both.
func TestTheSumHoldsInAnySpan(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		records := new(logintest.Records)
		limit := DefaultConfig(Call).PerUserHour
		change := func(c *Config) { c.PerUserHour = limit }
		messages, _ := build(SMS, records, change)
		calls, _ := build(Call, records, change)
		var used []time.Time
		time.Sleep(4 * time.Minute) // a use early in a slot and one late in another are further apart than they look
		for i := range 5 * 60 {
			c := messages
			if i%3 == 0 {
				c = calls
			}
			if c.Take(t.Context(), "one", number(t, i)) == nil {
				used = append(used, time.Now())
			}
			time.Sleep(time.Minute)
		}
		for i := range used {
			if j := i + limit; j < len(used) && used[j].Sub(used[i]) < time.Hour {
				t.Errorf("%d uses within %v", limit+1, used[j].Sub(used[i]))
			}
		}
		if len(used) <= 3*limit {
			t.Errorf("%d in five hours, want that each hour has its own", len(used))
		}
	})
}

// What the documentation promises of the defaults: how many sign-ins of one
// person in ten minutes, and in an hour, are called and have the message behind
// the call that nobody answered.
func TestDefaultsLetCallsFallThrough(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		every         time.Duration
		called, texts int
	}{
		{time.Minute, 5, 1},
		{11 * time.Minute, 5, 2},
	} {
		synctest.Test(t, func(t *testing.T) {
			records := new(logintest.Records)
			messages := New(DefaultConfig(SMS), SMS, records, key, new(logintest.Log).Logger())
			calls := New(DefaultConfig(Call), Call, records, key, new(logintest.Log).Logger())
			called, texts := 0, 0
			for range 5 {
				if take(t, calls, 1) == nil {
					called++
				}
				if take(t, messages, 1) == nil {
					texts++
				}
				time.Sleep(row.every)
			}
			if called != row.called || texts != row.texts {
				t.Errorf("a sign-in each %v: %d calls and %d messages, want %d and %d", row.every, called, texts, row.called, row.texts)
			}
		})
	}
}

// Mail goes to no telephone, and uses up nothing of one.
func TestMailIsCountedApart(t *testing.T) {
	t.Parallel()
	records := new(logintest.Records)
	change := func(c *Config) { c.PerUserHour = 1 }
	mail, _ := build(Email, records, change)
	messages, _ := build(SMS, records, change)
	if err := mail.TakeAccount(t.Context(), "account 1"); err != nil {
		t.Fatal(err)
	}
	if err := take(t, messages, 1); err != nil {
		t.Errorf("a message: %v", err)
	}
	if mail.TakeAccount(t.Context(), "account 1") == nil {
		t.Error("a second mail")
	}
}

// What one service has stopped is stopped for both, on all nodes and after a
// restart, until the hour is over; each is judged by its own uses.
func TestAStoppedRangeIsStoppedForBoth(t *testing.T) {
	t.Parallel()
	for _, service := range []Service{SMS, Call} {
		for _, row := range []struct {
			what string
			step int // from one number to the next
		}{
			{"range", 1},
			{"country", 20_000},
		} {
			t.Run(string(service)+" "+row.what, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					other := Call
					if service == Call {
						other = SMS
					}
					records := new(logintest.Records)
					c, _ := build(service, records)
					for i := range 60 {
						if err := take(t, c, i*row.step); err != nil {
							t.Fatal(err)
						}
					}
					time.Sleep(5 * time.Minute)
					d, _ := build(other, records)
					if err := take(t, d, 5000); err != nil {
						t.Errorf("the other service is judged by uses that were not its own: %v", err)
					}
					if err := take(t, c, 5001); login.Refused(err) != login.ReasonSourceLimited {
						t.Fatalf("got %v, want stopped", err)
					}
					for _, switched := range []func(*Config){func(*Config) {}, func(c *Config) { c.MinSuccess = 0 }} {
						var log *logintest.Log
						d, log = build(other, records, switched)
						err := take(t, d, 5002)
						if login.Refused(err) != login.ReasonSourceLimited || !strings.Contains(err.Error(), string(service)+".min_success") {
							t.Errorf("the other service: got %v, want stopped, and by whom", err)
						}
						if strings.Contains(log.String(), "level=ERROR") {
							t.Errorf("the alarm is told twice: %s", log)
						}
					}
					time.Sleep(63 * time.Minute)
					if err := take(t, d, 5003); err != nil {
						t.Errorf("when the hour is over: %v", err)
					}
				})
			})
		}
	}
}
