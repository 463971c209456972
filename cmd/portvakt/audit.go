package main

import (
	"context"
	"log/slog"
	"time"

	"github.com/portvakt/portvakt/login"
)

// audit writes one decision to the log: the only place where login events
// become lines.
func audit(ctx context.Context, log *slog.Logger, e login.Event) {
	level := slog.LevelInfo
	switch {
	case e.Emergency != "": // there may be very many, all for one cause
		level = slog.LevelWarn
	case e.Alarm:
		level = slog.LevelError
	case e.Outcome == "error":
		level = slog.LevelWarn
	}
	if !log.Enabled(ctx, level) {
		return
	}
	attrs := make([]slog.Attr, 0, 12)
	add := func(key, value string) {
		if value != "" {
			attrs = append(attrs, slog.String(key, value))
		}
	}
	add(login.KeyAttempt, e.Attempt)
	add(login.KeyOutcome, e.Outcome)
	add(login.KeyReason, string(e.Reason))
	add(login.KeyUser, e.User)
	add(login.KeyAccount, e.AccountID)
	add(login.KeyClient, e.Client)
	add(login.KeyStation, e.Station)
	add(login.KeyRule, e.Rule)
	add(login.KeyMethod, e.Method)
	add(login.KeyEmergency, e.Emergency)
	add(login.KeyDetail, e.Detail)
	// A text: slog's JSON has durations as nanoseconds.
	add(login.KeyTook, e.Took.Round(time.Microsecond).String())
	// Without the logger between, which would look for the caller's line.
	r := slog.NewRecord(time.Now(), level, "login", 0)
	r.AddAttrs(attrs...)
	_ = log.Handler().Handle(ctx, r) // there is no other place to tell
}
