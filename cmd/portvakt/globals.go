package main

import (
	"context"
	"errors"
	"log/slog"

	"github.com/spf13/cobra"

	"github.com/portvakt/portvakt/conf"
)

// globals are the flags that every command has.
type globals struct{ config string }

// load reads the configuration file; what it warns of goes to stderr.
func (g *globals) load(c *cobra.Command) (conf.File, *slog.Logger, error) {
	f, warnings, err := loadFile(g.config)
	for _, w := range warnings {
		warnf(c.ErrOrStderr(), "%v", w)
	}
	// An admin command tells its user what matters by itself; the packages'
	// log is for what goes wrong beside it.
	return f, slog.New(slog.NewTextHandler(c.ErrOrStderr(), &slog.HandlerOptions{Level: slog.LevelWarn})), err
}

// withStorage runs fn with the store of the configuration.
func (g *globals) withStorage(c *cobra.Command, fn func(context.Context, *storage) error) error {
	f, log, err := g.load(c)
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
func (g *globals) withSystem(c *cobra.Command, fn func(context.Context, *system) error) error {
	f, log, err := g.load(c)
	if err != nil {
		return err
	}
	st, err := openStorage(c.Context(), f, log)
	if err != nil {
		return err
	}
	s, err := build(f, st, log)
	if err != nil {
		return errors.Join(withCode(exitConfig, err), st.close())
	}
	return errors.Join(fn(c.Context(), s), s.close(), st.close())
}
