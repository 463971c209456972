package radiusd

import (
	"net/netip"
	"slices"
	"sync/atomic"
	"time"
)

// maxStrangers is how many unknown addresses are told in the statistics.
const maxStrangers = 16

// Latest is when something was last counted.
type Latest struct {
	At time.Time
	// From is an address it came from lately; invalid when none was noted.
	From netip.Addr
}

// latest is when a client's counters last counted, as time since the start, and
// where from. The address is noted only when the log has a line for it, so that
// bad traffic costs no memory.
type latest struct {
	at   [numTallies]atomic.Int64
	from [numTallies]atomic.Pointer[netip.Addr]
}

func (l *latest) came(t tally, from netip.Addr) { l.from[t].Store(&from) }

// facts are what was counted at all.
func (l *latest) facts(start time.Time) map[string]Latest {
	all := map[string]Latest{}
	for t := dropNone + 1; t < numTallies; t++ {
		at := l.at[t].Load()
		if at == 0 {
			continue
		}
		fact := Latest{At: start.Add(time.Duration(at))}
		if from := l.from[t].Load(); from != nil {
			fact.From = *from
		}
		all[t.String()] = fact
	}
	return all
}

// A Stranger is an address that asked and is no client's.
type Stranger struct {
	Address netip.Addr
	At      time.Time
}

type stranger struct {
	from netip.Addr
	at   time.Duration
}

// meet notes an unknown address that has a line in the log. The lock is held.
func (j *journal) meet(from netip.Addr, now time.Duration) {
	j.seen = slices.DeleteFunc(j.seen, func(s stranger) bool { return s.from == from })
	if len(j.seen) == maxStrangers {
		j.seen = slices.Delete(j.seen, 0, 1)
	}
	j.seen = append(j.seen, stranger{from, now})
}

// strangers are the unknown addresses, the latest first.
func (j *journal) strangers(start time.Time) []Stranger {
	j.mu.Lock()
	defer j.mu.Unlock()
	var all []Stranger
	for _, s := range slices.Backward(j.seen) {
		all = append(all, Stranger{s.from, start.Add(s.at)})
	}
	return all
}
