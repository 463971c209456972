package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/portvakt/portvakt/conf"
	"github.com/portvakt/portvakt/login"
	"github.com/portvakt/portvakt/radiusd/coa"
)

const (
	maxReports = 256 // reports of fraud that wait to be acted on
	maxAtOnce  = 16  // devices asked at the same time
	endWithin  = 30 * time.Second
)

// deviceOf is the device of a session, to be asked about it.
func deviceOf(f conf.File, s login.Session) (*coa.Client, error) {
	c, err := clientNamed(f, s.Client)
	if err != nil {
		return nil, fmt.Errorf("there is no [[client]] named %q any more", s.Client)
	}
	asked := &coa.Client{Server: c.COA, Secret: c.COASecret}
	if asked.Secret.IsZero() {
		asked.Secret = c.Secret
	}
	if asked.Secret.IsZero() {
		return nil, fmt.Errorf("client %q comes over TLS and has no secret: write coa and coa_secret into its block, since its device is asked over UDP", s.Client)
	}
	// Where its accounting came from, not where it says that it is.
	asked.Server = cmp.Or(asked.Server, netip.AddrPortFrom(s.From, coa.DefaultPort).String())
	return asked, nil
}

// disconnect asks the device of a session to end it. A device that does not
// know the session (any more) is no error; over is true then.
func disconnect(ctx context.Context, f conf.File, s login.Session) (over bool, err error) {
	device, err := deviceOf(f, s)
	if err != nil {
		return false, err
	}
	err = device.Disconnect(ctx, s.Identity)
	if r, ok := errors.AsType[*coa.Refused](err); ok && r.Cause == coa.NotFound {
		return true, nil
	}
	return false, err
}

// disconnectAll is disconnect for many, some at a time; ended is told of each.
func disconnectAll(ctx context.Context, f conf.File, all []login.Session, ended func(s login.Session, over bool, err error)) {
	var wg sync.WaitGroup
	slots := make(chan struct{}, maxAtOnce)
	for _, s := range all {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			over, err := disconnect(ctx, f, s)
			ended(s, over, err)
		})
	}
	wg.Wait()
}

// saw is told of each decision. It does not wait.
func (d *daemon) saw(e login.Event) {
	switch {
	case d.accounting == nil || e.AccountID == "":
	case e.Outcome == "accept":
		d.accounting.whose.saw(e.Client, e.User, e.AccountID)
	case e.Reason == login.ReasonFraud && d.current.Load().file.Call.FraudDisconnect:
		select {
		case d.frauds <- e:
		default:
			d.log.LogAttrs(context.Background(), slog.LevelError, "too many reports of fraud at once, sessions stay",
				slog.String(login.KeyUser, e.User), slog.String(login.KeyAccount, e.AccountID),
				slog.String(login.KeyHint, "portvakt disconnect "+e.User))
		}
	}
}

// endSessions ends the sessions of those who said that a sign-in was not
// theirs: whoever has the password may have got in before.
func (d *daemon) endSessions(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case e := <-d.frauds:
			d.endSessionsOf(ctx, e)
		}
	}
}

func (d *daemon) endSessionsOf(ctx context.Context, e login.Event) {
	ctx, cancel := context.WithTimeout(ctx, endWithin)
	defer cancel()
	who := []slog.Attr{slog.String(login.KeyUser, e.User), slog.String(login.KeyAccount, e.AccountID), slog.String(login.KeyReason, string(e.Reason))}
	all, err := d.accounting.sessions.Of(ctx, e.AccountID, e.User, time.Now())
	if err != nil {
		d.log.LogAttrs(ctx, slog.LevelError, "sessions not ended", append(who, slog.Any(login.KeyErr, err))...)
		return
	}
	if len(all) == 0 {
		d.log.LogAttrs(ctx, slog.LevelInfo, "no session to end", who...)
		return
	}
	disconnectAll(ctx, d.current.Load().file, all, func(s login.Session, over bool, err error) {
		attrs := append(slices.Clip(who), slog.String(login.KeyClient, s.Client), slog.String(login.KeyServer, s.NAS),
			slog.String(login.KeyStation, s.Station), slog.String(login.KeyKey, s.ID))
		switch {
		case err != nil:
			d.log.LogAttrs(ctx, slog.LevelError, "session not ended", append(attrs, slog.Any(login.KeyErr, err),
				slog.String(login.KeyHint, "portvakt disconnect "+e.User))...)
		case over:
			d.log.LogAttrs(ctx, slog.LevelInfo, "session was over", attrs...)
		default:
			d.log.LogAttrs(ctx, slog.LevelInfo, "session ended", attrs...)
		}
	})
}
