package main

import (
	"context"
	"log/slog"
	"time"

	"github.com/portvakt/portvakt/login"
)

// sweepEvery is how often the daemon removes what dialogues have left behind:
// they last minutes, and it reads a record or two.
const sweepEvery = 5 * time.Minute

// sweep removes what dialogues have left behind until ctx ends, and begins with
// what is there from before a restart.
func (d *daemon) sweep(ctx context.Context) {
	ticker := time.NewTicker(sweepEvery)
	defer ticker.Stop()
	for {
		if err := login.Sweep(ctx, d.current.Load().kv, time.Now()); err != nil && ctx.Err() == nil {
			d.log.LogAttrs(ctx, slog.LevelError, "what dialogues have left behind not removed", slog.Any(login.KeyErr, err))
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}
