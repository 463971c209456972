package radiusd

import (
	"cmp"
	"hash/fnv"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// maxSamples is how many observations of a kind are kept of a client.
	maxSamples = 16
	// agreement is how many of them must say the same to be believed.
	agreement = 3
	// tolerance is how far apart two may be that say the same, in percent, and
	// at least minTolerance.
	tolerance    = 10
	minTolerance = 500 * time.Millisecond

	// What is learned lies between these, whatever was observed: nobody who
	// can send in a client's name may make it hold requests for ever, or not at
	// all.
	minLearned = 5 * time.Second
	maxLearned = maxPatience
	// margin is how much earlier than a client gives up it is answered, in
	// percent, and at least minMargin.
	margin    = 10
	minMargin = time.Second

	// longestWait bounds observations; what is longer is two sign-ins.
	longestWait = 10 * time.Minute
)

// How a client sends a request again.
type resend uint8

const (
	sameID  resend = iota + 1 // the same datagram
	newID                     // a new request from the same port
	newPort                   // a new request from another port
)

// A Clock is when a client sends again and when it gives up, as far as it is
// known.
type Clock struct {
	// Resend is the time to the first copy of a request, GivesUp the time to
	// the end of its patience, Sends how often it has sent the request by then;
	// 0 is unknown.
	Resend, GivesUp time.Duration
	Sends           int
	// Waits is how long it has been seen waiting without giving up.
	Waits time.Duration
	// Identifier is what a copy has: "same", "new", or "new port" for a new
	// identifier from another port; empty when no copy was seen.
	Identifier string
	// Seen is how many sign-ins taught when it gives up.
	Seen int
	// Patience is what is in force, Learned whether that was learned.
	Patience time.Duration
	Learned  bool
}

var identifiers = map[resend]string{sameID: "same", newID: "new", newPort: "new port"}

// A clock learns from what a client does. The zero value knows nothing.
type clock struct {
	patience atomic.Int64 // learned, in ns; 0 when it is not

	mu      sync.Mutex
	resends samples // of kind resend
	givenUp samples // with how often it was sent
	waits   samples
	refuted int // waits in a row that were longer than it gives up
	unsaved bool
}

// A sample is one observation.
type sample struct {
	// From is a hash of the device's address: a client may be a network of
	// them.
	From  uint16 `json:"f"`
	Who   uint16 `json:"w,omitempty"` // a hash of the person's name; 0 when it does not matter
	Kind  uint8  `json:"k,omitempty"`
	Milli uint32 `json:"ms"`
}

func (s sample) duration() time.Duration { return time.Duration(s.Milli) * time.Millisecond }

// samples are the last observations, oldest first.
type samples []sample

// add keeps a sample. When there are too many, the address that has most loses
// its oldest, so that one odd device among many does not drive the others out.
func (s *samples) add(n sample) {
	*s = append(*s, n)
	if len(*s) <= maxSamples {
		return
	}
	count := map[uint16]int{}
	for _, o := range *s {
		count[o.From]++
	}
	oldest, most := 0, 0
	for i, o := range *s {
		if count[o.From] > most {
			oldest, most = i, count[o.From]
		}
	}
	*s = slices.Delete(*s, oldest, oldest+1)
}

// usual is what most samples say, the later ones when as many say something
// else: the middle of those that are near each other.
func (s samples) usual() (usual sample, ok bool) {
	var best []sample
	for _, a := range s {
		d := a.duration()
		within := max(minTolerance, d*tolerance/100)
		var near []sample
		for _, b := range s {
			if (d - b.duration()).Abs() <= within {
				near = append(near, b)
			}
		}
		if len(near) >= len(best) {
			best = near
		}
	}
	if len(best) < agreement {
		return sample{}, false
	}
	slices.SortFunc(best, func(a, b sample) int { return cmp.Compare(a.Milli, b.Milli) })
	return best[len(best)/2], true
}

// kind is the kind that most samples have.
func (s samples) kind() resend {
	var count [newPort + 1]int
	var usual resend
	for _, o := range s {
		k := min(resend(o.Kind), newPort)
		if count[k]++; count[k] >= agreement && count[k] >= count[usual] {
			usual = k
		}
	}
	return usual
}

func sampleOf(d time.Duration, kind uint8, from netip.Addr) sample {
	h := fnv.New32a()
	b := from.As16()
	_, _ = h.Write(b[:])
	sum := h.Sum32()
	return sample{From: uint16(sum>>16) ^ uint16(sum), Kind: kind, Milli: uint32(d / time.Millisecond)} //nolint:gosec // folded; bounded by longestWait
}

// resent is told that the first copy of a request has come after gap.
func (c *clock) resent(gap time.Duration, how resend, from netip.Addr) {
	if gap < minGap || gap > maxGap {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.resends.add(sampleOf(gap, uint8(how), from))
	c.unsaved = true
}

// gaveUp is told that the client has stopped waiting after so long, and how
// often it had sent the request. It returns true when that changed what is
// learned.
func (c *clock) gaveUp(after time.Duration, sends int, from netip.Addr, who uint16) (news bool) {
	if after < minGap || after > longestWait {
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	s := sampleOf(after, uint8(min(sends, 255)), from) //nolint:gosec // bounded just there
	s.Who = who
	// Attack: signing in time and again, to teach all others a short patience.
	c.givenUp = slices.DeleteFunc(c.givenUp, func(o sample) bool { return o.Who == s.Who })
	c.givenUp.add(s)
	c.refuted = 0
	was := c.patience.Load()
	c.changed()
	return c.patience.Load() != was
}

// waited is told that the client would still wait at this time after its
// request.
func (c *clock) waited(d time.Duration, from netip.Addr) {
	if d < minGap || d > longestWait {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.waits.add(sampleOf(d, 0, from))
	c.unsaved = true
	known, ok := c.givenUp.usual()
	if !ok || d <= known.duration()+max(minTolerance, known.duration()*tolerance/100) {
		c.refuted = 0
		return
	}
	// Its time-out was raised: what was learned before is worth nothing.
	if c.refuted++; c.refuted >= agreement {
		c.refuted, c.givenUp = 0, nil
		c.changed()
	}
}

// changed computes the patience again. The lock is held.
func (c *clock) changed() {
	c.unsaved = true
	usual, ok := c.givenUp.usual()
	if !ok {
		c.patience.Store(0)
		return
	}
	c.patience.Store(int64(patienceFor(usual.duration())))
}

// patienceFor is how long a client is kept waiting that gives up at this time,
// in whole seconds.
func patienceFor(givesUp time.Duration) time.Duration {
	early := givesUp - max(minMargin, givesUp*margin/100)
	return min(max(early.Truncate(time.Second), minLearned), maxLearned)
}

// facts are what is known.
func (c *clock) facts() Clock {
	c.mu.Lock()
	defer c.mu.Unlock()
	f := Clock{Seen: len(c.givenUp), Identifier: identifiers[c.resends.kind()]}
	if s, ok := c.resends.usual(); ok {
		f.Resend = s.duration()
	}
	if s, ok := c.givenUp.usual(); ok {
		f.GivesUp, f.Sends = s.duration(), int(s.Kind)
	}
	for _, s := range c.waits {
		f.Waits = max(f.Waits, s.duration())
	}
	return f
}
