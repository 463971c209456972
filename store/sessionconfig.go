package store

import (
	"errors"
	"fmt"
	"time"
)

// SessionsConfig is the [accounting] section: how long and how many sessions
// are kept.
type SessionsConfig struct {
	// Stale is how long after the device told of it last a session that has
	// not ended counts as under way.
	Stale time.Duration `mapstructure:"stale"`
	// KeepDays is how long a session is kept after it was told of last.
	KeepDays int `mapstructure:"keep_days"`
	// MaxSessions is how many sessions are kept, ended or not; those that
	// ended first make room.
	MaxSessions int `mapstructure:"max_sessions"`
	// MaxClientSessions is how many of each client; 0 means three quarters of
	// MaxSessions.
	MaxClientSessions int `mapstructure:"max_client_sessions"`
	// Shared is that other processes record in the same KV. Whoever reads the
	// file sets it.
	Shared bool `mapstructure:"-"`
}

// Bounds of the configuration.
const (
	minStale    = time.Minute
	maxKeepDays = 3660
	minSessions = 16
	maxSessions = 1 << 20
)

// DefaultSessionsConfig has the values of keys that the file leaves out.
func DefaultSessionsConfig() SessionsConfig {
	return SessionsConfig{Stale: 24 * time.Hour, KeepDays: 30, MaxSessions: 100_000}
}

// Validate returns all problems.
func (c SessionsConfig) Validate() error {
	var problems []error
	bad := func(format string, args ...any) { problems = append(problems, fmt.Errorf(format, args...)) }
	if c.KeepDays < 1 || c.KeepDays > maxKeepDays {
		bad("keep_days is %d: choose 1 to %d", c.KeepDays, maxKeepDays)
	} else if c.Stale < minStale || c.Stale > c.keep() {
		bad("stale is %v: choose %v to keep_days, and more than your devices' interim interval", c.Stale, minStale)
	}
	if c.MaxSessions < minSessions || c.MaxSessions > maxSessions {
		bad("max_sessions is %d: choose %d to %d", c.MaxSessions, minSessions, maxSessions)
	}
	if c.MaxClientSessions < 0 || c.MaxClientSessions > c.MaxSessions {
		bad("max_client_sessions is %d: choose 0 (three quarters of max_sessions) to max_sessions", c.MaxClientSessions)
	}
	return errors.Join(problems...)
}

func (c SessionsConfig) keep() time.Duration { return time.Duration(c.KeepDays) * 24 * time.Hour }

func (c SessionsConfig) ofClient() int {
	if c.MaxClientSessions > 0 {
		return c.MaxClientSessions
	}
	return c.MaxSessions - c.MaxSessions/4
}
