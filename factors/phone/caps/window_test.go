package caps

import (
	"fmt"
	"testing"
	"time"
)

func TestClockThatWasWrongDoesNotLockForYears(t *testing.T) {
	t.Parallel()
	w := window{name: "w", limit: 3, slot: time.Hour, slots: 24}
	now := time.Now()
	wrong := tally{}.plus(w, now.AddDate(5, 0, 0))
	if got := wrong.recent(w, now).sum(); got != 0 {
		t.Errorf("%d from another year count", got)
	}
	back := tally{}.plus(w, now.Add(2*time.Hour))
	if got := back.recent(w, now).sum(); got != 1 {
		t.Errorf("%d count after the clock was set back two hours, want 1", got)
	}
}

func FuzzTallies(f *testing.F) {
	w := window{name: "w", limit: 3, slot: time.Hour, slots: 24}
	f.Add([]byte{}, 1)
	f.Add(encodeTallies([]tally{nil, {{1, 2}}}), 2)
	f.Add(encodeTallies([]tally{tally{}.plus(w, time.Now())}), 1)
	f.Add([]byte{1, 200, 1}, 1)
	f.Fuzz(func(t *testing.T, data []byte, n int) {
		n = min(max(n, 0), 4)
		tallies, err := decodeTallies(data, n)
		if err != nil {
			return
		}
		again, err := decodeTallies(encodeTallies(tallies), n)
		if err != nil || fmt.Sprint(again) != fmt.Sprint(tallies) {
			t.Errorf("%x: %v, %v, want %v", data, again, err, tallies)
		}
		for _, tally := range tallies {
			if tally.sum() < 0 {
				t.Errorf("%x: negative sum", data)
			}
			tally.recent(w, time.Now()).plus(w, time.Now())
		}
	})
}
