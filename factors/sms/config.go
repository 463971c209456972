package sms

import (
	"errors"
	"fmt"
	"time"

	"github.com/portvakt/portvakt/factors/phone"
	"github.com/portvakt/portvakt/factors/sms/gateway"
)

// Config is the section [sms]. Without a provider the factor is off.
type Config struct {
	// Countries are the ISO 3166-1 codes of the countries that get messages.
	Countries []string `mapstructure:"countries"`
	// Region is the country of numbers that are written without one; the
	// first of Countries when empty.
	Region string `mapstructure:"region"`
	// Transliterate writes texts in the GSM 7-bit alphabet where that is
	// possible by leaving marks away: one part holds 160 characters, not 70.
	Transliterate bool `mapstructure:"transliterate"`
	// AskAfter is how long the question waits for the gateway's answer.
	AskAfter time.Duration `mapstructure:"ask_after"`

	// The caps: messages to one account, to one number, to the numbers of one
	// country, and to all.
	PerUserHour    int `mapstructure:"per_user_hour"`
	PerNumber10Min int `mapstructure:"per_number_10min"`
	PerNumberDay   int `mapstructure:"per_number_day"`
	PerCountryHour int `mapstructure:"per_country_hour"`
	PerDay         int `mapstructure:"per_day"`

	// Provider are tried in order; the next one only when a message was
	// certainly not sent.
	Provider []gateway.Config `mapstructure:"provider"`
}

const (
	maxAskAfter  = gateway.Overall // there is nothing to wait for after it
	maxCap       = 1_000_000
	maxProviders = 8
)

// DefaultConfig returns what holds for keys that are not set.
func DefaultConfig() Config {
	return Config{
		AskAfter:       2 * time.Second,
		PerUserHour:    5,
		PerNumber10Min: 3,
		PerNumberDay:   10,
		PerCountryHour: 500,
		PerDay:         2000,
	}
}

// Enabled reports whether there is anybody to send.
func (c Config) Enabled() bool { return len(c.Provider) > 0 }

// region is the country of numbers without one.
func (c Config) region() string {
	if c.Region == "" && len(c.Countries) > 0 {
		return c.Countries[0]
	}
	return c.Region
}

// Validate returns all problems.
func (c Config) Validate() error {
	var errs []error
	add := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	for i, code := range c.Countries {
		if !phone.KnownCountry(code) {
			add("countries[%d]: %q is not a country: write its two capital letters (ISO 3166-1), as \"NO\"", i, code)
		}
	}
	if c.Enabled() && len(c.Countries) == 0 {
		add("countries: is empty, so no number gets a message: list your own, as [\"NO\"], and no more than you need")
	}
	if c.Region != "" && !phone.KnownCountry(c.Region) {
		add("region: %q is not a country: write its two capital letters (ISO 3166-1), as \"NO\"", c.Region)
	}
	if c.AskAfter <= 0 || c.AskAfter > maxAskAfter {
		add("ask_after: %v is not above 0s and up to %v: the person's device waits for it", c.AskAfter, maxAskAfter)
	}
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
		if limit.value < 1 || limit.value > maxCap {
			add("%s: %d is not between 1 and %d: a cap cannot be switched off, because thieves earn by messages", limit.key, limit.value, maxCap)
		}
	}
	if len(c.Provider) > maxProviders {
		add("provider: there are %d, more than %d: people wait while they are tried", len(c.Provider), maxProviders)
	}
	seen := make(map[string]bool)
	for i, p := range c.Provider {
		for _, err := range each(p.Validate()) {
			add("provider[%d].%w", i, err)
		}
		if p.Name != "" && seen[p.Name] {
			add("provider[%d].name: %q is there twice: logs would not tell them apart", i, p.Name)
		}
		seen[p.Name] = true
	}
	return errors.Join(errs...)
}

// each takes joined errors apart.
func each(err error) []error {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		return joined.Unwrap()
	}
	if err != nil {
		return []error{err}
	}
	return nil
}
