package main

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/portvakt/portvakt/factors/phone/caps"
	"github.com/portvakt/portvakt/login"
)

const (
	// sweepEvery is how often the daemon removes what dialogues have left behind:
	// they last minutes, and it reads a record or two.
	sweepEvery = 5 * time.Minute
	// sweepCapsEvery is how often it removes counts of uses: they last a day, and
	// it reads those of everybody who had one.
	sweepCapsEvery = 6 * time.Hour
)

// sweep removes what has ended until ctx ends, and begins with what is there
// from before a restart.
func (d *daemon) sweep(ctx context.Context) {
	var wg sync.WaitGroup
	wg.Go(func() { d.sweepEach(ctx, sweepEvery, "what dialogues have left behind", login.Sweep) })
	wg.Go(func() { d.sweepEach(ctx, sweepCapsEvery, "counts of caps", caps.Sweep) })
	wg.Wait()
}

func (d *daemon) sweepEach(ctx context.Context, every time.Duration, what string, sweep func(context.Context, login.Scanner, time.Time) error) {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	told := "" // the same again is not news every few minutes
	for {
		err := sweep(ctx, d.current.Load().kv, time.Now())
		switch {
		case ctx.Err() != nil:
		case err == nil:
			told = ""
		case err.Error() != told:
			told = err.Error()
			d.log.LogAttrs(ctx, slog.LevelError, "not all is removed that has ended",
				slog.String(login.KeyDetail, what), slog.Any(login.KeyErr, err))
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}
