package main

import (
	"context"
	"errors"
	"log/slog"

	"github.com/spf13/cobra"

	"github.com/portvakt/portvakt/conf"
)

// load reads the configuration file; what it warns of goes to standard error.
func load(c *cobra.Command) (conf.File, *slog.Logger, error) {
	f, warnings, err := conf.LoadFile(configPath(c))
	reportProblems(c.ErrOrStderr(), "warning", warnings)
	// An admin command tells its user what matters by itself; the packages'
	// log is for what goes wrong beside it.
	return f, slog.New(slog.NewTextHandler(c.ErrOrStderr(), &slog.HandlerOptions{Level: slog.LevelError})), err
}

// withStorage runs fn with the store of the configuration.
func withStorage(c *cobra.Command, fn func(context.Context, *storage) error) error {
	f, log, err := load(c)
	if err != nil {
		return err
	}
	st, err := openStorage(c.Context(), f, log)
	if err != nil {
		return err
	}
	return errors.Join(fn(c.Context(), st), st.close())
}

// withSystem runs fn with everything the configuration makes.
func withSystem(c *cobra.Command, fn func(context.Context, *system) error) error {
	f, log, err := load(c)
	if err != nil {
		return err
	}
	st, err := openStorage(c.Context(), f, log)
	if err != nil {
		return err
	}
	s, err := build(f, st, log)
	if err != nil {
		return errors.Join(withCode(err, exitConfig), st.close())
	}
	return errors.Join(fn(c.Context(), s), s.close(), st.close())
}
