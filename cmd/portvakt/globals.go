package main

import (
	"context"
	"errors"
	"log/slog"

	"github.com/spf13/cobra"

	"github.com/portvakt/portvakt/conf"
)

// load reads the configuration file. What it warns of is for check and serve
// to tell: other commands would tell it each time.
func load(c *cobra.Command) (f conf.File, warnings conf.Problems, log *slog.Logger, err error) {
	f, warnings, err = conf.LoadFile(configPath(c))
	// An admin command tells its user what matters by itself; the packages'
	// log is for what goes wrong beside it.
	log = slog.New(slog.NewTextHandler(c.ErrOrStderr(), &slog.HandlerOptions{Level: slog.LevelError}))
	return f, warnings, log, err
}

// withStorage runs fn with the store of the configuration.
func withStorage(c *cobra.Command, fn func(context.Context, *storage) error) error {
	return withFile(c, func(ctx context.Context, _ conf.File, st *storage) error { return fn(ctx, st) })
}

// withFile is withStorage for what looks at the configuration, too.
func withFile(c *cobra.Command, fn func(context.Context, conf.File, *storage) error) error {
	if s := atDesk(c.Context()); s != nil {
		return fn(c.Context(), s.file, s.storage)
	}
	return withOpened(c, func(ctx context.Context, f conf.File, st *storage, _ *slog.Logger) error { return fn(ctx, f, st) })
}

// withSystem runs fn with everything the configuration makes.
func withSystem(c *cobra.Command, fn func(context.Context, *system) error) error {
	return withSystemThat(c, false, fn)
}

// withPerson is withSystem for a command about one person.
func withPerson(c *cobra.Command, user string, fn func(context.Context, *system, person) error) error {
	return withSystem(c, func(ctx context.Context, s *system) error {
		p, err := s.person(ctx, user)
		if err != nil {
			return err
		}
		return fn(ctx, s, p)
	})
}

// withSystemThat is withSystem for commands that may place calls.
func withSystemThat(c *cobra.Command, dials bool, fn func(context.Context, *system) error) error {
	if s := atDesk(c.Context()); s != nil {
		return fn(c.Context(), s.system)
	}
	return withOpened(c, func(ctx context.Context, f conf.File, st *storage, log *slog.Logger) error {
		st.dials = dials
		s, err := build(f, st, log) //nolint:contextcheck // what it makes lives until it is closed
		if err != nil {
			return withCode(err, exitConfig)
		}
		return errors.Join(fn(ctx, s), s.close())
	})
}

// withOpened reads the configuration and opens its store for fn.
func withOpened(c *cobra.Command, fn func(context.Context, conf.File, *storage, *slog.Logger) error) error {
	f, _, log, err := load(c)
	if err != nil {
		return err
	}
	st, err := openStorage(c.Context(), f, log)
	if err != nil {
		return err
	}
	return errors.Join(fn(c.Context(), f, st, log), st.close())
}
