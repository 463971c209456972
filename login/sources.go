package login

import (
	"sync"
	"time"
)

// Limits of one source, against one password tried on many accounts. A source
// is a station at a client. A client that tells no station is never limited as
// a whole, since that would lock out everybody behind it; and a person who has
// signed in from a station before goes on doing so, since many may share it.
const (
	maxSourceFailures = 30
	sourceWindow      = 10 * time.Minute
	maxSources        = 65536
)

// sources counts failures by source in memory: they need not outlive a
// restart, accounts have durable counters of their own.
type sources struct {
	mu  sync.Mutex
	all map[uint64]sourceCount
}

type sourceCount struct {
	failures int
	from     time.Time
}

func newSources() *sources { return &sources{all: map[uint64]sourceCount{}} }

func (s *sources) limited(v Via, id uint64, now time.Time) bool {
	if v.Station == "" {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	c, ok := s.all[id]
	return ok && c.failures >= maxSourceFailures && now.Sub(c.from) < sourceWindow
}

func (s *sources) failed(v Via, id uint64, now time.Time) {
	if v.Station == "" {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	c, ok := s.all[id]
	if !ok || now.Sub(c.from) >= sourceWindow {
		if !ok && len(s.all) >= maxSources {
			s.makeRoom(now)
		}
		c = sourceCount{from: now}
	}
	c.failures++
	s.all[id] = c
}

// limited waits until few enough from the attempt's station are being tried,
// and reports whether the station may try no more. Of those that are tried at
// the same time none is counted yet, so a station has at most twice its limit.
func (f *Flow) limited(t *attempt) (bool, error) {
	if t.Via.Station == "" {
		return false, nil
	}
	if err := t.take(f.turns, turnKey{station: t.station}, maxSourceFailures); err != nil {
		return false, err
	}
	return f.sources.limited(t.Via, t.station, t.began), nil
}

func (f *Flow) overLimit(t *attempt, err error) (Step, error) {
	if err != nil {
		return nil, err
	}
	return f.reject(t, ReasonSourceLimited)
}

// makeRoom forgets what has run out, and when nothing has, some entries that
// are not limited: an attacker with many stations must not free a limited one.
// Only when every entry is limited are all forgotten; memory stays bounded, and
// accounts have counters of their own.
func (s *sources) makeRoom(now time.Time) {
	for id, c := range s.all {
		if now.Sub(c.from) >= sourceWindow {
			delete(s.all, id)
		}
	}
	for id, c := range s.all {
		if len(s.all) < maxSources*15/16 {
			return
		}
		if c.failures < maxSourceFailures {
			delete(s.all, id)
		}
	}
	if len(s.all) >= maxSources {
		clear(s.all)
	}
}
