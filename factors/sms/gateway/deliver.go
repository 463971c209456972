package gateway

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/portvakt/portvakt/factors/fault"
	"github.com/portvakt/portvakt/login"
)

const (
	// A status is asked for soon, since the person is waiting, and then less
	// and less often.
	pollFirst = 2 * time.Second
	pollMost  = 30 * time.Second
	maxPolls  = 16 // at the same time
)

// following is the part of a Chain that goes on behind Deliver.
type following struct {
	pending pending
	polls   chan struct{}

	mu     sync.Mutex
	closed bool
	wg     sync.WaitGroup
}

// start runs fn in a goroutine that Close waits for; not at all after it.
func (f *following) start(fn func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.closed {
		f.wg.Go(fn)
	}
}

func (f *following) end() {
	f.mu.Lock()
	f.closed = true
	f.mu.Unlock()
	f.pending.clear()
	f.wg.Wait()
}

// Deliver is Send, and goes on behind it while the message is of use: when the
// provider that took it tells that it failed, or does not tell that it was
// delivered, the same text goes through the next one, each provider once.
func (c *Chain) Deliver(ctx context.Context, m Message) error {
	ctx, cancel := context.WithTimeout(ctx, Overall)
	defer cancel()
	return c.forward(ctx, &delivery{m: m, used: make(map[*link]bool)})
}

// forward hands the message to the first provider that takes it, of those it
// was not given to yet.
func (c *Chain) forward(ctx context.Context, d *delivery) error {
	tried, fits := false, false
	for _, l := range c.links {
		if d.used[l] || !l.reaches(d.m.To) {
			continue
		}
		fits = true
		if ctx.Err() != nil {
			return &NotSent{Reason: "no time left for another provider"}
		}
		if !l.breaker.Enter() {
			continue
		}
		tried, d.used[l] = true, true
		id, err := c.try(ctx, l, d.m.To, d.m.Text)
		switch {
		case err == nil:
			c.follow(d, l, id) //nolint:contextcheck // goes on when the login has been answered
			return nil
		case !Unsent(err):
			c.doubt(d, l) //nolint:contextcheck // goes on when the login has been answered
			return err
		}
	}
	switch {
	case !fits:
		return &NotSent{Reason: "no provider is left for numbers that begin so"}
	case !tried:
		return &NotSent{Reason: "every provider is paused after failures", Down: true}
	}
	return &NotSent{Reason: "no provider took the message"}
}

// follow waits for the receipt of a message that a provider took.
func (c *Chain) follow(d *delivery, l *link, id string) {
	left := time.Until(d.m.Until)
	if id == "" || left <= 0 || !l.reports && l.poller == nil {
		return
	}
	n := name{l.Name(), id}
	before, ok := c.pending.add(d, n)
	if !ok {
		c.log.LogAttrs(context.Background(), slog.LevelDebug, "receipts of this message are not waited for",
			slog.String(login.KeyProvider, l.Name()))
		return
	}
	if before.ID != "" {
		c.receive(before)
	}
	c.pending.keep(d, time.AfterFunc(left, func() { c.pending.forget(d) }))
	c.limit(d, n, left)
	if l.poller != nil {
		c.pollIn(pollFirst, d, n, l)
	}
}

// doubt follows a message of which nobody knows whether it was sent. It has no
// id, so that only the limit can end the waiting.
func (c *Chain) doubt(d *delivery, l *link) {
	left := time.Until(d.m.Until)
	if !l.reports && l.poller == nil || d.m.Within <= 0 || d.m.Within >= left {
		return
	}
	n := name{l.Name(), fmt.Sprintf("no id %p", d)} // no gateway's id has a space
	if _, ok := c.pending.add(d, n); ok {
		c.pending.keep(d, time.AfterFunc(left, func() { c.pending.forget(d) }))
		c.limit(d, n, left)
	}
}

// limit moves the message on when its provider has not delivered it in time.
func (c *Chain) limit(d *delivery, n name, left time.Duration) {
	if d.m.Within <= 0 || d.m.Within >= left {
		return
	}
	c.pending.keep(d, time.AfterFunc(d.m.Within, func() {
		if c.pending.late(d, n) {
			c.log.LogAttrs(context.Background(), slog.LevelWarn, "message not delivered in time",
				slog.String(login.KeyProvider, n.provider), slog.String(login.KeyTook, d.m.Within.String()))
			c.start(func() { c.again(d) })
		}
	}))
}

// receive takes the receipts of all providers.
func (c *Chain) receive(r Receipt) {
	d, move, delivered := c.pending.settle(r)
	attrs := []slog.Attr{slog.String(login.KeyProvider, r.Provider), slog.String(login.KeyDetail, r.Detail)}
	switch {
	case delivered:
		c.log.LogAttrs(context.Background(), slog.LevelDebug, "message delivered", attrs...)
		d.m.fate(Delivered)
	case move:
		c.log.LogAttrs(context.Background(), slog.LevelWarn, "message not delivered", attrs...)
		c.start(func() { c.again(d) })
	}
}

// again sends a message that did not arrive through the next provider.
func (c *Chain) again(d *delivery) {
	ctx, cancel := context.WithTimeout(context.Background(), Overall)
	defer cancel()
	err := c.left(d)
	if err == nil && d.m.Again != nil {
		err = d.m.Again(ctx)
		if err != nil {
			err = &NotSent{Reason: err.Error()}
		}
	}
	if err == nil {
		err = c.forward(ctx, d)
	}
	if Unsent(err) {
		d.m.fate(Failed)
	}
}

// left returns an error when there is no provider to send through, so that
// nothing is counted for it.
func (c *Chain) left(d *delivery) error {
	for _, l := range c.links {
		if !d.used[l] && l.reaches(d.m.To) && l.breaker.Ready() {
			return nil
		}
	}
	return &NotSent{Reason: "no other provider"}
}

// pollIn asks for the state of a message after a while, until it is known or
// of no use.
func (c *Chain) pollIn(wait time.Duration, d *delivery, n name, l *link) {
	c.pending.keep(d, time.AfterFunc(wait, func() {
		c.start(func() {
			if !c.pending.waits(n) {
				return
			}
			if c.poll(n, l) != Failed && c.pending.waits(n) {
				c.pollIn(min(wait*3/2, pollMost), d, n, l)
			}
		})
	}))
}

func (c *Chain) poll(n name, l *link) State {
	select {
	case c.polls <- struct{}{}:
		defer func() { <-c.polls }()
	default:
		return Pending // next time
	}
	ctx, cancel := context.WithTimeout(context.Background(), l.timeout)
	defer cancel()
	var r Receipt
	var err error
	if broken := fault.Guard(c.log, func() { r, err = l.poller.Status(ctx, n.id) }); broken != nil {
		err = broken
	}
	if err != nil {
		c.log.LogAttrs(ctx, slog.LevelDebug, "state of a message not known", slog.String(login.KeyProvider, n.provider),
			slog.String(login.KeyErr, err.Error()))
		return Pending
	}
	r.Provider, r.ID = n.provider, n.id
	c.receive(r)
	return r.State
}
