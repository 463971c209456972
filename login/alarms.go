package login

import (
	"sync"
	"time"
)

// alarmStep is how far apart alarms are: those that are due between two of
// them ring together, at the earlier.
const alarmStep = 50 * time.Millisecond

// alarms ring for many thousands who wait: those of the same moment share one
// timer, and each brings along what its place in the list takes.
type alarms struct {
	begun time.Time
	mu    sync.Mutex
	by    map[int64]*alarm // by the number of steps since begun
}

// An alarm is a moment at which several are rung for.
type alarm struct {
	at    int64
	timer *time.Timer
	first *bell
}

type ringer interface {
	// ring is called from a goroutine of the alarm's own, and holds up others
	// of the same moment.
	ring(what int)
}

// A bell is somebody's place in an alarm, and who is told what. The zero bell is
// in none. It belongs to the lock of the alarms.
type bell struct {
	alarm      *alarm
	prev, next *bell
	who        ringer
	what       int
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
	*b = bell{alarm: a, next: a.first, who: who, what: what}
	if a.first != nil {
		a.first.prev = b
	}
	a.first = b
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
	if b.prev == nil {
		a.first = b.next
	} else {
		b.prev.next = b.next
	}
	if b.next != nil {
		b.next.prev = b.prev
	}
	*b = bell{}
	if a.first == nil {
		a.timer.Stop()
		s.forget(a)
	}
}

// forget has nobody set to an alarm any more. There may be another of its
// moment by now.
func (s *alarms) forget(a *alarm) {
	if s.by[a.at] == a {
		delete(s.by, a.at)
	}
}

// due rings. Each bell is taken off before, so that it can be set again.
func (s *alarms) due(a *alarm) {
	s.mu.Lock()
	s.forget(a)
	for b := a.first; b != nil; b = a.first {
		who, what := b.who, b.what
		a.first = b.next
		if a.first != nil {
			a.first.prev = nil
		}
		*b = bell{}
		s.mu.Unlock()
		who.ring(what)
		s.mu.Lock()
	}
	s.mu.Unlock()
}
