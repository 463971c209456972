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
}

// Max is the highest cap there can be.
const Max = 1_000_000

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
	return errors.Join(errs...)
}
