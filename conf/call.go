package conf

import (
	"errors"
	"fmt"

	"github.com/portvakt/portvakt/factors/voice"
	"github.com/portvakt/portvakt/factors/voice/exchange"
)

// Call is the [call] section. Without a provider nobody is called.
type Call struct {
	voice.Config `mapstructure:",squash"`
	// Provider are tried in order; the next one only when certainly nothing
	// rang.
	Provider []exchange.Config `mapstructure:"provider"`
	// FraudDisconnect ends the sessions under way of somebody who presses 0#
	// (RFC 5176).
	FraudDisconnect bool `mapstructure:"fraud_disconnect"`
}

const maxCallProviders = 8

// Enabled reports whether anybody can be called.
func (c Call) Enabled() bool { return len(c.Provider) > 0 }

// Validate returns all problems.
func (c Call) Validate() error {
	errs := []error{c.Config.Validate()}
	if c.Enabled() && len(c.Numbers.Countries) == 0 {
		errs = append(errs, errors.New("countries: is empty, so nobody is called: list your own, as [\"NO\"], and no more than you need"))
	}
	if len(c.Provider) > maxCallProviders {
		errs = append(errs, fmt.Errorf("provider: there are %d, more than %d", len(c.Provider), maxCallProviders))
	}
	seen := map[string]bool{}
	for i, p := range c.Provider {
		if err := p.Validate(); err != nil {
			errs = append(errs, within(fmt.Sprintf("provider[%d]", i), err)...)
		}
		if p.Name != "" && seen[p.Name] {
			errs = append(errs, fmt.Errorf("provider[%d].name: %q is there twice: logs would not tell them apart", i, p.Name))
		}
		seen[p.Name] = true
	}
	return errors.Join(errs...)
}

// Warnings returns what is allowed and should be known, for each start.
func (c Call) Warnings() []string {
	var all []string
	for i, p := range c.Provider {
		if p.Kind == exchange.KindLog {
			all = append(all, fmt.Sprintf("provider[%d].kind: %q is of kind \"log\": nobody is called, and whoever has a password may get in", i, p.Name))
		}
		if p.Kind == exchange.KindSIP {
			for _, text := range p.SIP.Warnings() {
				all = append(all, fmt.Sprintf("provider[%d].%s", i, text))
			}
		}
	}
	return all
}

// within puts the place before each of joined errors.
func within(place string, err error) []error {
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return []error{fmt.Errorf("%s.%w", place, err)}
	}
	var errs []error
	for _, e := range joined.Unwrap() {
		errs = append(errs, within(place, e)...)
	}
	return errs
}
