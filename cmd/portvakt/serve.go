package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/portvakt/portvakt/conf"
	"github.com/portvakt/portvakt/factors/sms/gateway"
	"github.com/portvakt/portvakt/internal/logging"
	"github.com/portvakt/portvakt/internal/metrics"
	"github.com/portvakt/portvakt/internal/pace"
	"github.com/portvakt/portvakt/login"
	"github.com/portvakt/portvakt/radiusd"
	"github.com/portvakt/portvakt/store"
	"github.com/portvakt/portvakt/store/attempts"
	"github.com/portvakt/portvakt/store/bolt"
	"github.com/portvakt/portvakt/store/socket"
)

const serveHelp = `Serve answers RADIUS requests until it is told to stop.

SIGTERM and SIGINT drain: no new sign-ins, those under way are answered, then it
ends with exit code 0. SIGHUP reads the configuration again; when the new one has
problems they are logged and the old one stays. The listening addresses and the
store are read only at the start.

Exit codes: 78 when the configuration has problems, 69 when the store or an
address cannot be used, 1 for anything else. A service manager should not restart
after 78.`

func newServeCommand() *cobra.Command {
	return &cobra.Command{
		Use: "serve", Short: "Answer RADIUS requests", Long: serveHelp, Args: cobra.NoArgs,
		Example: "  portvakt serve --config /etc/portvakt/portvakt.toml",
		RunE: func(c *cobra.Command, _ []string) error {
			hup := make(chan os.Signal, 1)
			signal.Notify(hup, syscall.SIGHUP)
			defer signal.Stop(hup)
			f, warnings, err := conf.LoadFile(configPath(c))
			if err != nil {
				return err
			}
			log := logging.New(f.Log, c.ErrOrStderr())
			defer log.Close()
			d := &daemon{path: configPath(c), log: log.Logger, logging: log, frauds: make(chan login.Event, maxReports)}
			return d.serve(c.Context(), f, warnings, hup)
		},
	}
}

// A daemon is a running server: what a configuration made, and the transports
// in front of it.
type daemon struct {
	path    string
	log     *slog.Logger
	logging *logging.Log

	began    time.Time
	store    *storage
	current  atomic.Pointer[running]
	radius   *radiusd.Server
	retired  retirements
	recorder *attempts.Recorder
	// metrics is nil when nobody looks.
	metrics *metrics.Metrics
	// receiver takes receipts of messages from gateways; nil when none calls.
	receiver *gateway.Receiver
	// accounting is nil when it is not taken; frauds are the reports that
	// somebody's sessions are to be ended for.
	accounting *accounting
	frauds     chan login.Event
}

func (d *daemon) serve(ctx context.Context, f conf.File, warnings conf.Problems, hup <-chan os.Signal) error {
	var wg sync.WaitGroup
	defer wg.Wait()
	pacing, stop := context.WithCancel(context.WithoutCancel(ctx)) // also while it drains
	defer stop()
	wg.Go(func() { pace.Run(pacing) })
	d.began = time.Now()
	d.warn(ctx, warnings)
	st, err := openOwnStorage(ctx, f, d.log)
	if errors.Is(err, bolt.ErrInUse) {
		err = withHint(err, "another portvakt serves already, or a command is at work: end it, or give this one a store.path of its own")
	}
	if err != nil {
		return withCode(err, exitUnavailable)
	}
	st.dials = true
	d.store = st
	err = d.run(ctx, f, hup)
	// The store closes last: what is drained may still write.
	return errors.Join(err, st.close())
}

