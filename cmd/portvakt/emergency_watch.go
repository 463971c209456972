package main

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/portvakt/portvakt/login"
)

const (
	// watchEmergency is how often a daemon looks whether emergency mode was
	// switched on or off, for its log; logins see it at once.
	watchEmergency = 5 * time.Second
	// stillEmergency is how often it says that it is still on.
	stillEmergency = time.Hour
)

// watchEmergencies logs when emergency mode begins and ends until ctx ends.
func (d *daemon) watchEmergencies(ctx context.Context) {
	w := emergencyWatch{log: d.log, told: map[string]toldEmergency{}}
	ticker := time.NewTicker(watchEmergency)
	defer ticker.Stop()
	for {
		all, err := d.emergencies(ctx)
		if ctx.Err() != nil {
			return
		}
		w.look(ctx, all, err, time.Now())
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// emergencies are those in force under the configuration in force.
func (d *daemon) emergencies(ctx context.Context) ([]login.Emergency, error) {
	r := d.current.Load()
	return login.Emergencies(ctx, r.kv, r.file.Emergency, time.Now())
}

// An emergencyWatch knows what it has told of, by the clients it is for.
type emergencyWatch struct {
	log    *slog.Logger
	told   map[string]toldEmergency
	failed bool
}

type toldEmergency struct {
	login.Emergency
	at time.Time
}

// look tells what has changed: one line when it begins, each hour, and when it
// ends.
func (w *emergencyWatch) look(ctx context.Context, all []login.Emergency, err error, now time.Time) {
	if err != nil {
		if !w.failed {
			w.log.LogAttrs(ctx, slog.LevelError, "emergency mode not read", slog.Any(login.KeyErr, err))
		}
		w.failed = true
		return
	}
	w.failed = false
	on := make(map[string]bool, len(all))
	for _, e := range all {
		on[e.Where()] = true
		had, known := w.told[e.Where()]
		switch {
		case !known || !had.Since.Equal(e.Since):
			w.tell(ctx, "on", e)
		case now.Sub(had.at) >= stillEmergency:
			w.tell(ctx, "still on", e)
		default:
			continue
		}
		w.told[e.Where()] = toldEmergency{e, now}
	}
	for where, had := range w.told {
		if !on[where] {
			delete(w.told, where)
			w.tell(ctx, "off", had.Emergency)
		}
	}
}

func (w *emergencyWatch) tell(ctx context.Context, status string, e login.Emergency) {
	w.log.LogAttrs(ctx, slog.LevelWarn, "emergency mode", slog.String(login.KeyStatus, status),
		slog.String(login.KeyEmergency, e.Where()), slog.String(login.KeyBy, e.By),
		slog.String(login.KeyDetail, fmt.Sprintf("until %s: %s", e.Until.UTC().Format(time.RFC3339), e.Why)))
}
