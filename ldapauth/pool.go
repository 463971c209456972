package ldapauth

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"
)

// Bounds of pools.
const (
	waitersPerConn = 32          // logins that may wait, for each connection
	idleFor        = time.Minute // below what firewalls and directories end silently
	// peekAfter is how long a connection may lie before it is asked whether it
	// still stands: under load that would be a system call for nothing.
	peekAfter = 10 * time.Millisecond
)

var (
	errBusy   = errors.New("ldapauth: too many logins wait for a connection")
	errClosed = errors.New("ldapauth: closed")
	errDown   = errors.New("ldapauth: server is down")
)

// A pool lends connections to one server, at most a fixed number. Those who
// must wait are bounded too: when a directory stalls, new logins are told at
// once, which a RADIUS client can do something with.
type pool struct {
	dial    func(ctx context.Context, deadline time.Time) (*conn, error)
	up      func() bool
	slots   chan struct{}
	waiting atomic.Int64
	mu      sync.Mutex
	free    []*conn // the one used last at the end
	closed  bool
}

func newPool(n int, up func() bool, dial func(context.Context, time.Time) (*conn, error)) *pool {
	return &pool{dial: dial, up: up, slots: make(chan struct{}, n)}
}

// get waits for a place and returns a connection in order; give it back with
// put.
func (p *pool) get(ctx context.Context, deadline time.Time) (*conn, error) {
	select {
	case p.slots <- struct{}{}:
	default:
		if err := p.wait(ctx, deadline); err != nil {
			return nil, err
		}
	}
	for {
		c, err := p.pop()
		if err == nil && c == nil {
			c, err = p.dial(ctx, deadline)
		} else if err == nil && time.Since(c.idle) > peekAfter && !c.peek() {
			c.broken = true
			c.close()
			continue
		}
		if err != nil {
			<-p.slots
			return nil, err
		}
		return c, nil
	}
}

func (p *pool) wait(ctx context.Context, deadline time.Time) error {
	defer p.waiting.Add(-1)
	if p.waiting.Add(1) > int64(waitersPerConn*cap(p.slots)) {
		return errBusy
	}
	late := time.NewTimer(time.Until(deadline))
	defer late.Stop()
	select {
	case p.slots <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	case <-late.C:
		return errBusy
	}
	// While this login waited the server may have been found to be down.
	if !p.up() {
		<-p.slots
		return errDown
	}
	return nil
}

func (p *pool) pop() (*conn, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil, errClosed
	}
	if len(p.free) == 0 {
		return nil, nil //nolint:nilnil // none is free and none is wrong
	}
	c := p.free[len(p.free)-1]
	p.free = p.free[:len(p.free)-1]
	return c, nil
}

// put gives a connection back; one that is not in order is closed.
func (p *pool) put(c *conn) {
	keep := c.reusable()
	if keep {
		if len(c.in) > keptBuffer {
			c.in = make([]byte, firstBuffer)
			c.r, c.w = 0, 0
		}
		c.idle = time.Now()
		p.mu.Lock()
		if keep = !p.closed; keep {
			p.free = append(p.free, c)
		}
		p.mu.Unlock()
	}
	if !keep {
		c.close()
	}
	<-p.slots
}

// reap closes connections that nobody used since before.
func (p *pool) reap(before time.Time) {
	p.mu.Lock()
	var n int
	for n < len(p.free) && p.free[n].idle.Before(before) {
		n++
	}
	old := append([]*conn(nil), p.free[:n]...)
	p.free = append(p.free[:0], p.free[n:]...)
	p.mu.Unlock()
	for _, c := range old {
		c.close()
	}
}

// close ends the pool; connections that are lent are closed when they come
// back.
func (p *pool) close() {
	p.mu.Lock()
	free := p.free
	p.free, p.closed = nil, true
	p.mu.Unlock()
	for _, c := range free {
		c.close()
	}
}
