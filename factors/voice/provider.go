package voice

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/portvakt/portvakt/factors/phone"
	"github.com/portvakt/portvakt/factors/voice/prompts"
	"github.com/portvakt/portvakt/login"
)

// A Provider rings telephones: the organisation's own exchange, or a service.
// It is safe for concurrent use.
type Provider interface {
	// Name is the provider's name in the configuration.
	Name() string
	// Call rings one telephone and returns when the call is over and hung up,
	// or soon after ctx ends. nil and every error of c.Keys are the person's
	// answer; a [*Failure] is why there was none.
	Call(ctx context.Context, c *Call) error
	// Check reports whether a call could be placed now, without ringing
	// anybody: for "portvakt check".
	Check(ctx context.Context) error
	Close() error
}

// A Call is one call to place.
type Call struct {
	// Reference is the login it belongs to, for logs.
	Reference string
	// To is the number, with its extension when it has one.
	To phone.Number
	// Language is the language of the messages, a BCP 47 tag.
	Language string
	// Prompt is said after the answer, again after a pause, until the call
	// ends.
	Prompt prompts.Message
	// Ending is what is said before hanging up, after that answer; a zero
	// Message says nothing.
	Ending func(err error) prompts.Message
	// Again is said when # was pressed and the call is not decided by it: what
	// was keyed is not what was asked for.
	Again prompts.Message
	// Keys is given each key (0-9, * and #) in order, none before the prompt
	// has begun (attack: a voicemail box or another device that sends tones by
	// itself). It returns true when the call is decided, and how. nil when the
	// call only tells something: then it ends when the prompt was said twice.
	Keys func(key byte) (decided bool, answer error)
	// OneKey is whether # alone approves: no digits to match and no PIN. Some
	// services know no more than one key, and refuse calls that need others.
	OneKey bool
	// Ring is how long it may ring; Talk how long it may last after the
	// answer.
	Ring, Talk time.Duration
	// Trace is for the log: a provider fills in what it knows, before Call
	// returns.
	Trace Trace
}

// A Trace is how a call went, beside its outcome.
type Trace struct {
	// Status is the exchange's last answer to the call, as SIP counts answers;
	// 0 when there was none.
	Status int
	// Keys is how the last key came: "rfc4733", "inband" or "info"; empty when
	// none came, or the provider does not know.
	Keys string
}

// Why a call brought no answer.
type Why string

// The reasons of a Failure.
const (
	WhyBusy        Why = "busy"
	WhyNoAnswer    Why = "no_answer"
	WhyNoKey       Why = "no_key" // answered, by voicemail perhaps, and nothing decided
	WhyUnreachable Why = "unreachable"
	WhyRefused     Why = "refused"     // by the exchange: credentials, rights, its own limits
	WhyUnavailable Why = "unavailable" // the exchange does not answer or has no lines
	WhyMedia       Why = "media"       // no common codec, or no sound came
	WhyStopped     Why = "stopped"     // ctx ended
)

// A Failure is a call without an answer. A person who hangs up has answered:
// that is [login.ErrDenied].
type Failure struct {
	Why Why
	// Rang is whether a telephone may have rung. Only when certainly none has
	// is the call placed again through the next provider: one sign-in rings
	// once.
	Rang bool
	Err  error
}

// Error names the reason and the cause.
func (f *Failure) Error() string {
	if f.Err == nil {
		return string(f.Why)
	}
	return fmt.Sprintf("%s: %v", f.Why, f.Err)
}

// Unwrap returns the cause.
func (f *Failure) Unwrap() error { return f.Err }

// Outcome is how a call that asks something ended, in a word: "approved",
// "denied", "fraud", or why there was no answer.
func Outcome(err error) string {
	f, ok := errors.AsType[*Failure](err)
	switch {
	case ok:
		return string(f.Why)
	case err == nil:
		return "approved"
	case errors.Is(err, login.ErrFraud):
		return "fraud"
	case errors.Is(err, login.ErrDenied):
		return "denied"
	}
	return "unknown"
}

// Unrung reports whether err says that certainly no telephone rang.
func Unrung(err error) bool {
	f, ok := errors.AsType[*Failure](err)
	return ok && !f.Rang
}
