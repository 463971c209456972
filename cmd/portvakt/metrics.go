package main

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/portvakt/portvakt/conf"
	"github.com/portvakt/portvakt/internal/metrics"
	"github.com/portvakt/portvakt/store/bolt"
)

// showMetrics answers whoever looks at the daemon from outside, also while it
// drains, which begins when ctx ends. The result ends it; it is never nil.
func (d *daemon) showMetrics(ctx context.Context, c conf.Server) (end func(), err error) {
	if !c.Metrics.IsValid() {
		return func() {}, nil
	}
	s, err := metrics.Listen(context.WithoutCancel(ctx), c.Metrics, d.metrics, func() []string { return d.unready(ctx) }, d.log)
	if err != nil {
		return func() {}, withHint(fmt.Errorf("server.metrics: %w", err), "another program may have the address: ss -ltnp says which; or change it")
	}
	return func() { _ = s.Close(context.WithoutCancel(ctx)) }, nil
}

// facts are what the daemon shows of itself.
func (d *daemon) facts() metrics.Facts {
	f := metrics.Facts{
		Version: cmp.Or(version, "unreleased"), Directory: d.current.Load().up(),
		Emergencies: -1, Unkept: d.recorder.Dropped(), Authentication: d.radius.Stats(), Store: d.storeStats(),
	}
	if all, err := d.emergencies(context.Background()); err == nil {
		f.Emergencies = len(all)
	}
	if a := d.accounting; a != nil {
		f.Accounting = &metrics.Accounting{Stats: a.server.Stats()}
		f.Accounting.Sessions, f.Accounting.Active = a.sessions.Counts(time.Now())
	}
	return f
}

// storeStats are nil when the store is another program.
func (d *daemon) storeStats() *bolt.Stats {
	own, ok := d.store.raw.(interface{ Stats() bolt.Stats })
	if !ok {
		return nil
	}
	st := own.Stats()
	return &st
}

// storeAway is whether the store is a cluster that does not answer. It is asked
// every few seconds, see watchEmergencies.
func (d *daemon) storeAway() bool {
	cluster, ok := d.store.raw.(interface{ Failing() bool })
	return ok && cluster.Failing()
}

// unready tells why no sign-in can be decided now.
func (d *daemon) unready(ctx context.Context) (why []string) {
	if ctx.Err() != nil {
		why = append(why, "the server is ending")
	}
	if !d.current.Load().up() {
		why = append(why, "the directory does not answer")
	}
	if st := d.storeStats(); st != nil && st.Failing {
		why = append(why, "the store cannot write")
	}
	if d.storeAway() {
		why = append(why, "the cluster of the store does not answer")
	}
	return why
}