func (d *daemon) run(ctx context.Context, f conf.File, hup <-chan os.Signal) error {
	s, err := build(f, d.store, d.log) //nolint:contextcheck // what it makes lives until it is closed
	if err != nil {
		return withCode(err, exitConfig)
	}
	if f.Server.Metrics.IsValid() {
		d.metrics = metrics.New(d.facts)
	}
	d.current.Store(newRunning(s, login.NewFlow(s.flowConfig(d.audit)))) // audits nothing before it serves
	defer func() { _ = d.current.Load().close() }()
	defer d.record(ctx, f.Attempts)()
	// Calls end before their lines do.
	defer func() { _ = d.endCalls() }()
	d.radius, err = radiusd.New(f.Server.Config, d, radiusd.Options{ //nolint:contextcheck // it reads with a limit of its own
		Log: d.log, Records: d, Reply: d.reply, Pass: d.pass, Healthy: d.healthy,
	})
	if err != nil {
		return withCode(err, exitConfig)
	}
	if err := s.listenForCalls(ctx, nil); err != nil {
		return withCode(withHint(err, "another program may have the address; or change callback_listen"), exitUnavailable)
	}
	if at := f.SMS.ReceiptsListen; at.IsValid() {
		if d.receiver, err = gateway.NewReceiver(ctx, at, d.log); err != nil {
			return withCode(withHint(fmt.Errorf("sms: %w", err), "another program may have the address; or change sms.receipts_listen"), exitUnavailable)
		}
		defer func() { _ = d.receiver.Close(context.WithoutCancel(ctx)) }()
	}
	d.receipts(s)
	s.startMessages()
	s.watchLockout()
	if err := newSelfTest(s.flowConfig(nil)).run(ctx); err != nil {
		return withHint(fmt.Errorf("self-test: %w", err), "this program must not decide about logins: install it again, and tell its makers")
	}
	desk, err := listenDesk(f.Server)
	if err != nil {
		return withCode(err, exitUnavailable)
	}
	if desk != nil {
		defer func() { _ = desk.Close() }() // where it is not served
	}
	admin, err := socket.Listen(f.Server.Admin)
	if err != nil {
		return withCode(err, exitUnavailable)
	}
	// Before the service manager is told that all is well.
	if err := d.radius.Listen(ctx); err != nil {
		err = withHint(fmt.Errorf("serve RADIUS: %w", err), "another server may have the address: ss -ltunp says which; or change server.listen or server.radsec.listen")
		return withCode(errors.Join(err, admin.Close()), exitUnavailable)
	}
	if d.accounting, err = newAccounting(ctx, f, s.storage, radiusd.Options{Log: d.log, Healthy: d.healthy}); err != nil {
		return withCode(errors.Join(err, admin.Close()), exitUnavailable)
	}
	if d.accounting != nil {
		d.accounting.ended = d.loggedOut
		d.radius.TakeAccounting(d.accounting.server)
	}
	endMetrics, err := d.showMetrics(ctx, f.Server)
	if err != nil {
		return withCode(errors.Join(err, admin.Close()), exitUnavailable)
	}
	defer endMetrics()
	var wg sync.WaitGroup
	defer wg.Wait()
	// The admin socket outlives the drain, so that a drain can be looked at.
	adminCtx, stopAdmin := context.WithCancel(context.WithoutCancel(ctx))
	defer stopAdmin()
	wg.Go(func() {
		if err := socket.Serve(adminCtx, admin, d.store.raw, socket.Options{Log: d.log, Status: d.status}); err != nil {
			d.log.LogAttrs(adminCtx, slog.LevelError, "admin socket ended", slog.Any(login.KeyErr, err))
		}
	})
	if desk != nil {
		wg.Go(func() {
			if err := socket.ServeDesk(adminCtx, desk, d.desk, d.log); err != nil {
				d.log.LogAttrs(adminCtx, slog.LevelError, "desk socket ended", slog.Any(login.KeyErr, err))
			}
		})
	}
	wg.Go(func() { d.reloads(adminCtx, hup) })
	wg.Go(func() { d.watchEmergencies(adminCtx) })
	wg.Go(func() { d.sweep(adminCtx) })
	d.log.LogAttrs(ctx, slog.LevelInfo, "serving", slog.String(login.KeyVersion, cmp.Or(version, "unreleased")), slog.Any(login.KeyAddress, slices.Concat(f.Server.Listen, f.Server.RadSec.Listen)))
	notify("READY=1")
	accounted := d.account(ctx, adminCtx)
	err = d.radius.Serve(ctx)
	notify("STOPPING=1")
	err = errors.Join(err, accounted())
	if err != nil {
		return withCode(fmt.Errorf("serve RADIUS: %w", err), exitUnavailable)
	}
	d.log.LogAttrs(adminCtx, slog.LevelInfo, "drained")
	return nil
}

