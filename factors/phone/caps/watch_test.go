package caps

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/portvakt/portvakt/factors/phone"
	"github.com/portvakt/portvakt/login"
	"github.com/portvakt/portvakt/login/logintest"
)

// use takes n numbers from the i-th on, of which every nth is answered.
func use(t *testing.T, c *Caps, from, n, nth int) {
	t.Helper()
	for i := from; i < from+n; i++ {
		if err := take(t, c, i); err != nil {
			t.Fatalf("number %d: %v", i, err)
		}
		if nth > 0 && i%nth == 0 {
			if err := c.Answered(t.Context(), number(t, i)); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestNumbersThatNeverAnswerAreStopped(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		rule    string
		n, nth  int
		stopped bool
	}{
		{"nobody of just enough answers", 49, 0, true}, // and one that is taken behind them
		{"one in twenty does", 60, 20, true},
		{"one in five does", 200, 5, false},
		{"too few to judge", 48, 0, false},
	} {
		t.Run(row.rule, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				records := new(logintest.Records)
				c, log := build(SMS, records)
				use(t, c, 0, row.n, row.nth)
				if err := take(t, c, 5000); err != nil {
					t.Errorf("before the people had time to answer: %v", err)
				}
				time.Sleep(5 * time.Minute)
				err := take(t, c, 5001)
				if got := login.Refused(err) == login.ReasonSourceLimited; got != row.stopped {
					t.Fatalf("got %v, want stopped %v", err, row.stopped)
				}
				if !row.stopped {
					return
				}
				if !strings.Contains(log.String(), "level=ERROR") || !strings.Contains(log.String(), "+474000: ") {
					t.Errorf("no alarm names the range: %s", log)
				}
				for i := range 59 { // all nodes, and after a restart
					if c, _ := build(SMS, records); take(t, c, 6000+i) == nil {
						t.Fatalf("used again after %d minutes", i)
					}
					time.Sleep(time.Minute)
				}
				time.Sleep(3 * time.Minute)
				if err := take(t, c, 7000); err != nil {
					t.Errorf("when the hour is over: %v", err)
				}
				if got := strings.Count(log.String(), "level=ERROR"); got != 1 {
					t.Errorf("%d alarms, want one", got)
				}
			})
		})
	}
}

func TestAStoppedRangeStopsNoOther(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, _ := build(Call, new(logintest.Records))
		use(t, c, 100_000, 300, 1) // the people of the place
		use(t, c, 0, 60, 0)
		time.Sleep(5 * time.Minute)
		if err := take(t, c, 5000); login.Refused(err) == "" {
			t.Errorf("the range: %v, want stopped", err)
		}
		if err := take(t, c, 100_001); err != nil {
			t.Errorf("another range of the country: %v", err)
		}
	})
}

func TestNumbersSpreadOverACountryStopTheCountry(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, log := build(SMS, new(logintest.Records))
		for i := range 60 {
			use(t, c, i*20_000, 1, 0)
		}
		time.Sleep(5 * time.Minute)
		if err := take(t, c, 10_000); login.Refused(err) == "" || !strings.Contains(log.String(), "NO: 0 of 60 answered") {
			t.Errorf("got %v, want the country stopped: %s", err, log)
		}
		n, err := phone.Parse("+46 70 123 45 67", "")
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Take(t.Context(), "se", n); err != nil {
			t.Errorf("another country: %v", err)
		}
	})
}

func TestTheWatchCanBeSwitchedOff(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		records := new(logintest.Records)
		c, _ := build(SMS, records, func(c *Config) { c.MinSuccess = 0 })
		use(t, c, 0, 100, 0)
		time.Sleep(5 * time.Minute)
		use(t, c, 200, 100, 3)
		for _, s := range c.subjects(SMS, number(t, 0)) {
			if _, err := records.Get(t.Context(), s.key()); err == nil {
				t.Errorf("%s is counted", s.name)
			}
		}
	})
}

// One person with a stolen password may not stop the numbers of others: the
// caps of an account end before there is anything to judge.
func TestOneAccountStopsNobody(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := New(DefaultConfig(SMS), SMS, new(logintest.Records), key, new(logintest.Log).Logger())
		for i := range 1000 {
			_ = c.Take(t.Context(), "one", number(t, i))
			time.Sleep(10 * time.Second)
		}
		if err := c.Take(t.Context(), "another", number(t, 2000)); err != nil {
			t.Errorf("got %v", err)
		}
	})
}

func TestRecordsOfTheWatchAreSmall(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		records := new(logintest.Records)
		c, _ := build(SMS, records)
		for i := range 500 {
			use(t, c, i, 1, 1)
			time.Sleep(30 * time.Second)
		}
		v, err := records.Get(t.Context(), "sms/cap/watch/country/NO")
		if err != nil || len(v.Data) > 1024 {
			t.Errorf("%d octets, %v", len(v.Data), err)
		}
		if key := c.subjects(SMS, number(t, 1))[0].key(); strings.Contains(key, "4000") {
			t.Errorf("the key %q tells the range", key)
		}
	})
}
