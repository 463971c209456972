package radiusd

import (
	"context"
	"hash/maphash"
	"log/slog"
	"sync"
	"time"

	"github.com/portvakt/portvakt/login"
)

// people are the held requests by who signs in from where: a client that sends
// the same sign-in with a new identifier has given the old one up. There are no
// more than are held.
type people struct {
	seed maphash.Seed
	mu   sync.Mutex
	now  map[uint64]*held
}

// A stay is the place of a held request among those of the same person. It is
// guarded by the lock of people.
type stay struct {
	person uint64
	who    uint16
	trail  trail // of requests before it that were each sent once
}

// arrives notes a held request and learns from the one that it follows.
func (s *Server) arrives(h *held, person uint64) {
	h.stay.person = person
	s.people.mu.Lock()
	old := s.people.now[person]
	s.people.mu.Unlock()
	t := trail{first: h.arrived, last: h.arrived}
	var before trail
	var again time.Duration
	if old != nil {
		before = s.replies.trailOf(old.entry)
	}
	s.people.mu.Lock()
	if old != nil && before.copies == 0 {
		t = old.stay.trail
		again = t.copied(h.arrived)
	}
	h.stay.trail = t
	if s.people.now == nil {
		s.people.now = map[uint64]*held{}
	}
	s.people.now[person] = h
	s.people.mu.Unlock()

	from := h.entry.source.from
	switch {
	case before.copies > 0 && h.arrived+minTolerance < before.last+before.next():
		// The person has begun anew before the client gave up.
	case before.copies > 0: // it sends copies, so a new identifier is a new beginning
		s.gaveUp(h, h.arrived-before.first, before.copies)
	case again > 0 && from.Port() != old.entry.source.from.Port():
		h.client.peer.clock.resent(again, newPort, from.Addr())
	case again > 0:
		h.client.peer.clock.resent(again, newID, from.Addr())
	}
}

// departs takes a held request out and learns from how its client has waited.
func (s *Server) departs(h *held) {
	own := s.replies.trailOf(h.entry)
	s.people.mu.Lock()
	latest := s.people.now[h.stay.person] == h
	if latest {
		delete(s.people.now, h.stay.person)
	}
	t := h.stay.trail
	s.people.mu.Unlock()
	if !latest {
		return // the request that followed it knows more
	}
	if own.copies > 0 {
		t = own
	}
	from := h.entry.source.from.Addr()
	switch {
	case t.gone(s.now()):
		s.gaveUp(h, t.lasts(), t.copies)
	case t.copies > 0:
		h.client.peer.clock.waited(t.lasts(), from)
	}
}

// gaveUp tells a client's clock, and the log when that is news.
func (s *Server) gaveUp(h *held, after time.Duration, copies int32) {
	c := h.client
	if !c.peer.clock.gaveUp(after, int(copies)+1, h.entry.source.from.Addr(), h.stay.who) {
		return
	}
	s.log.LogAttrs(context.Background(), slog.LevelInfo, "learned when the client gives up",
		slog.String(login.KeyClient, c.Name), slog.String(login.KeyKey, "patience"),
		slog.String(login.KeyDetail, time.Duration(c.peer.clock.patience.Load()).String()),
		slog.String(login.KeyHint, "portvakt status tells more"))
}

// hasStation reports whether the request tells where the person is.
func (r *request) hasStation() bool { return r.outline.station != 0 }

func (p *people) count() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.now)
}
