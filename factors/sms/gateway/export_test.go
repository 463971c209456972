package gateway

import "log/slog"

// Build is one provider of a chain.
var Build = build

// Chained makes a Chain of providers with [DefaultTimeout] each.
func Chained(log *slog.Logger, providers ...Provider) *Chain {
	c := newChain(log)
	for _, p := range providers {
		c.add(&link{Provider: p, timeout: DefaultTimeout})
	}
	return c
}

func (p *pending) len() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.all)
}
