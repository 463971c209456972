package cooling

import (
	"fmt"
	"time"
)

// Config is the [phone] section.
type Config struct {
	// Cooling is how long a number that is new in the directory is not used,
	// from the first sign-in that finds it there; 0 uses it at once.
	Cooling time.Duration `mapstructure:"cooling"`
}

// maxCooling is longer than anybody is away without her telephone.
const maxCooling = 30 * 24 * time.Hour

// DefaultConfig is three days: a weekend and a day to read the message.
func DefaultConfig() Config { return Config{Cooling: 72 * time.Hour} }

// Validate returns all problems.
func (c Config) Validate() error {
	if c.Cooling < 0 || c.Cooling > maxCooling {
		return fmt.Errorf("cooling: is 0s to %v", maxCooling)
	}
	return nil
}
