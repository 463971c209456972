package radiusd

import (
	"hash/maphash"
	"sync"

	"layeh.com/radius/rfc2865"
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
	trail  trail // of requests before it that were each sent once
}

// arrives notes a held request and learns from the one that it follows.
func (s *Server) arrives(h *held, person uint64) {
	h.stay.person = person
	s.people.mu.Lock()
	old := s.people.now[person]
	s.people.mu.Unlock()
	var sofar trail
	if old != nil {
		sofar = s.replies.trailOf(old.entry)
	}
	s.people.mu.Lock()
	defer s.people.mu.Unlock()
	if s.people.now == nil {
		s.people.now = map[uint64]*held{}
	}
	s.people.now[person] = h
	h.stay.trail = trail{first: h.arrived, last: h.arrived}
	if old == nil {
		return
	}
	clock := &h.client.peer.clock
	from, before := h.entry.source.from, old.entry.source.from
	if sofar.copies > 0 {
		// It sends copies, so a new identifier is a new beginning.
		clock.gaveUp(h.arrived-sofar.first, int(sofar.copies)+1, from.Addr())
		return
	}
	h.stay.trail = old.stay.trail
	gap := h.stay.trail.copied(h.arrived)
	if gap == 0 {
		return
	}
	how := newID
	if from.Port() != before.Port() {
		how = newPort
	}
	clock.resent(gap, how, from.Addr())
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
	clock, from := &h.client.peer.clock, h.entry.source.from.Addr()
	switch {
	case t.gone(s.now()):
		clock.gaveUp(t.lasts(), int(t.copies)+1, from)
	case t.copies > 0:
		clock.waited(t.lasts(), from)
	}
}

// hasStation reports whether the request tells where the person is.
func (r *request) hasStation() bool { return len(r.value(rfc2865.CallingStationID_Type)) > 0 }
