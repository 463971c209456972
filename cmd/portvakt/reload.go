package main

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/portvakt/portvakt/conf"
	"github.com/portvakt/portvakt/login"
)

// running is what a reload replaces. Logins hold it while they use it, so that
// nothing is closed under them.
type running struct {
	*system
	flow *login.Flow
	use  sync.RWMutex
}

func newRunning(s *system, flow *login.Flow) *running { return &running{system: s, flow: flow} }

// enter takes the configuration in force into use, until leave.
func (d *daemon) enter() *running {
	for {
		// It fails only for one that was replaced between the two.
		if r := d.current.Load(); r.use.TryRLock() {
			return r
		}
	}
}

func (r *running) leave() { r.use.RUnlock() }

// retirements close what reloads have replaced, one after the other: the next
// one may have the directory of the one before.
type retirements struct {
	sync.WaitGroup
	last chan struct{} // closed when the last one so far has ended
}

// retire closes old when no login uses it any more, at the latest after limit
// or when ctx ends. What next has of it stays open.
func (t *retirements) retire(ctx context.Context, old, next *running, limit time.Duration, log *slog.Logger) {
	before, done := t.last, make(chan struct{})
	t.last = done
	t.Go(func() {
		defer close(done)
		if before != nil {
			<-before
		}
		unused := make(chan struct{})
		t.Go(func() {
			old.use.Lock() // for good: nobody enters it again
			old.flow.Settle()
			close(unused)
		})
		late := time.NewTimer(limit)
		defer late.Stop()
		select {
		case <-unused:
		case <-late.C:
		case <-ctx.Done():
		}
		if err := old.closeBeside(next.system); err != nil {
			log.LogAttrs(ctx, slog.LevelWarn, "old configuration not closed", slog.Any(login.KeyErr, err))
		}
		// An SMSC may allow only one connection, which was the old one's.
		next.startMessages()
	})
}

func (d *daemon) reloads(ctx context.Context, hup <-chan os.Signal) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-hup:
			notify("RELOADING=1")
			if err := d.reload(ctx); err != nil {
				d.log.LogAttrs(ctx, slog.LevelError, "configuration not reloaded, the old one stays", slog.Any(login.KeyErr, err),
					slog.String(login.KeyHint, reloadHint(err, d.path)))
			}
			notify("READY=1")
		}
	}
}

// reloadHint is what to do about a configuration that could not be put in force.
func reloadHint(err error, path string) string {
	if errors.Is(err, syscall.EADDRINUSE) {
		return "the configuration in force may have this address: systemctl restart portvakt takes the new one"
	}
	return "portvakt check --config " + path
}

// reload puts a new configuration in force, or leaves everything as it is.
func (d *daemon) reload(ctx context.Context) error {
	f, warnings, err := conf.LoadFile(d.path)
	if err != nil {
		return err
	}
	old := d.current.Load()
	if !f.Store.Same(old.file.Store) || f.Server.Admin != old.file.Server.Admin || f.SMS.ReceiptsListen != old.file.SMS.ReceiptsListen ||
		f.Server.Desk != old.file.Server.Desk || f.Server.DeskGroup != old.file.Server.DeskGroup || f.Server.Metrics != old.file.Server.Metrics {
		return errors.New("[store] but for its key, server.admin, server.desk, server.desk_group, server.metrics and sms.receipts_listen are read only at the start: restart to change them")
	}
	fresh := &storage{raw: d.store.raw, codes: d.store.codes, dials: true}
	if err := fresh.unlock(ctx, f.Store); err != nil {
		return err
	}
	s, err := rebuild(f, fresh, d.log, old.system) //nolint:contextcheck // what it makes lives until it is closed
	if err != nil {
		return err
	}
	if err := s.listenForCalls(ctx, old.system); err != nil {
		return errors.Join(err, s.closeBeside(old.system))
	}
	if err := d.radius.Reload(f.Server.Config); err != nil { //nolint:contextcheck // it reads with a limit of its own
		return errors.Join(err, s.closeBeside(old.system))
	}
	if d.accounting != nil {
		if err := d.accounting.reload(f, fresh, old.file.Server.Accounting); err != nil { //nolint:contextcheck // it reads nothing
			return errors.Join(err, s.closeBeside(old.system))
		}
	}
	d.warn(ctx, warnings)
	if !slices.Equal(f.Server.Accounting, old.file.Server.Accounting) {
		d.log.LogAttrs(ctx, slog.LevelWarn, "server.accounting is read only at the start", slog.String(login.KeyHint, "restart to change it"))
	}
	if !slices.Equal(f.Server.Listen, old.file.Server.Listen) {
		d.log.LogAttrs(ctx, slog.LevelWarn, "server.listen is read only at the start", slog.String(login.KeyHint, "restart to change it"))
	}
	if !slices.Equal(f.Server.RadSec.Listen, old.file.Server.RadSec.Listen) {
		d.log.LogAttrs(ctx, slog.LevelWarn, "server.radsec.listen is read only at the start", slog.String(login.KeyHint, "restart to change it"))
	}
	d.logging.SetLevel(f.Log)
	d.recorder.Use(f.Attempts)
	s.watchLockout()
	next := newRunning(s, old.flow.With(s.flowConfig(d.audit)))
	d.current.Store(next)
	d.log.LogAttrs(ctx, slog.LevelInfo, "configuration reloaded")
	d.receipts(s)
	d.retired.retire(ctx, old, next, f.Server.Drain, d.log)
	return nil
}
