package radiusd

import (
	"cmp"
	"context"
	"log/slog"

	"github.com/portvakt/portvakt/login"
)

// shadowShare is the part of what the server may have in hand that one client
// of copies may have, unless it has a limit of its own: copies must not keep
// people out.
const shadowShare = 4

// mayHave is how many requests of a client may be in hand.
func (s *Server) mayHave(c *client) int {
	if c.shadow == login.ShadowOff {
		return c.MaxRequests
	}
	return cmp.Or(c.MaxRequests, s.live.Load().cfg.MaxRequests/shadowShare)
}

// rehearse takes the copy of a request that another server answers. What it
// teaches of the client is not learned: whoever copies is not the product.
func (s *Server) rehearse(ctx context.Context, r *request) {
	attempt, ticket, refused := r.attempt()
	var err error
	switch {
	case refused != dropNone:
		s.note(&r.pending, refused)
	case ticket != nil:
		// The answer to a question of the other server: nothing to decide.
	default:
		ctx = s.deadlines.At(ctx, s.start, r.arrived+r.client.patience())
		err = s.flow.Rehearse(ctx, attempt)
	}
	if err != nil {
		s.journal.note(dropUndecided, s.now(), func() []slog.Attr {
			return []slog.Attr{slog.String(login.KeyClient, r.client.Name), slog.Any(login.KeyErr, err)}
		})
		s.abandon(&r.pending, dropUndecided)
		return
	}
	// Kept as if it had been answered, so that the same packet again is not told
	// twice; put sends nothing.
	s.settle(&r.pending, []byte{}, dropShadow)
}
