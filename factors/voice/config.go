package voice

import (
	"errors"
	"fmt"
	"time"

	"github.com/portvakt/portvakt/factors/phone/book"
	"github.com/portvakt/portvakt/factors/phone/caps"
	"github.com/portvakt/portvakt/factors/voice/prompts"
)

// Config is the section [call] but for its providers.
type Config struct {
	Numbers book.Config    `mapstructure:",squash"`
	Caps    caps.Config    `mapstructure:",squash"`
	Speech  prompts.Config `mapstructure:",squash"`

	// Match, which is on by default, is whether the person must key two digits
	// that her client shows, where it can show any and her rule says nothing of
	// calls.
	Match bool `mapstructure:"match"`
	// Ring is how long a telephone rings, Talk how long a call may last after
	// the answer.
	Ring time.Duration `mapstructure:"ring"`
	Talk time.Duration `mapstructure:"talk"`
	// MaxCalls is how many calls there are at one time; others wait for a free
	// line, for Queue at most.
	MaxCalls int           `mapstructure:"max_calls"`
	Queue    time.Duration `mapstructure:"queue"`
	// FraudLock is how long the password of somebody who has pressed 0# may
	// not be tried.
	FraudLock time.Duration `mapstructure:"fraud_lock"`
}

// DefaultConfig has the values of keys that are not set.
func DefaultConfig() Config {
	return Config{
		Caps:      caps.DefaultConfig(caps.Call),
		Speech:    prompts.DefaultConfig(),
		Match:     true,
		Ring:      30 * time.Second,
		Talk:      40 * time.Second,
		MaxCalls:  30,
		Queue:     10 * time.Second,
		FraudLock: time.Hour,
	}
}

// Limits of the keys.
const (
	// longest is what the Flow gives one telephone, from the queue to the last
	// word, less what ringing off takes.
	longest          = 115 * time.Second
	minRing, maxRing = 5 * time.Second, 60 * time.Second
	minTalk, maxTalk = 10 * time.Second, 50 * time.Second
	maxCalls         = 100_000
	maxQueue         = time.Minute
	maxFraudLock     = 30 * 24 * time.Hour
)

// Validate returns all problems.
func (c Config) Validate() error {
	errs := []error{c.Numbers.Validate(), c.Caps.Validate(), c.Speech.Validate()}
	span := func(key string, v, least, most time.Duration) {
		if v < least || v > most {
			errs = append(errs, fmt.Errorf("%s: %v is not between %v and %v", key, v, least, most))
		}
	}
	span("ring", c.Ring, minRing, maxRing)
	span("talk", c.Talk, minTalk, maxTalk)
	span("queue", c.Queue, 0, maxQueue)
	if all := c.Queue + c.Ring + c.Talk; all > longest {
		errs = append(errs, fmt.Errorf("queue: with ring and talk it is %v, and a call is given up after %v: make one of them shorter", all, longest))
	}
	span("fraud_lock", c.FraudLock, 0, maxFraudLock)
	if c.MaxCalls < 1 || c.MaxCalls > maxCalls {
		errs = append(errs, fmt.Errorf("max_calls: %d is not between 1 and %d: it is how many lines the exchange gives us", c.MaxCalls, maxCalls))
	}
	return errors.Join(errs...)
}
