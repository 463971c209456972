package conf

import (
	"errors"
	"fmt"
	"log/slog"
)

// Log is the section [log].
type Log struct {
	// Level is the least that is logged: "debug", "info", "warn" or "error".
	Level string `mapstructure:"level"`
	// Format is "json" or "text".
	Format string `mapstructure:"format"`
	// UnknownUsers logs names that nobody has as they were typed. They may be
	// passwords in the wrong field, so the default is to hash them.
	UnknownUsers bool `mapstructure:"unknown_users"`
}

// Formats of log lines.
const (
	LogJSON = "json"
	LogText = "text"
)

// DefaultLog is what holds for keys that are not set.
func DefaultLog() Log { return Log{Level: "info", Format: LogJSON} }

// SlogLevel is Level as log/slog has it; Info when it is not one.
func (c Log) SlogLevel() slog.Level {
	switch c.Level {
	case "debug":
		return slog.LevelDebug
	case "warn":
		return slog.LevelWarn
	case "error":
		return slog.LevelError
	}
	return slog.LevelInfo
}

// Validate returns all problems of the section, joined.
func (c Log) Validate() error {
	var problems []error
	switch c.Level {
	case "debug", "info", "warn", "error":
	default:
		problems = append(problems, fmt.Errorf("level: %q is not a level: write \"debug\", \"info\", \"warn\" or \"error\"", c.Level))
	}
	if c.Format != LogJSON && c.Format != LogText {
		problems = append(problems, fmt.Errorf("format: %q is not a format: write %q or %q", c.Format, LogJSON, LogText))
	}
	return errors.Join(problems...)
}

// Warnings are things that work and that an operator should change.
func (c Log) Warnings() []string {
	if c.UnknownUsers {
		return []string{"unknown_users is on: passwords that were typed as a name are in the log"}
	}
	return nil
}
