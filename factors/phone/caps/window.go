package caps

import (
	"encoding/binary"
	"errors"
	"slices"
	"time"
)

// A window is a cap: at most limit uses in any span of time of its length.
type window struct {
	name  string
	limit int
	slot  time.Duration // the grain of time that is counted in
	slots int64         // slots of a window
	alarm bool          // an operator is told before it is full
}

func (w window) length() time.Duration { return w.slot * time.Duration(w.slots) }

// A tally counts the uses of one window by the slot they fell into. It
// has no more than slots+1 entries before and as many after now, so that it
// stays small whatever the clock does.
type tally []entry

type entry struct{ slot, count int64 }

func (w window) now(at time.Time) int64 { return at.Unix() / int64(w.slot/time.Second) }

// recent returns the entries that still count. One slot more than the window
// has is counted, so that never more than limit fall into any span of its
// length. Entries of the near future count too: they are from before a clock
// was set back; those of the far future are from a clock that was wrong.
func (t tally) recent(w window, at time.Time) tally {
	now := w.now(at)
	var kept tally
	for _, e := range t {
		if e.slot >= now-w.slots && e.slot <= now+w.slots {
			kept = append(kept, e)
		}
	}
	return kept
}

func (t tally) sum() int64 {
	var sum int64
	for _, e := range t {
		sum += e.count
	}
	return sum
}

// plus returns the tally with one more use.
func (t tally) plus(w window, at time.Time) tally {
	now := w.now(at)
	t = slices.Clone(t)
	if i := slices.IndexFunc(t, func(e entry) bool { return e.slot == now }); i >= 0 {
		t[i].count++
		return t
	}
	return append(t, entry{now, 1})
}

// The record of some tallies: a version, and for each tally the number of its
// entries and the entries.
const (
	tallyVersion = 1
	maxEntries   = 64 // of one tally; the longest window has 24 slots
)

var errTally = errors.New("record of another version, or broken")

func encodeTallies(tallies []tally) []byte {
	b := []byte{tallyVersion}
	for _, t := range tallies {
		b = binary.AppendVarint(b, int64(len(t)))
		for _, e := range t {
			b = binary.AppendVarint(b, e.slot)
			b = binary.AppendVarint(b, e.count)
		}
	}
	return b
}

// decodeTallies reads n tallies; n empty ones from no data.
func decodeTallies(b []byte, n int) ([]tally, error) {
	tallies := make([]tally, n)
	if len(b) == 0 {
		return tallies, nil
	}
	if b[0] != tallyVersion {
		return nil, errTally
	}
	b = b[1:]
	next := func() (int64, bool) {
		v, size := binary.Varint(b)
		if size <= 0 || v < 0 {
			return 0, false
		}
		b = b[size:]
		return v, true
	}
	for i := range tallies {
		entries, ok := next()
		if !ok || entries > maxEntries {
			return nil, errTally
		}
		for range entries {
			slot, okSlot := next()
			count, okCount := next()
			if !okSlot || !okCount || count > Max {
				return nil, errTally
			}
			tallies[i] = append(tallies[i], entry{slot, count})
		}
	}
	if len(b) > 0 {
		return nil, errTally
	}
	return tallies, nil
}
