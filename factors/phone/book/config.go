package book

import (
	"errors"
	"fmt"

	"github.com/portvakt/portvakt/factors/phone"
)

// Config says which numbers may be used. Its keys are in the section of the
// service.
type Config struct {
	// Countries are the ISO 3166-1 codes of the countries whose numbers are
	// used.
	Countries []string `mapstructure:"countries"`
	// Region is the country of numbers that are written without one; the
	// first of Countries when empty.
	Region string `mapstructure:"region"`
	// BlockedPrefixes are beginnings of numbers that are not used, whatever
	// their country: "+4781".
	BlockedPrefixes []string `mapstructure:"blocked_prefixes"`
	// BlockedElsewhere are the BlockedPrefixes of the other use: whoever earns by
	// a range of numbers earns by messages and by calls.
	BlockedElsewhere []string `mapstructure:"-"`
}

// Home is the country of numbers without one.
func (c Config) Home() string {
	if c.Region == "" && len(c.Countries) > 0 {
		return c.Countries[0]
	}
	return c.Region
}

// Validate returns all problems. A list of countries that is empty is none:
// then no number is used.
func (c Config) Validate() error {
	var errs []error
	for i, code := range c.Countries {
		if !phone.KnownCountry(code) {
			errs = append(errs, fmt.Errorf("countries[%d]: %q is not a country: write its two capital letters (ISO 3166-1), as \"NO\"", i, code))
		}
	}
	if c.Region != "" && !phone.KnownCountry(c.Region) {
		errs = append(errs, fmt.Errorf("region: %q is not a country: write its two capital letters (ISO 3166-1), as \"NO\"", c.Region))
	}
	for i, prefix := range c.BlockedPrefixes {
		if _, err := phone.NewPrefix(prefix); err != nil {
			errs = append(errs, fmt.Errorf("blocked_prefixes[%d]: %w", i, err))
		}
	}
	return errors.Join(errs...)
}
