package radiusd

import "time"

// Bounds of what a gap between two copies may be: copies closer together are
// the network's, not the client's, and no product waits longer.
const (
	minGap = 500 * time.Millisecond
	maxGap = 2 * time.Minute
)

// growth is how much a gap must exceed the one before to be a backoff, and
// maxGrowth how much one grows at most (RFC 5080, section 2.2.1 doubles), in
// percent.
const (
	growth    = 125
	maxGrowth = 220
)

// A trail is what a client did while one of its requests was in hand. Times
// count from the start of the server.
type trail struct {
	first, last time.Duration // when the request and its latest copy came
	gap, before time.Duration // between the last two copies, and the two before
	copies      int32         // beside the request
}

// copied notes a copy. For the first one it returns how long after the request
// it came.
func (t *trail) copied(now time.Duration) time.Duration {
	gap := now - t.last
	if gap < minGap {
		return 0
	}
	t.before, t.gap, t.last = t.gap, gap, now
	t.copies++
	if t.copies > 1 {
		return 0
	}
	return gap
}

// next is how long after the latest copy the client sends another one, or gives
// up in place of it.
func (t *trail) next() time.Duration {
	if t.before == 0 || t.gap*100 < t.before*growth {
		return t.gap
	}
	return time.Duration(float64(t.gap) * min(float64(t.gap)/float64(t.before), maxGrowth/100.))
}

// lasts is how long the client waits as far as its copies tell: one gap behind
// the latest.
func (t *trail) lasts() time.Duration { return t.last + t.next() - t.first }

// overdue is how long after the latest copy one more was due long ago.
func (t *trail) overdue() time.Duration { return t.next()*3/2 + minGap }

// gone reports whether the client had given up some time before now: one copy
// more was due long ago.
func (t *trail) gone(now time.Duration) bool {
	return t.copies > 0 && now > t.last+t.overdue()
}
