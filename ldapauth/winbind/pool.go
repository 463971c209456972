package winbind

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/portvakt/portvakt/login"
)

// maxHelpers is how many helpers run at most. winbindd itself asks a controller
// for one thing at a time on each connection.
const maxHelpers = 4

// A Pool has proofs checked. Its methods may be called at the same time.
type Pool struct {
	argv    []string
	timeout time.Duration
	places  chan struct{} // one for each helper in use or idle

	mu     sync.Mutex
	idle   []*helper
	closed bool
	inUse  sync.WaitGroup
}

var errClosed = errors.New("winbind: closed")

// New makes a Pool of a program and its arguments. Nothing is started before
// the first question. A question may take as long as timeout.
func New(argv []string, timeout time.Duration) *Pool {
	return &Pool{argv: argv, timeout: timeout, places: make(chan struct{}, maxHelpers)}
}

// Check has the answer to a challenge checked, and returns the MD4 of the
// user's NT hash when it is right. A [*login.Refusal] is the domain's no; any
// other error decides nothing.
func (p *Pool) Check(ctx context.Context, user string, challenge [8]byte, response [24]byte) (key [16]byte, err error) {
	ctx, cancel := context.WithTimeout(ctx, p.timeout)
	defer cancel()
	if err := p.place(ctx); err != nil {
		return key, err
	}
	defer func() { <-p.places }()
	a, err := p.ask(ctx, proof{user, challenge, response})
	switch {
	case err != nil:
		return key, err
	case a.yes && !a.keyed:
		return key, errNoKey
	case a.yes:
		return a.key, nil
	}
	return key, verdict(a.why)
}

// place waits until one more helper may be in use; it is given back by taking
// one out of places.
func (p *Pool) place(ctx context.Context) error {
	select {
	case p.places <- struct{}{}:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("wait for a helper: %w", ctx.Err())
	}
}

// ask asks an idle helper, or a new one. One that has ended since its last
// answer is replaced once.
func (p *Pool) ask(ctx context.Context, q question) (answer, error) {
	for {
		h, err := p.take()
		if err != nil {
			return answer{}, err
		}
		before := h.asked
		a, err := p.askOn(ctx, h, q)
		if err == nil {
			p.put(h)
			return a, nil
		}
		h.end()
		p.inUse.Done()
		if !before || ctx.Err() != nil {
			return answer{}, err
		}
	}
}

// askOn asks one helper until the context ends.
func (p *Pool) askOn(ctx context.Context, h *helper, q question) (answer, error) {
	deadline, _ := ctx.Deadline()
	stop := context.AfterFunc(ctx, func() {
		_, _ = h.in.SetWriteDeadline(time.Unix(1, 0)), h.out.SetReadDeadline(time.Unix(1, 0))
	})
	a, err := h.ask(q, deadline)
	if !stop() && err == nil {
		err = ctx.Err() // it may hold a deadline in the past now
	}
	return a, err
}

// enter has Close wait for a helper, until inUse is told; false when it has
// begun.
func (p *Pool) enter() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.closed {
		p.inUse.Add(1)
	}
	return !p.closed
}

func (p *Pool) take() (*helper, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil, errClosed
	}
	p.inUse.Add(1)
	if n := len(p.idle); n > 0 {
		h := p.idle[n-1]
		p.idle = p.idle[:n-1]
		return h, nil
	}
	h, err := start(p.argv)
	if err != nil {
		p.inUse.Done()
	}
	return h, err
}

func (p *Pool) put(h *helper) {
	p.mu.Lock()
	defer p.mu.Unlock()
	defer p.inUse.Done()
	if p.closed {
		h.end()
		return
	}
	p.idle = append(p.idle, h)
}

// Close ends the helpers. Questions under way are answered first.
func (p *Pool) Close() {
	p.mu.Lock()
	p.closed = true
	idle := p.idle
	p.idle = nil
	p.mu.Unlock()
	for _, h := range idle {
		h.end()
	}
	p.inUse.Wait()
}

// Try asks about a name that nobody has, and returns what keeps answers from
// coming.
func (p *Pool) Try(ctx context.Context) error {
	_, err := p.Check(ctx, "portvakt-check-nobody", [8]byte{}, [24]byte{})
	if login.Refused(err) != "" {
		return nil
	}
	if err == nil {
		return errors.New("winbind: the domain knows a person that nobody is: no answer of it is believed")
	}
	return err
}
