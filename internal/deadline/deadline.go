package deadline

import (
	"context"
	"sync"
	"time"
)

// Step is how far apart deadlines are at least: those between two share one
// context, which ends at the earlier.
const Step = 50 * time.Millisecond

// Contexts are shared. None is cancelled when what was done in it ends: it ends
// with its time, or with its parent. The zero value is ready, and safe for
// concurrent use.
type Contexts struct {
	mu     sync.RWMutex
	parent context.Context //nolint:containedctx // of all of them
	by     map[int64]context.Context
}

// At returns a context that ends at a time since start, or up to [Step] before.
// The start is always the same one.
func (d *Contexts) At(parent context.Context, start time.Time, end time.Duration) context.Context {
	n := int64(end / Step)
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
	ctx, cancel := context.WithDeadline(parent, start.Add(time.Duration(n)*Step))
	if ctx.Err() != nil {
		cancel() // it has ended, and need not be kept
		return ctx
	}
	d.by[n] = ctx
	context.AfterFunc(ctx, cancel)
	return ctx
}
