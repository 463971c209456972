package voice

import (
	"context"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/portvakt/portvakt/login"
)

// A Rehearsal is a provider that calls nobody: it writes what would be said,
// and presses the keys that its configuration tells. It is for trying out.
type Rehearsal struct {
	// Title is its name in the configuration.
	Title string
	// Press are the keys pressed after the answer, none for a person who does
	// not answer; After is how long that takes.
	Press string
	After time.Duration

	mu  sync.Mutex
	out io.Writer
}

// NewRehearsal makes one that writes to out.
func NewRehearsal(name, press string, after time.Duration, out io.Writer) *Rehearsal {
	return &Rehearsal{Title: name, Press: press, After: after, out: out}
}

var _ Provider = (*Rehearsal)(nil)

// Name is the provider's name in the configuration.
func (r *Rehearsal) Name() string { return r.Title }

// Call writes what would be said and presses the keys.
func (r *Rehearsal) Call(ctx context.Context, c *Call) error {
	r.mu.Lock()
	_, err := fmt.Fprintf(r.out, "call to %s: %s\n", c.To.Masked(), c.Prompt.Text)
	r.mu.Unlock()
	if err != nil {
		return &Failure{Why: WhyUnavailable, Err: err}
	}
	wait := r.After
	if r.Press == "" && c.Keys != nil {
		wait = c.Ring
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return &Failure{Why: WhyStopped, Rang: true, Err: ctx.Err()}
	case <-timer.C:
	}
	if c.Keys == nil {
		return nil
	}
	if r.Press == "" {
		return &Failure{Why: WhyNoAnswer, Rang: true}
	}
	for i := range len(r.Press) {
		if decided, answer := c.Keys(r.Press[i]); decided {
			return answer
		}
	}
	return login.ErrDenied
}

// Check has nothing to look at.
func (r *Rehearsal) Check(context.Context) error { return nil }

// Close does nothing.
func (r *Rehearsal) Close() error { return nil }
