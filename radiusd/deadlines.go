package radiusd

import (
	"context"
	"sync"
	"time"
)

// deadlineStep is how far apart deadlines are at least: requests whose patience
// ends between two of them share one context, which ends at the earlier. A timer
// and a context for each request cost more than all of its hashes.
const deadlineStep = 50 * time.Millisecond

// deadlines are contexts that requests share. None is cancelled when a request
// ends: it ends with its time, or with its parent.
type deadlines struct {
	mu     sync.RWMutex
	parent context.Context //nolint:containedctx // of all of them
	by     map[int64]context.Context
}

// at returns a context that ends at a time of the server's clock, or up to
// [deadlineStep] before.
func (d *deadlines) at(parent context.Context, start time.Time, end time.Duration) context.Context {
	n := int64(end / deadlineStep)
	d.mu.RLock()
	ctx, ok := d.by[n]
	ok = ok && d.parent == parent
	d.mu.RUnlock()
	if ok {
		return ctx
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.parent != parent {
		d.parent, d.by = parent, map[int64]context.Context{}
	}
	if ctx, ok := d.by[n]; ok {
		return ctx
	}
	for i, old := range d.by {
		if old.Err() != nil {
			delete(d.by, i)
		}
	}
	ctx, cancel := context.WithDeadline(parent, start.Add(time.Duration(n)*deadlineStep))
	if ctx.Err() != nil {
		cancel() // it has ended, and need not be kept
		return ctx
	}
	d.by[n] = ctx
	context.AfterFunc(ctx, cancel)
	return ctx
}
