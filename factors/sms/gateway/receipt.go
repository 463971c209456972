package gateway

import (
	"context"
	"strings"
)

// A State is what has become of a message that a provider took.
type State string

// The states of a message.
const (
	Pending   State = "pending"   // on its way, or nobody knows
	Delivered State = "delivered" // at the telephone
	Failed    State = "failed"    // it will not arrive
)

// A Receipt is a provider's later word on a message that it took.
type Receipt struct {
	// Provider is the provider's name in the configuration.
	Provider string
	// ID is what Send returned for the message.
	ID    string
	State State
	// Detail is the gateway's word for the state, for logs: never a number or
	// a text of a message. See [Detail].
	Detail string
}

// A Reporter is a Provider that its gateway tells what became of messages.
type Reporter interface {
	Provider
	// Report has fn called with each receipt from now on, from any goroutine.
	// It is called once, before the first Send. fn does not block, and takes
	// no notice of messages that it does not know. A receipt may come before
	// Send has returned its message's id.
	Report(fn func(Receipt))
}

// A Poller is a Provider whose gateway has to be asked.
type Poller interface {
	Provider
	// Status asks what has become of a message. An error says nothing of the
	// message and holds what those of Send may hold.
	Status(ctx context.Context, id string) (Receipt, error)
}

// maxDetail bounds what a gateway writes into a log, in octets.
const maxDetail = 48

// Detail makes a gateway's word fit for a log: printable ASCII, cut off, and
// nothing when it has so many digits in a row that it may hold a number or a
// code.
func Detail(word string) string {
	const digitsAllowed = 5
	var b strings.Builder
	digits := 0
	for _, r := range word {
		if r < ' ' || r > '~' {
			continue
		}
		if r < '0' || r > '9' {
			digits = 0
		} else if digits++; digits > digitsAllowed {
			return ""
		}
		if b.Len() < maxDetail {
			b.WriteRune(r)
		}
	}
	return b.String()
}
