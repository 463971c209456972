package login

import (
	"sync"
	"time"
)

// alarmStep is how far apart alarms are: those that are due between two of
// them ring together, at the earlier.
const alarmStep = 50 * time.Millisecond

// alarms ring for many thousands who wait: those of the same moment share one
// timer, and each of them is a few words in its list.
type alarms struct {
	begun time.Time
	mu    sync.Mutex
	by    map[int64]*alarm // by the number of steps since begun
}

// An alarm is a moment at which several are rung for.
type alarm struct {
	at    int64
	timer *time.Timer
	rings []ring
}

// A ring is who is told, and what.
type ring struct {
	who  ringer
	what int
	bell *bell
}

type ringer interface {
	// ring is called from a goroutine of the alarm's own, and holds up others
	// of the same moment.
	ring(what int)
}

// A bell is where the alarm of somebody is, to be taken back. The zero bell has
// none. It belongs to the lock of the alarms.
type bell struct {
	alarm *alarm
	place int
}

func newAlarms() *alarms { return &alarms{begun: time.Now(), by: map[int64]*alarm{}} }

// set has who rung after d, or up to [alarmStep] before that, in place of what
// the bell was set to.
func (s *alarms) set(b *bell, d time.Duration, who ringer, what int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.takeBack(b)
	at := int64((time.Since(s.begun) + max(d, 0)) / alarmStep)
	a := s.by[at]
	if a == nil {
		a = &alarm{at: at}
		a.timer = time.AfterFunc(time.Duration(at)*alarmStep-time.Since(s.begun), func() { s.due(a) })
		s.by[at] = a
	}
	*b = bell{a, len(a.rings)}
	a.rings = append(a.rings, ring{who, what, b})
}

// stop takes back what the bell was set to, unless it rings just now.
func (s *alarms) stop(b *bell) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.takeBack(b)
}

func (s *alarms) takeBack(b *bell) {
	a := b.alarm
	if a == nil {
		return
	}
	last := len(a.rings) - 1
	a.rings[b.place] = a.rings[last]
	a.rings[b.place].bell.place = b.place
	a.rings[last] = ring{}
	a.rings = a.rings[:last]
	*b = bell{}
	if last == 0 {
		a.timer.Stop()
		delete(s.by, a.at)
	}
}

// due rings.
func (s *alarms) due(a *alarm) {
	s.mu.Lock()
	rings := a.rings
	a.rings = nil
	for _, r := range rings {
		*r.bell = bell{}
	}
	if s.by[a.at] == a {
		delete(s.by, a.at)
	}
	s.mu.Unlock()
	for _, r := range rings {
		r.who.ring(r.what)
	}
}
