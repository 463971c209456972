package gateway

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/portvakt/portvakt/factors/phone"
)

// A Provider hands one message to somebody who sends it. One that keeps
// connections has a Close as well, of [io.Closer], which waits for its
// goroutines; the chain calls it. See [Reporter] and [Poller] for those that
// know more later.
type Provider interface {
	// Name is the provider's name in the configuration.
	Name() string
	// Send returns no error when the message was accepted for sending. A
	// [*NotSent] means that it certainly was not; any other error that nobody
	// knows. Errors hold no number, text, URL or secret. The id is the
	// gateway's name of an accepted message, by which receipts come; empty
	// when there is none.
	Send(ctx context.Context, to phone.Number, text string) (id string, err error)
}

// closing closes a provider that has a Close.
func closing(p Provider) error {
	if c, ok := p.(io.Closer); ok {
		return c.Close()
	}
	return nil
}

// A NotSent says that a message was certainly not sent, so that another
// provider may try.
type NotSent struct {
	// Reason is for the log.
	Reason string
	// Down is whether the fault is the provider's and the next message would
	// fare no better.
	Down bool
	// Pause is how long the provider wants to be left alone; 0 when it has not
	// said.
	Pause time.Duration
}

// Error gives the reason.
func (e *NotSent) Error() string { return "not sent: " + e.Reason }

// Unsent reports whether err says that the message was certainly not sent.
func Unsent(err error) bool {
	var not *NotSent
	return errors.As(err, &not)
}
