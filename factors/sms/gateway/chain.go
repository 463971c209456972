package gateway

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"time"

	"github.com/portvakt/portvakt/factors/breaker"
	"github.com/portvakt/portvakt/factors/fault"
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
	following
}

type link struct {
	Provider
	kind     string
	timeout  time.Duration
	prefixes []phone.Prefix // all numbers, when there are none
	reports  bool           // tells of deliveries
	poller   Poller         // nil when it need not be asked
	breaker  breaker.Breaker
}

// reaches reports whether the provider is for the number.
func (l *link) reaches(n phone.Number) bool {
	return len(l.prefixes) == 0 || slices.ContainsFunc(l.prefixes, func(p phone.Prefix) bool { return p.Has(n) })
}

// New builds the providers of a valid configuration, in its order. codes is
// where providers of the kind "log" write.
func New(cfgs []Config, codes io.Writer, log *slog.Logger) (*Chain, error) {
	c := newChain(log)
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
		c.add(&link{Provider: p, kind: cfg.Kind, timeout: cfg.timeout(), prefixes: cfg.prefixes()})
	}
	return c, errors.Join(problems...)
}

func build(cfg Config, codes io.Writer, log *slog.Logger) (Provider, error) {
	switch cfg.Kind {
	case kindHTTP:
		return newHTTP(cfg, log)
	case kindCommand:
		return newCommand(cfg)
	case kindSMPP:
		return newSMPP(cfg, log)
	case kindModem:
		return newModem(cfg)
	case kindTwilio, kindVonage:
		return newPreset(cfg, log)
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

func newChain(log *slog.Logger) *Chain {
	return &Chain{log: log, following: following{pending: newPending(), polls: make(chan struct{}, maxPolls)}}
}

func (c *Chain) add(l *link) {
	reporter, reports := l.Provider.(Reporter)
	l.poller, _ = l.Provider.(Poller)
	if h, ok := l.Provider.(*httpProvider); ok { // which can do both, as it is configured
		reports = !h.cfg.Receipts.Callback.IsZero()
		if h.cfg.Receipts.StatusURL == "" {
			l.poller = nil
		}
	}
	if l.reports = reports; reports {
		reporter.Report(c.receive)
	}
	c.links = append(c.links, l)
}

// Close ends the providers and forgets the messages whose receipts are waited
// for. It waits for those that are being sent again.
func (c *Chain) Close() error {
	c.end()
	errs := make([]error, len(c.links))
	for i, l := range c.links {
		errs[i] = closing(l.Provider)
	}
	return errors.Join(errs...)
}

// Ready returns a [*NotSent] when Send to the number would fail at once,
// because every provider for it is paused.
func (c *Chain) Ready(to phone.Number) error {
	fits := false
	for _, l := range c.links {
		if !l.reaches(to) {
			continue
		}
		if fits = true; l.breaker.Ready() {
			return nil
		}
	}
	if !fits {
		return &NotSent{Reason: "no provider is for numbers that begin so"}
	}
	return &NotSent{Reason: "every provider is paused after failures", Down: true}
}

// Send hands the message to the first provider that takes it. The error is
// that of [Provider], over all of them.
func (c *Chain) Send(ctx context.Context, to phone.Number, text string) error {
	return c.Deliver(ctx, Message{To: to, Text: text})
}

// try uses one provider and tells its breaker and the log how it went.
func (c *Chain) try(ctx context.Context, l *link, to phone.Number, text string) (string, error) {
	limited, cancel := context.WithTimeout(ctx, l.timeout)
	defer cancel()
	name := slog.String(login.KeyProvider, l.Name())
	start := time.Now()
	var id string
	var err error
	if broken := fault.Guard(c.log, func() { id, err = l.Send(limited, to, text) }); broken != nil {
		err = broken // after the gateway's answer, as likely as before
	}
	took := slog.String(login.KeyTook, time.Since(start).Round(time.Millisecond).String())

	var not *NotSent
	unsent := errors.As(err, &not)
	if err != nil && errors.Is(ctx.Err(), context.Canceled) {
		l.breaker.Abandon()
	} else {
		var pause time.Duration
		if unsent {
			pause = not.Pause
		}
		opened, recovered := l.breaker.Leave(err == nil || unsent && !not.Down, pause)
		if opened {
			c.log.LogAttrs(ctx, slog.LevelError, "provider paused after failures", name,
				slog.String(login.KeyDetail, "for "+cmp.Or(pause, breaker.For).String()))
		}
		if recovered {
			c.log.LogAttrs(ctx, slog.LevelInfo, "provider works again", name)
		}
	}
	switch {
	case err == nil:
		c.log.LogAttrs(ctx, slog.LevelDebug, "message accepted", name, took)
		return id, nil
	case unsent:
		c.log.LogAttrs(ctx, slog.LevelWarn, "message not sent", name, took, slog.String(login.KeyErr, err.Error()))
		return "", err
	default:
		err = fmt.Errorf("provider %q: %w", l.Name(), err)
		c.log.LogAttrs(ctx, slog.LevelWarn, "message may have been sent", name, took, slog.String(login.KeyErr, err.Error()))
		return "", err
	}
}
