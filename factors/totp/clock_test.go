package totp

import (
	"testing"
	"testing/synctest"
	"time"
)

// at is a look at both clocks, with how far they went since the start.
type at struct {
	wall, monotonic time.Duration
	believed        bool
}

func TestClock(t *testing.T) {
	const (
		h = time.Hour
		m = time.Minute
		s = time.Second
	)
	for _, tt := range []struct {
		rule  string
		looks []at
	}{
		{"a clock that runs is believed", []at{{0, 0, true}, {h, h, true}, {999 * h, 999 * h, true}}},
		{"a leap second is nothing", []at{{h - s, h, true}, {2*h - s, 2 * h, true}}},
		{"a correction of a minute is taken", []at{{h + m, h, true}}},
		{"one hour ahead is not believed", []at{{2 * h, h, false}, {2*h + 9*m, h + 9*m, false}}},
		{"one hour back is not believed", []at{{0, h, false}}},
		{"25 years ahead are not believed", []at{{25 * 365 * 24 * h, h, false}}},
		{"a clock put right is believed at once", []at{{2 * h, h, false}, {h + m, h + m, true}}},
		{"after ten steady minutes it is believed", []at{{2 * h, h, false}, {2*h + 10*m, h + 10*m, true}, {3 * h, 2 * h, true}}},
		{"the ten minutes begin when it was noticed", []at{{2 * h, h, false}, {2*h + 9*m, h + 9*m, false}, {2*h + 11*m, h + 11*m, true}}},
		{"set again, the ten minutes begin again", []at{{2 * h, h, false}, {5 * h, h + 9*m, false}, {5*h + 2*m, h + 11*m, false}, {5*h + 10*m, h + 19*m, true}}},
		{"once believed, the old time is a jump", []at{{2 * h, h, false}, {2*h + 10*m, h + 10*m, true}, {2 * h, 2 * h, false}}},
		{"many small steps add up", []at{{h + 50*s, h, true}, {2*h + 100*s, 2 * h, false}}},
		{"a computer that slept an hour waits", []at{{m, m, true}, {h + m, 2 * m, false}, {h + 11*m, 12 * m, true}}},
	} {
		var tr trust
		for i, look := range tt.looks {
			var ok bool
			if tr, ok = tr.see(look.wall, look.monotonic); ok != look.believed {
				t.Errorf("%s: look %d: got %t, want %t", tt.rule, i+1, ok, look.believed)
			}
		}
	}
}

func TestTheClockOfThisComputerIsBelieved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newClock()
		for range 3 {
			time.Sleep(26 * time.Hour)
			if now, err := c.now(); err != nil || !now.Equal(time.Now()) {
				t.Fatalf("got %v, %v", now, err)
			}
		}
	})
}
