package caps

import (
	"fmt"
	"strings"
	"testing"

	"github.com/portvakt/portvakt/login"
	"github.com/portvakt/portvakt/login/logintest"
)

// However many are reminded, half of what may be sent in a day is left for codes.
func TestSpareMessagesLeaveHalfForCodes(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		cap    string
		change func(*Config)
	}{
		{"per_country_hour", func(c *Config) { c.PerCountryHour = 20 }},
		{"per_day", func(c *Config) { c.PerDay = 20 }},
	} {
		c, log := build(SMS, new(logintest.Records), row.change)
		spare := func(i int) error { return c.TakeSpare(t.Context(), fmt.Sprint("account ", i), number(t, i)) }
		for i := range 10 {
			if err := spare(i); err != nil {
				t.Fatal(err)
			}
		}
		if err := spare(10); login.Refused(err) != login.ReasonSourceLimited || !strings.Contains(err.Error(), "half of "+row.cap) {
			t.Errorf("%s: the eleventh: %v", row.cap, err)
		}
		for i := range 10 {
			if err := take(t, c, 100+i); err != nil {
				t.Errorf("%s: code %d: %v", row.cap, i, err)
			}
		}
		if take(t, c, 200) == nil {
			t.Errorf("%s: the cap does not hold for both together", row.cap)
		}
		if n := strings.Count(log.String(), "a cap is nearly used up"); n != 1 {
			t.Errorf("%s: the alarm is told %d times", row.cap, n)
		}
	}

	c, _ := build(Email, new(logintest.Records), func(c *Config) { c.PerDay, c.PerUserHour = 10, 2 })
	for i := range 5 {
		if err := c.TakeSpareAccount(t.Context(), fmt.Sprint(i)); err != nil {
			t.Fatal(err)
		}
	}
	if c.TakeSpareAccount(t.Context(), "another") == nil {
		t.Error("e-mail: more than half")
	}
	if err := c.TakeAccount(t.Context(), "0"); err != nil {
		t.Errorf("e-mail: a code: %v", err)
	}
	if c.TakeAccount(t.Context(), "0") == nil {
		t.Error("e-mail: the cap of the account does not count both")
	}
}

// Nobody can enter anything after a notice, so that many of them do not stop a
// range of numbers.
func TestSpareMessagesAreNotWatched(t *testing.T) {
	t.Parallel()
	records := new(logintest.Records)
	c, _ := build(SMS, records)
	for i := range 100 {
		if err := c.TakeSpare(t.Context(), fmt.Sprint(i), number(t, i)); err != nil {
			t.Fatal(err)
		}
	}
	for _, s := range c.subjects(SMS, number(t, 0)) {
		tallies, _, err := c.read(t.Context(), s.ledger)
		if err != nil || tallies[sentAt].sum() != 0 {
			t.Errorf("%s: %d are watched, %v", s.name, tallies[sentAt].sum(), err)
		}
	}
}
