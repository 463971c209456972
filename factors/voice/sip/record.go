package sip

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"time"

	"github.com/portvakt/portvakt/factors/voice"
	"github.com/portvakt/portvakt/login"
)

// A record is what the log tells of a call.
type record struct {
	began, answered time.Time
	status          int    // the last answer to the INVITE
	source          string // how the last key came
}

// ended writes the call's line and returns its outcome.
func (p *Provider) ended(ctx context.Context, c *voice.Call, r *record, err error) error {
	attrs := []slog.Attr{
		slog.String(login.KeyAttempt, c.Reference),
		slog.String(login.KeyHint, c.To.Masked()),
		slog.String(login.KeyReason, outcome(err)),
		slog.Duration(login.KeyTook, time.Since(r.began).Round(time.Millisecond)),
	}
	if r.status != 0 {
		attrs = append(attrs, slog.Int(login.KeyStatus, r.status))
	}
	if r.source != "" {
		attrs = append(attrs, slog.String(login.KeyKind, r.source))
	}
	level := slog.LevelInfo
	if f, ok := errors.AsType[*voice.Failure](err); ok {
		if f.Err != nil {
			attrs = append(attrs, slog.String(login.KeyErr, f.Err.Error()))
		}
		if slices.Contains([]voice.Why{voice.WhyRefused, voice.WhyUnavailable, voice.WhyMedia}, f.Why) {
			level = slog.LevelWarn // somebody has to look at the exchange
		}
	}
	p.log.LogAttrs(ctx, level, "call ended", attrs...)
	return err
}

// outcome is a word for how a call ended.
func outcome(err error) string {
	if f, ok := errors.AsType[*voice.Failure](err); ok {
		return string(f.Why)
	}
	switch {
	case err == nil:
		return "approved"
	case errors.Is(err, login.ErrDenied):
		return "denied"
	case errors.Is(err, login.ErrFraud):
		return "fraud"
	default:
		return "answered"
	}
}
