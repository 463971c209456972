package gateway

import (
	"context"
	"fmt"
	"io"
	"sync"

	"github.com/portvakt/portvakt/factors/phone"
)

// A logProvider writes messages where somebody can read them. It is for tests
// and demonstrations: who reads the log has everybody's second factor.
type logProvider struct {
	name string
	mu   sync.Mutex
	out  io.Writer
}

func (p *logProvider) Name() string { return p.name }

func (p *logProvider) Send(_ context.Context, to phone.Number, text string) (string, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, err := fmt.Fprintf(p.out, "SMS to %s: %s\n", to.Masked(), text); err != nil {
		return "", &NotSent{Reason: "the log cannot be written", Down: true}
	}
	return "", nil
}
