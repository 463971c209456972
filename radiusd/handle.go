package radiusd

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/portvakt/portvakt/login"
)

// maxIdle is how many goroutines wait for another request when theirs is done.
// It saves them growing a new stack each time; it does not bound how many there
// are, the admission does.
const maxIdle = 64

// dispatch gives a request a goroutine of its own: one that is idle, or a new
// one.
func (s *Server) dispatch(ctx context.Context, r *request) {
	select {
	case s.requests <- r:
	default:
		s.handlers.Go(func() { s.work(ctx, r) })
	}
}

func (s *Server) work(ctx context.Context, r *request) {
	for ok := true; ok; {
		s.handle(ctx, r)
		if s.idle.Add(1) > maxIdle {
			s.idle.Add(-1)
			return
		}
		r, ok = <-s.requests
		s.idle.Add(-1)
	}
}

// handle answers one request in its goroutine.
func (s *Server) handle(ctx context.Context, r *request) {
	defer func() {
		if v := recover(); v != nil {
			s.logPanic(v, r.client.Name)
			s.abandon(r, dropPanic)
		}
	}()
	unsigned := r.key == nil
	step, err := s.decide(ctx, r)
	if err != nil {
		s.undecided(r, err)
		return
	}
	packet, sent, err := s.compose(r, step)
	if err != nil {
		s.undecided(r, err)
		return
	}
	if unsigned && sent != sentReject && r.client.learnUnsigned(&r.outline) {
		s.learn(r.client, false)
	}
	s.settle(r, packet, sent)
}

// decide asks the Conversation, unless the packet cannot be right.
func (s *Server) decide(ctx context.Context, r *request) (login.Step, error) {
	c := r.client
	if !r.outline.nas {
		s.note(r, noteNoNAS)
	}
	attempt, ticket, refused := r.attempt()
	if refused != dropNone {
		s.note(r, refused)
		return login.Reject{Reason: login.ReasonBadRequest}, nil
	}
	if len(c.keys) > 1 && r.key == c.keys[1] {
		s.note(r, noteOldSecret)
	}
	// An answer for a client that has given up would only use up a code.
	ctx, cancel := context.WithTimeout(ctx, c.Patience)
	defer cancel()
	if ticket != nil {
		return s.flow.Resume(ctx, attempt, ticket)
	}
	return s.flow.Begin(ctx, attempt)
}

// undecided ends a request that nothing could be decided about. Silence makes
// the NAS try its next server; it is forgotten, so that a retransmission tries
// again here too.
func (s *Server) undecided(r *request, err error) {
	t := dropUndecided
	if errors.Is(err, errTooLong) {
		t = dropTooLong
	}
	s.journal.note(t, s.now(), func() []slog.Attr {
		return []slog.Attr{slog.String(login.KeyClient, r.client.Name), slog.Any(login.KeyErr, err)}
	})
	if r.client.OnError == reject {
		if packet, sent, err := s.compose(r, login.Reject{Reason: login.ReasonUnavailable}); err == nil {
			s.settle(r, packet, sent)
			return
		}
	}
	s.abandon(r, t)
}

// settle sends the reply; an Access-Reject only when its time has come. No
// goroutine waits for that.
func (s *Server) settle(r *request, packet []byte, sent tally) {
	r.settled = true
	if sent == sentReject {
		if wait := s.live.Load().cfg.RejectDelay - (s.now() - r.arrived); wait > 0 {
			s.handlers.Add(1)
			time.AfterFunc(wait, func() {
				defer s.handlers.Done()
				s.release(r, packet, sent)
			})
			return
		}
	}
	s.release(r, packet, sent)
}

// release keeps and sends a reply and gives the request's place back.
func (s *Server) release(r *request, packet []byte, sent tally) {
	now := s.now()
	if s.replies.answer(r.entry, packet, now) {
		s.put(r.client, packet, r.socket, &r.route, sent, now)
	} else {
		r.client.peer.counters[dropSuperseded].Add(1)
	}
	s.admission.leave(r.client.peer)
}

// abandon ends a request without a reply.
func (s *Server) abandon(r *request, t tally) {
	if r.settled {
		return
	}
	r.settled = true
	s.replies.forget(r.entry)
	r.client.peer.counters[t].Add(1)
	s.admission.leave(r.client.peer)
}

// note counts and logs something about a request.
func (s *Server) note(r *request, t tally) { s.tell(r.client, t, s.now(), r.route.to) }
