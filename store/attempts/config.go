package attempts

import (
	"errors"
	"fmt"
	"time"
)

// Config is the section [attempts] of the configuration.
type Config struct {
	// Keep is how long attempts are kept; 0 keeps none.
	Keep time.Duration `mapstructure:"keep"`
	// MaxMiB is how large all of them may become, in mebioctets as they are
	// stored.
	MaxMiB int `mapstructure:"max_mib"`
}

// Limits of the section.
const (
	maxKeep  = 366 * 24 * time.Hour
	mostMiB  = 512
	leastMiB = 1
)

// DefaultConfig keeps a week.
func DefaultConfig() Config { return Config{Keep: 7 * 24 * time.Hour, MaxMiB: 64} }

// Enabled reports whether anything is kept.
func (c Config) Enabled() bool { return c.Keep > 0 }

// Validate returns all problems of the section.
func (c Config) Validate() error {
	var errs []error
	if c.Keep < 0 || c.Keep > maxKeep || c.Keep > 0 && c.Keep < time.Hour {
		errs = append(errs, errors.New("keep: needs a time between 1h and 366d: write keep = \"7d\", or \"0s\" to keep nothing"))
	}
	if c.MaxMiB < leastMiB || c.MaxMiB > mostMiB {
		errs = append(errs, fmt.Errorf("max_mib: is %d: write a number between %d and %d; 64 hold about a million events", c.MaxMiB, leastMiB, mostMiB))
	}
	return errors.Join(errs...)
}