// account serves the accounting port, if there is one, until ctx ends, and ends
// sessions after reports of fraud until late does. The result waits for it.
func (d *daemon) account(ctx, late context.Context) (wait func() error) {
	if d.accounting == nil {
		return func() error { return nil }
	}
	late, stop := context.WithCancel(late)
	var wg sync.WaitGroup
	var err error
	wg.Go(func() { err = d.accounting.serve(ctx, d.log) })
	var ending sync.WaitGroup
	ending.Go(func() { d.endSessions(late) })
	return func() error {
		wg.Wait()
		stop()
		ending.Wait()
		return err
	}
}

// endCalls ends what is being asked elsewhere, also what was begun under an older
// configuration, and waits for those to be closed.
func (d *daemon) endCalls() error {
	err := d.current.Load().flow.Close() // old configurations share its calls
	d.retired.Wait()
	return err
}

// receipts has receipts go to the messages of a configuration.
func (d *daemon) receipts(s *system) {
	if d.receiver != nil {
		d.receiver.Use(s.gateways)
	}
}

// Begin and Resume go to the Flow of the configuration in force.
func (d *daemon) Begin(ctx context.Context, a login.Attempt) (login.Step, error) {
	r := d.enter()
	defer r.leave()
	return r.flow.Begin(ctx, a)
}

// Resume answers a question.
func (d *daemon) Resume(ctx context.Context, a login.Attempt, t login.Ticket) (login.Step, error) {
	r := d.enter()
	defer r.leave()
	return r.flow.Resume(ctx, a, t)
}

// Rehearse finds out what would become of a copy.
func (d *daemon) Rehearse(ctx context.Context, a login.Attempt) error {
	r := d.enter()
	defer r.leave()
	return r.flow.Rehearse(ctx, a)
}

// Get reads a record under the key ring in force.
func (d *daemon) Get(ctx context.Context, key string) (login.Value, error) {
	return d.current.Load().kv.Get(ctx, key)
}

// Swap writes a record under the key ring in force.
func (d *daemon) Swap(ctx context.Context, key string, rev uint64, data []byte) error {
	return d.current.Load().kv.Swap(ctx, key, rev, data)
}

// reply returns the attributes of an Access-Accept. What had to be left out
// because the directory holds what cannot be sent is told, and keeps nobody
// out.
func (d *daemon) reply(client string, a login.Account) ([]byte, error) {
	avps, err := d.current.Load().replies.For(client, a)
	if err != nil {
		d.log.LogAttrs(context.Background(), slog.LevelWarn, "reply attributes left out", slog.String(login.KeyClient, client),
			slog.String(login.KeyAccount, a.ID), slog.Any(login.KeyErr, err))
	}
	return avps, nil
}

// pass returns what somebody gets of what an upstream server has granted.
func (d *daemon) pass(client string, a login.Account, granted []byte) []byte {
	return d.current.Load().replies.Pass(client, a, granted)
}

// healthy is whether Status-Server requests are answered.
func (d *daemon) healthy() bool {
	r := d.current.Load()
	return !r.file.Server.StatusSilent || r.up() && !d.storeAway()
}

func (d *daemon) audit(e login.Event) {
	audit(context.Background(), d.log, e)
	d.saw(e)
	d.metrics.Event(&e)
	d.recorder.Record(e)
}

// record keeps what becomes of logins until stop, which writes what is left.
func (d *daemon) record(ctx context.Context, c attempts.Config) (stop func()) {
	r := attempts.NewRecorder(recorded{d}, c, d.log)
	d.recorder = r
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx)) // also while it drains
	var wg sync.WaitGroup
	wg.Go(func() { r.Run(ctx) })
	return func() { cancel(); wg.Wait() }
}

// recorded is where a daemon keeps attempts: sealed under the key ring in force,
// and looked through as they lie in the file.
type recorded struct{ *daemon }

// Scan calls fn for each key, with its value as it is sealed.
func (r recorded) Scan(ctx context.Context, prefix string, fn func(string, store.Value) error) error {
	return r.store.raw.Scan(ctx, prefix, fn)
}

func (d *daemon) warn(ctx context.Context, warnings conf.Problems) {
	for _, w := range warnings {
		d.log.LogAttrs(ctx, slog.LevelWarn, "configuration", slog.String(login.KeyDetail, w.Error()))
	}
}
