package radiusd

import (
	"errors"
	"log/slog"
	"time"

	"github.com/portvakt/portvakt/login"
)

// heldGrace is how much later than promised a held request may be answered
// before it is given up.
const heldGrace = 5 * time.Second

var errNoAnswer = errors.New("radiusd: somebody was asked and no answer came in time")

// A held request waits for the answer of somebody who is asked elsewhere. It is
// a record of what its reply needs: no goroutine, no packet, no buffer. Whoever
// takes it from the reply cache ends it: its answer, a newer request of its
// source, the limit of a drain.
type held struct {
	pending
	server *Server
	wait   login.Wait
	until  time.Duration // no answer comes after that
	stay   stay
}

// hold keeps a request until its answer comes. It returns at once.
func (s *Server) hold(r *request, w login.Wait) {
	if drop := s.admission.hold(r.client.peer, r.client.MaxHeld); drop != dropNone {
		w.Leave()
		s.note(&r.pending, drop)
		s.end(&r.pending)
		return
	}
	h := &held{pending: r.pending, server: s, wait: w, until: r.arrived + r.patience + heldGrace}
	h.held = true
	r.settled = true // by the record from here on
	if !r.hasStation() {
		r.client.peer.counters[noteNoStation].Add(1)
	}
	h.stay.who = r.who(s.people.seed)
	s.arrives(h, r.person(s.people.seed))
	if !s.replies.hold(h) {
		s.dismiss(h, dropSuperseded)
		return
	}
	w.Then(h)
}

// Answered ends a held request with its answer, in whatever goroutine that
// comes from.
func (h *held) Answered(step login.Step, err error) {
	s := h.server
	if !s.replies.take(h) {
		return
	}
	defer s.recovered(&h.pending)
	s.departs(h)
	s.conclude(&h.pending, step, err)
}

// dismiss ends a held request that was taken from the reply cache, without an
// answer.
func (s *Server) dismiss(h *held, t tally) {
	defer s.recovered(&h.pending)
	s.departs(h)
	h.wait.Leave()
	s.abandon(&h.pending, t)
}

// dismissOverdue ends the held requests whose answer does not come any more.
func (s *Server) dismissOverdue(now time.Duration) {
	for _, h := range s.replies.overdue(now) {
		s.journal.note(dropUndecided, now, func() []slog.Attr {
			return []slog.Attr{slog.String(login.KeyClient, h.client.Name), slog.Any(login.KeyErr, errNoAnswer)}
		})
		s.dismiss(h, dropUndecided)
	}
}

// dismissAll ends every held request.
func (s *Server) dismissAll() {
	for _, h := range s.replies.overdue(1<<63 - 1) {
		s.dismiss(h, dropDraining)
	}
}
