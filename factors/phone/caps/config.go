package caps

import (
	"errors"
	"fmt"
)

// A Service is what costs money: messages or calls.
type Service string

// The services, as their sections in the configuration are called.
const (
	SMS  Service = "sms"
	Call Service = "call"
)

// telephone stands for messages and calls together: what one person, and one
// number, gets of both.
const telephone Service = "phone"

// together is what the uses of one person or number are counted as.
func (s Service) together() Service {
	if s == Email {
		return Email
	}
	return telephone
}

// units is what one is counted of, for logs and errors.
func (s Service) units() string {
	switch s {
	case telephone:
		return "messages and calls"
	case Call:
		return "calls"
	default:
		return "messages"
	}
}

// Config are the caps of one service. Its keys are in the section of the
// service.
type Config struct {
	// PerUserHour, PerNumber10Min and PerNumberDay are how many messages and
	// calls one account or number may have had, of both together, for there to
	// be one more of this service.
	PerUserHour    int `mapstructure:"per_user_hour"`
	PerNumber10Min int `mapstructure:"per_number_10min"`
	PerNumberDay   int `mapstructure:"per_number_day"`
	// PerCountryHour and PerDay bound what the service costs, and count its own
	// uses only.
	PerCountryHour int `mapstructure:"per_country_hour"`
	PerDay         int `mapstructure:"per_day"`
	// MinSuccess is the part, in percent, of codes that are entered and of
	// calls that are answered by a key, below which a range of numbers or a
	// country is stopped for an hour; 0 never stops one. MinSuccessAfter is
	// how many of one hour have to be judged by.
	MinSuccess      int `mapstructure:"min_success"`
	MinSuccessAfter int `mapstructure:"min_success_after"`
}

// Max is the highest cap there can be.
const Max = 1_000_000

const (
	maxSuccess = 90
	minJudged  = 10
)

// DefaultConfig returns what holds for keys that are not set. One sign-in can
// be two uses, a message and a call; so there are calls for twice as many uses
// as there are messages for.
func DefaultConfig(s Service) Config {
	c := Config{
		PerUserHour:    5,
		PerNumber10Min: 3,
		PerNumberDay:   10,
		PerCountryHour: 500,
		PerDay:         2000,

		MinSuccess:      10,
		MinSuccessAfter: 50,
	}
	if s == Call {
		c.PerUserHour, c.PerNumber10Min, c.PerNumberDay = 2*c.PerUserHour, 2*c.PerNumber10Min, 2*c.PerNumberDay
	}
	return c
}

// Validate returns all problems.
func (c Config) Validate() error {
	var errs []error
	for _, limit := range []struct {
		key   string
		value int
	}{
		{"per_user_hour", c.PerUserHour},
		{"per_number_10min", c.PerNumber10Min},
		{"per_number_day", c.PerNumberDay},
		{"per_country_hour", c.PerCountryHour},
		{"per_day", c.PerDay},
	} {
		if limit.value < 1 || limit.value > Max {
			errs = append(errs, fmt.Errorf(
				"%s: %d is not between 1 and %d: a cap cannot be switched off, because thieves earn by messages and calls",
				limit.key, limit.value, Max))
		}
	}
	if c.MinSuccess < 0 || c.MinSuccess > maxSuccess {
		errs = append(errs, fmt.Errorf("min_success: %d is not a percentage between 0 and %d: people lose telephones and change their minds",
			c.MinSuccess, maxSuccess))
	}
	if c.MinSuccess > 0 && (c.MinSuccessAfter < minJudged || c.MinSuccessAfter > Max) {
		errs = append(errs, fmt.Errorf("min_success_after: %d is not between %d and %d: fewer say nothing, because one person may not answer several",
			c.MinSuccessAfter, minJudged, Max))
	}
	return errors.Join(errs...)
}
