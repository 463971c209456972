package code

import (
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/portvakt/portvakt/login"
)

// A Courier hands messages over for a factor, and decides when the question can
// be put.
type Courier struct {
	// Factor begins its errors.
	Factor string
	// AskAfter is when the question is put although nobody has answered yet.
	AskAfter time.Duration
	// Unsent reports whether an error says that a message was certainly not
	// sent; after any other it may have been.
	Unsent func(error) bool
	// Go runs what nobody waits for.
	Go  func(func())
	Log *slog.Logger
}

// Deliver has a message sent and returns when that has ended, or after AskAfter
// while it goes on. It returns an error only when the message was certainly not
// sent or the caller has gone. late is called when it turns out not to be sent
// after the question was put; it may be nil.
func (c *Courier) Deliver(ctx context.Context, account slog.Attr, send func(context.Context) error, late func()) error {
	answered := make(chan error, 1)
	var settled atomic.Bool // by the end of sending, or by putting the question
	c.Go(func() {
		// A message that was begun is finished: cutting it off would only
		// make it unknown whether it was sent.
		going := context.WithoutCancel(ctx)
		err := send(going)
		if settled.CompareAndSwap(false, true) {
			answered <- err
		} else if c.Unsent(err) {
			if late != nil {
				late()
			}
			c.Log.LogAttrs(going, slog.LevelWarn, "message not sent, but the question was put already", account, slog.Any(login.KeyErr, err))
		}
	})
	timer := time.NewTimer(c.AskAfter)
	defer timer.Stop()
	select {
	case err := <-answered:
		return c.outcome(ctx, err, account)
	case <-ctx.Done():
		return fmt.Errorf("%s: %w", c.Factor, ctx.Err())
	case <-timer.C:
	}
	if settled.CompareAndSwap(false, true) {
		return nil
	}
	return c.outcome(ctx, <-answered, account)
}

func (c *Courier) outcome(ctx context.Context, err error, account slog.Attr) error {
	switch {
	case err == nil:
		return nil
	case c.Unsent(err):
		return fmt.Errorf("%s: %w", c.Factor, err)
	default:
		c.Log.LogAttrs(ctx, slog.LevelWarn, "message may have been sent, the question is put", account, slog.Any(login.KeyErr, err))
		return nil
	}
}
