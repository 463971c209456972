package gateway

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/portvakt/portvakt/factors/phone"
	"github.com/portvakt/portvakt/login"
)

const (
	// DefaultTimeout is how long one provider may take.
	DefaultTimeout = 5 * time.Second
	// Overall is how long all providers together may take for one message.
	Overall = 8 * time.Second
)

// A Chain sends through the first provider that works. It is safe for
// concurrent use.
type Chain struct {
	links []*link
	log   *slog.Logger
}

type link struct {
	Provider
	kind    string
	timeout time.Duration
	breaker breaker
}

// New builds the providers of a valid configuration, in its order. codes is
// where providers of the kind "log" write.
func New(cfgs []Config, codes io.Writer, log *slog.Logger) (*Chain, error) {
	c := &Chain{log: log}
	var problems []error
	for _, cfg := range cfgs {
		if err := cfg.Validate(); err != nil {
			problems = append(problems, fmt.Errorf("provider %q: %w", cfg.Name, err))
			continue
		}
		p, err := build(cfg, codes, log)
		if err != nil {
			problems = append(problems, fmt.Errorf("provider %q: %w", cfg.Name, err))
			continue
		}
		c.links = append(c.links, &link{Provider: p, kind: cfg.Kind, timeout: cfg.timeout()})
	}
	return c, errors.Join(problems...)
}

func build(cfg Config, codes io.Writer, log *slog.Logger) (Provider, error) {
	switch cfg.Kind {
	case kindHTTP:
		return newHTTP(cfg, log)
	case kindCommand:
		return newCommand(cfg)
	case kindLog:
		if codes == nil {
			return nil, errors.New("kind \"log\": there is nothing to write codes to")
		}
		log.Warn("codes are written to the log", slog.String(login.KeyProvider, cfg.Name),
			slog.String(login.KeyHint, `kind = "log" is for tests and demonstrations only`))
		return &logProvider{name: cfg.Name, out: codes}, nil
	}
	return nil, fmt.Errorf("kind %q: no such kind", cfg.Kind)
}

// Chained makes a Chain of providers with [DefaultTimeout] each.
func Chained(log *slog.Logger, providers ...Provider) *Chain {
	c := &Chain{log: log}
	for _, p := range providers {
		c.links = append(c.links, &link{Provider: p, timeout: DefaultTimeout})
	}
	return c
}

// Close ends the providers. Messages that are on their way are not waited for.
func (c *Chain) Close() error {
	errs := make([]error, len(c.links))
	for i, l := range c.links {
		errs[i] = closing(l.Provider)
	}
	return errors.Join(errs...)
}

// Ready returns a [*NotSent] when Send would fail at once, because every
// provider is paused.
func (c *Chain) Ready() error {
	for _, l := range c.links {
		if l.breaker.ready() {
			return nil
		}
	}
	return &NotSent{Reason: "every provider is paused after failures", Down: true}
}

// Send hands the message to the first provider that takes it. The error is
// that of [Provider], over all of them.
func (c *Chain) Send(ctx context.Context, to phone.Number, text string) error {
	ctx, cancel := context.WithTimeout(ctx, Overall)
	defer cancel()
	tried := false
	for _, l := range c.links {
		if ctx.Err() != nil {
			return &NotSent{Reason: "no time left for another provider"}
		}
		if !l.breaker.enter() {
			continue
		}
		tried = true
		err := c.try(ctx, l, to, text)
		if err == nil || !Unsent(err) {
			return err
		}
	}
	if !tried {
		return &NotSent{Reason: "every provider is paused after failures", Down: true}
	}
	return &NotSent{Reason: "no provider took the message"}
}

// try uses one provider and tells its breaker and the log how it went.
func (c *Chain) try(ctx context.Context, l *link, to phone.Number, text string) error {
	limited, cancel := context.WithTimeout(ctx, l.timeout)
	defer cancel()
	name := slog.String(login.KeyProvider, l.Name())
	start := time.Now()
	_, err := l.Send(limited, to, text)
	took := slog.Duration(login.KeyTook, time.Since(start))

	var not *NotSent
	unsent := errors.As(err, &not)
	if err != nil && errors.Is(ctx.Err(), context.Canceled) {
		l.breaker.abandon()
	} else {
		opened, recovered := l.breaker.leave(err == nil || unsent && !not.Down)
		if opened {
			c.log.LogAttrs(ctx, slog.LevelError, "provider paused after failures", name,
				slog.Duration(login.KeyDetail, breakFor))
		}
		if recovered {
			c.log.LogAttrs(ctx, slog.LevelInfo, "provider works again", name)
		}
	}
	switch {
	case err == nil:
		c.log.LogAttrs(ctx, slog.LevelDebug, "message accepted", name, took)
		return nil
	case unsent:
		c.log.LogAttrs(ctx, slog.LevelWarn, "message not sent", name, took, slog.String(login.KeyErr, err.Error()))
		return err
	default:
		err = fmt.Errorf("provider %q: %w", l.Name(), err)
		c.log.LogAttrs(ctx, slog.LevelWarn, "message may have been sent", name, took, slog.String(login.KeyErr, err.Error()))
		return err
	}
}
