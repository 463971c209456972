package caps

import (
	"errors"
	"fmt"
)

// A Service is what costs money: messages or calls. Each has caps of its own.
type Service string

// The services, as their sections in the configuration are called.
const (
	SMS  Service = "sms"
	Call Service = "call"
)

// units is what one is counted of, for logs and errors.
func (s Service) units() string {
	if s == Call {
		return "calls"
	}
	return "messages"
}

// Config are the caps of one service: uses by one account, of one number, of
// the numbers of one country, and of all. Its keys are in the section of the
// service.
type Config struct {
	PerUserHour    int `mapstructure:"per_user_hour"`
	PerNumber10Min int `mapstructure:"per_number_10min"`
	PerNumberDay   int `mapstructure:"per_number_day"`
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

// DefaultConfig returns what holds for keys that are not set. A call is for
// people who have no other way, at each of their sign-ins; so one number gets
// more calls in a day than messages.
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
		c.PerNumberDay = 20
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
