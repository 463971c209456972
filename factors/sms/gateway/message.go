package gateway

import (
	"context"
	"time"

	"github.com/portvakt/portvakt/factors/phone"
)

// A Message is one text message, and what is to be done when a gateway tells
// later that it did not arrive.
type Message struct {
	To   phone.Number
	Text string
	// Until is when the message is worth nothing any more. Receipts are looked
	// at until then; with the zero time there are none.
	Until time.Time
	// Within is how soon a provider that tells of deliveries has to, or the
	// message goes through the next one; 0 waits for a failure only.
	Within time.Duration
	// Again is asked before the message goes through another provider because
	// of a receipt: it costs once more, and may be needed no more. An error
	// ends it. It may be nil.
	Again func(ctx context.Context) error
	// Fate is told Delivered, and Failed when no provider is left; the first
	// may come after the second. It is called from any goroutine, does not
	// block, and may be nil.
	Fate func(State)
}

func (m Message) fate(s State) {
	if m.Fate != nil {
		m.Fate(s)
	}
}
