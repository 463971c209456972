package voice

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/portvakt/portvakt/factors/breaker"
	"github.com/portvakt/portvakt/factors/fault"
	"github.com/portvakt/portvakt/login"
)

// A link is one provider of the chain.
type link struct {
	Provider
	breaker.Breaker
}

// A chain places a call through the first provider that can. The next one is
// tried only when certainly nothing rang: one sign-in rings once.
type chain struct {
	links []*link
	log   *slog.Logger
}

var errPaused = &Failure{Why: WhyUnavailable, Err: errors.New("every provider is paused after failures")}

// ready reports whether a call could be tried at all.
func (c *chain) ready() bool {
	for _, l := range c.links {
		if l.Ready() {
			return true
		}
	}
	return false
}

func (c *chain) call(ctx context.Context, call *Call) error {
	var last error = errPaused
	for _, l := range c.links {
		if ctx.Err() != nil {
			return &Failure{Why: WhyStopped, Err: errStopped}
		}
		if !l.Enter() {
			continue
		}
		last = c.try(ctx, l, call)
		if !Unrung(last) {
			return last
		}
	}
	return last
}

// try uses one provider, and tells its breaker and the log how it went.
func (c *chain) try(ctx context.Context, l *link, call *Call) error {
	start := time.Now()
	call.Trace = Trace{}
	var err error
	if broken := fault.Guard(c.log, func() { err = l.Call(ctx, call) }); broken != nil {
		err = &Failure{Why: WhyUnavailable, Rang: true, Err: broken}
	}
	level := slog.LevelInfo
	if f, ok := errors.AsType[*Failure](err); ok && ctx.Err() == nil {
		down := f.Why == WhyUnavailable || f.Why == WhyRefused || f.Why == WhyMedia
		if down {
			level = slog.LevelWarn
		}
		c.tell(ctx, l, !down)
	} else if ctx.Err() == nil {
		c.tell(ctx, l, true)
	} else {
		l.Abandon()
	}
	c.log.LogAttrs(ctx, level, "call", append([]slog.Attr{slog.String(login.KeyProvider, l.Name())},
		told(call, err, time.Since(start))...)...)
	return err
}

// told is what the one log line of a call has of it.
func told(call *Call, err error, took time.Duration) []slog.Attr {
	outcome := Outcome(err)
	if err == nil && call.Keys == nil {
		outcome = "told" // nobody approved anything
	}
	attrs := []slog.Attr{slog.Any(login.KeyNumber, call.To), slog.String(login.KeyOutcome, outcome)}
	if call.Reference != "" { // a call that tells a code belongs to none
		attrs = append(attrs, slog.String(login.KeyAttempt, call.Reference))
	}
	if call.Trace.Status != 0 {
		attrs = append(attrs, slog.Int(login.KeyStatus, call.Trace.Status))
	}
	if call.Trace.Keys != "" {
		attrs = append(attrs, slog.String(login.KeyKind, call.Trace.Keys))
	}
	attrs = append(attrs, slog.String(login.KeyTook, took.Round(time.Millisecond).String()))
	if f, ok := errors.AsType[*Failure](err); ok && f.Err != nil {
		attrs = append(attrs, slog.String(login.KeyErr, f.Err.Error()))
	} else if !ok && err != nil && err != login.ErrDenied && err != login.ErrFraud { //nolint:errorlint // those alone say no more than the outcome
		attrs = append(attrs, slog.String(login.KeyErr, err.Error()))
	}
	return attrs
}

func (c *chain) tell(ctx context.Context, l *link, works bool) {
	opened, recovered := l.Leave(works, 0)
	if opened {
		c.log.LogAttrs(ctx, slog.LevelError, "provider of calls paused after failures", slog.String(login.KeyProvider, l.Name()),
			slog.String(login.KeyDetail, "for "+breaker.For.String()), slog.String(login.KeyHint, "portvakt check says what is wrong with it"))
	}
	if recovered {
		c.log.LogAttrs(ctx, slog.LevelInfo, "provider of calls works again", slog.String(login.KeyProvider, l.Name()))
	}
}
