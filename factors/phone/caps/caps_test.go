package caps

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/portvakt/portvakt/factors/phone"
	"github.com/portvakt/portvakt/login"
	"github.com/portvakt/portvakt/login/logintest"
)

var key = []byte("0123456789abcdef")

// build makes the caps of a service, all of them high but for the change.
func build(s Service, records login.Records, change ...func(*Config)) (*Caps, *logintest.Log) {
	cfg := Config{
		PerUserHour: Max, PerNumber10Min: Max, PerNumberDay: Max, PerCountryHour: Max, PerDay: Max,
		MinSuccess: 10, MinSuccessAfter: 50,
	}
	for _, c := range change {
		c(&cfg)
	}
	log := new(logintest.Log)
	return New(cfg, s, records, key, log.Logger()), log
}

// number is the i-th Norwegian mobile number; ten thousand are a range.
func number(t testing.TB, i int) phone.Number {
	t.Helper()
	n, err := phone.Parse(fmt.Sprintf("+47 4%07d", i), "")
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func take(t testing.TB, c *Caps, i int) error {
	t.Helper()
	return c.Take(t.Context(), fmt.Sprint("account ", i), number(t, i))
}

func TestS07AThousandNumbersGetNoMoreThanTheCaps(t *testing.T) {
	t.Parallel()
	for _, service := range []Service{SMS, Call} {
		for _, row := range []struct {
			cap    string
			change func(*Config)
			want   int
		}{
			{"per_country_hour", func(c *Config) { c.PerCountryHour = 50 }, 50},
			{"per_day", func(c *Config) { c.PerDay = 60 }, 60},
		} {
			t.Run(string(service)+" "+row.cap, func(t *testing.T) {
				t.Parallel()
				records := new(logintest.Records)
				c, log := build(service, records, row.change)
				got, alarmed := 0, -1
				for i := range 1000 {
					if i == 10 { // a restart forgets nothing
						c, log = build(service, records, row.change)
					}
					err := take(t, c, i)
					if err == nil {
						got++
					} else if login.Refused(err) != login.ReasonSourceLimited || !strings.Contains(err.Error(), row.cap) {
						t.Fatalf("got %v, want a refusal that names %s", err, row.cap)
					}
					if alarmed < 0 && strings.Contains(log.String(), "a cap is nearly used up") {
						alarmed = got
					}
				}
				if got != row.want {
					t.Errorf("%d uses, want %d", got, row.want)
				}
				if want := row.want * 8 / 10; alarmed != want {
					t.Errorf("alarm at %d, want %d", alarmed, want)
				}
				for _, want := range []string{"kind=" + string(service), "key=" + row.cap} {
					if !strings.Contains(log.String(), want) {
						t.Errorf("%s is not in the log: %s", want, log)
					}
				}
				c, log = build(service, records, row.change)
				if take(t, c, 5000) == nil || !strings.Contains(log.String(), "a cap is reached") {
					t.Errorf("after a restart: %s", log)
				}
			})
		}
	}
}

func TestAnAlarmOutlivesARestart(t *testing.T) {
	t.Parallel()
	records := new(logintest.Records)
	cap10 := func(c *Config) { c.PerCountryHour = 10 }
	for i := range 9 {
		c, log := build(SMS, records, cap10) // each time another process
		if err := take(t, c, i); err != nil {
			t.Fatal(err)
		}
		if got := strings.Contains(log.String(), "level=WARN msg=\"a cap is nearly used up\" kind=sms key=per_country_hour detail=NO"); got != (i >= 7) {
			t.Errorf("use %d: alarm %v: %s", i+1, got, log)
		}
	}
}

func TestALineWithManyExtensionsIsOneNumber(t *testing.T) {
	t.Parallel()
	c, _ := build(Call, new(logintest.Records), func(c *Config) { c.PerNumber10Min = 3 })
	got := 0
	for i := range 20 {
		n, err := phone.Parse(fmt.Sprintf("+47 22 85 50 50;ext=%d", i), "")
		if err != nil {
			t.Fatal(err)
		}
		if c.Take(t.Context(), fmt.Sprint(i), n) == nil {
			got++
		}
	}
	if got != 3 {
		t.Errorf("%d calls to one line, want 3", got)
	}
}

// Somebody over one cap uses up no other: a crowd that the country refuses
// must not keep the rest of the world from its messages of the day.
func TestRefusedUsesCountNowhere(t *testing.T) {
	t.Parallel()
	c, _ := build(SMS, new(logintest.Records), func(c *Config) { c.PerCountryHour, c.PerDay = 5, 20 })
	var wg sync.WaitGroup
	for i := range 300 {
		wg.Go(func() { _ = take(t, c, i) })
	}
	wg.Wait()
	got := 0
	for i := range 30 {
		n, err := phone.Parse(fmt.Sprintf("+46 70 123 45 %02d", i), "")
		if err != nil {
			t.Fatal(err)
		}
		if c.Take(t.Context(), fmt.Sprint("se ", i), n) == nil {
			got++
		}
	}
	if got != 5 {
		t.Errorf("%d uses in another country, want its 5", got)
	}
}

// Nor does mail that the day has no room for use up what its person may have.
func TestRefusedMailCountsNowhere(t *testing.T) {
	t.Parallel()
	records := new(logintest.Records)
	full, _ := build(Email, records, func(c *Config) { c.PerUserHour, c.PerDay = 2, 1 })
	for i, want := range []bool{true, false, false} {
		if err := full.TakeAccount(t.Context(), "a"); (err == nil) != want {
			t.Fatalf("mail %d: %v", i+1, err)
		}
	}
	raised, _ := build(Email, records, func(c *Config) { c.PerUserHour, c.PerDay = 2, 10 })
	if err := raised.TakeAccount(t.Context(), "a"); err != nil {
		t.Errorf("the second mail of two: %v", err)
	}
}

// Numbers are few: whoever reads the keys of records could try them all, if what
// stands there came of the number alone.
func TestS28KeysOfRecordsTellNoNumberOrAccount(t *testing.T) {
	t.Parallel()
	keys := func(key string) (all []string) {
		records := new(logintest.Records)
		c := New(DefaultConfig(SMS), SMS, records, []byte(key), new(logintest.Log).Logger())
		if err := take(t, c, 1); err != nil {
			t.Fatal(err)
		}
		if err := records.Scan(t.Context(), "", func(key string, _ login.Value) error {
			all = append(all, key)
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		return all
	}
	one, other := keys("0123456789abcdef"), keys("fedcba9876543210")
	for _, key := range one {
		hidden := strings.Contains(key, "/user/") || strings.Contains(key, "/number/") || strings.Contains(key, "/range/")
		if hidden && slices.Contains(other, key) {
			t.Errorf("%s is the same under another key", key)
		}
	}
	if len(one) < 6 {
		t.Errorf("only %v", one)
	}
}

func TestWaitingForTheTurnEndsWithTheContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, _ := build(SMS, new(logintest.Records))
		leave, err := c.enter(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer leave()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := c.Take(ctx, "a", number(t, 1)); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v, want the end of the context", err)
		}
	})
}

func TestConfigurationsOfCaps(t *testing.T) {
	t.Parallel()
	for _, s := range []Service{SMS, Call} {
		if err := DefaultConfig(s).Validate(); err != nil {
			t.Errorf("%s: %v", s, err)
		}
	}
	err := Config{PerUserHour: Max + 1, PerNumber10Min: 1, PerNumberDay: 1, PerCountryHour: -1, PerDay: 0, MinSuccess: 99, MinSuccessAfter: 2}.Validate()
	for _, want := range []string{"per_user_hour: 1000001", "per_country_hour: -1", "per_day: 0", "min_success: 99", "min_success_after: 2"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not among the problems: %v", want, err)
		}
	}
	if err == nil || strings.Contains(err.Error(), "per_number") {
		t.Errorf("a good cap is a problem: %v", err)
	}
}
