package radiusd

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/portvakt/portvakt/login"
)

// A task is a request that is to be handled.
type task struct {
	ctx     context.Context //nolint:containedctx // of a call that another goroutine makes
	request *request
}

// dispatch has a request handled in a goroutine of its own.
func (s *Server) dispatch(ctx context.Context, r *request) { s.crew.Start(task{ctx, r}) }

// handle answers one request in its goroutine, or leaves it held.
func (s *Server) handle(ctx context.Context, r *request) {
	defer s.recovered(&r.pending)
	if r.client.shadow != login.ShadowOff {
		s.rehearse(ctx, r)
		return
	}
	step, err := s.decide(ctx, r)
	if w, waiting := step.(login.Wait); waiting && err == nil && w != (login.Wait{}) {
		s.hold(r, w)
		return
	}
	s.conclude(&r.pending, step, err)
}

// recovered ends a request whose handling has panicked. It is deferred.
func (s *Server) recovered(p *pending) {
	if v := recover(); v != nil {
		s.logPanic(v, p.client.Name)
		s.abandon(p, dropPanic)
	}
}

// decide asks the Conversation, unless the packet cannot be right.
func (s *Server) decide(ctx context.Context, r *request) (login.Step, error) {
	c := r.client
	if !r.outline.nas {
		s.note(&r.pending, noteNoNAS)
	}
	attempt, ticket, refused := r.attempt()
	if refused != dropNone {
		s.note(&r.pending, refused)
		return login.Reject{Reason: login.ReasonBadRequest}, nil
	}
	if len(c.keys) > 1 && r.key == c.keys[1] {
		s.note(&r.pending, noteOldSecret)
	}
	r.patience = c.patience()
	attempt.Via.Patience = max(0, r.patience-(s.now()-r.arrived))
	// An answer for a client that has given up would only use up a code. What
	// is held is bounded by the Conversation itself.
	ctx = s.deadlines.At(ctx, s.start, r.arrived+r.patience)
	if ticket != nil {
		return s.flow.Resume(ctx, attempt, ticket)
	}
	if !r.hasStation() {
		c.peer.counters[noteBeganNowhere].Add(1)
	}
	return s.flow.Begin(ctx, attempt)
}

// conclude answers a request with what was decided.
func (s *Server) conclude(p *pending, step login.Step, err error) {
	if err != nil {
		s.undecided(p, err)
		return
	}
	packet, sent, err := s.compose(p, step)
	if err != nil {
		s.undecided(p, err)
		return
	}
	if p.unsigned && sent != sentReject && p.client.learnUnsigned(len(p.proxies) > 0) {
		s.learn(p.client, false)
	}
	s.settle(p, packet, sent)
}

// undecided ends a request that nothing could be decided about. Silence makes
// the NAS try its next server; it is forgotten, so that a retransmission tries
// again here too.
func (s *Server) undecided(p *pending, err error) {
	t := dropUndecided
	if errors.Is(err, errTooLong) {
		t = dropTooLong
	}
	s.journal.note(t, s.now(), func() []slog.Attr {
		return []slog.Attr{slog.String(login.KeyClient, p.client.Name), slog.Any(login.KeyErr, err)}
	})
	if p.client.OnError == reject {
		if packet, sent, err := s.compose(p, login.Reject{Reason: login.ReasonUnavailable}); err == nil {
			s.settle(p, packet, sent)
			return
		}
	}
	s.abandon(p, t)
}

// settle sends the reply; an Access-Reject only when its time has come. No
// goroutine waits for that.
func (s *Server) settle(p *pending, packet []byte, sent tally) {
	p.settled = true
	if sent == sentReject {
		if wait := s.live.Load().cfg.RejectDelay - (s.now() - p.arrived); wait > 0 {
			s.handlers.Add(1)
			time.AfterFunc(wait, func() {
				defer s.handlers.Done()
				s.release(p, packet, sent)
			})
			return
		}
	}
	s.release(p, packet, sent)
}

// release keeps and sends a reply and gives the request's place back.
func (s *Server) release(p *pending, packet []byte, sent tally) {
	now := s.now()
	if s.replies.answer(p.entry, packet, now) {
		rt := p.route()
		s.put(p.client, packet, p.outlet, &rt, sent, now)
	} else {
		p.client.peer.counters[dropSuperseded].Add(1)
	}
	s.leave(p)
}

// abandon ends a request without a reply.
func (s *Server) abandon(p *pending, t tally) {
	if p.settled {
		return
	}
	p.client.peer.counters[t].Add(1)
	s.end(p)
}

// end forgets a request whose outcome is counted.
func (s *Server) end(p *pending) {
	p.settled = true
	s.replies.forget(p.entry)
	s.leave(p)
}

// leave gives the request's place back.
func (s *Server) leave(p *pending) {
	if p.held {
		s.admission.part(p.client.peer)
	} else {
		s.admission.leave(p.client.peer)
	}
}

// note counts and logs something about a request.
func (s *Server) note(p *pending, t tally) { s.tell(p.client, t, s.now(), p.entry.source.from) }
