package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/portvakt/portvakt/conf"
	"github.com/portvakt/portvakt/login"
	"github.com/portvakt/portvakt/radiusd"
	"github.com/portvakt/portvakt/store"
	"github.com/portvakt/portvakt/store/open"
)

// maxWhose bounds what is remembered of who signed in lately, twice.
const maxWhose = 1 << 15

// An accounting is the accounting port of a daemon, and what it keeps.
type accounting struct {
	server   *radiusd.Server
	sessions *store.Sessions
	whose    whose
	// ended is told of sessions that their people have ended themselves.
	ended func(ctx context.Context, s login.Session) error
}

// newSessions are the sessions in an opened store.
func newSessions(st *storage, f conf.File) *store.Sessions {
	return store.NewSessions(open.Apart(st.raw, st.ring), st.ring.Steady("session"), sessionsConfig(f))
}

func sessionsConfig(f conf.File) store.SessionsConfig {
	c := f.Accounting
	c.Shared = f.Store.Shared()
	return c
}

// newAccounting binds the accounting port; nil when the configuration has none.
func newAccounting(ctx context.Context, f conf.File, st *storage, opts radiusd.Options) (*accounting, error) {
	if len(f.Server.Accounting) == 0 {
		return nil, nil //nolint:nilnil // most sites have none
	}
	a := &accounting{sessions: newSessions(st, f)}
	err := a.sessions.Load(ctx)
	if _, other := store.Unopened(err); other != nil {
		return nil, other
	}
	if err != nil { // the sessions of others go on being counted
		opts.Log.LogAttrs(ctx, slog.LevelError, "some sessions cannot be read", slog.Any(login.KeyErr, err))
	}
	if a.server, err = radiusd.NewAccounting(f.Server.Config, a, opts); err != nil { //nolint:contextcheck // it reads nothing
		return nil, err
	}
	if err := a.server.Listen(ctx); err != nil {
		return nil, withHint(fmt.Errorf("serve accounting: %w", err), "another server may have the address: ss -lunp says which; or change server.accounting")
	}
	return a, nil
}

// Record keeps a report, with the account whose sign-in it follows.
func (a *accounting) Record(ctx context.Context, r login.SessionReport) error {
	r.AccountID = a.whose.of(r.Client, r.User)
	if err := a.sessions.Record(ctx, r); err != nil {
		return err
	}
	if r.Status != login.SessionStop || r.Cause != login.CauseUserRequest || a.ended == nil {
		return nil
	}
	// What the record has of the session beside this report: whose it is also
	// after a restart.
	s, err := a.sessions.Reported(ctx, &r)
	if errors.Is(err, login.ErrNotFound) { // there was no room for it
		return nil
	}
	if err != nil {
		return err
	}
	return a.ended(ctx, s)
}

// serve answers until ctx ends and then drains.
func (a *accounting) serve(ctx context.Context, log *slog.Logger) error {
	var wg sync.WaitGroup
	defer wg.Wait()
	wg.Go(func() {
		a.sessions.Run(ctx, func(err error) {
			log.LogAttrs(ctx, slog.LevelError, "old sessions not removed", slog.Any(login.KeyErr, err))
		})
	})
	return a.server.Serve(ctx)
}

// reload puts another configuration in force. The addresses stay those of the
// start.
func (a *accounting) reload(f conf.File, st *storage, addresses []string) error {
	cfg := f.Server.Config
	cfg.Accounting = addresses
	if err := a.server.Reload(cfg); err != nil {
		return err
	}
	a.sessions.Use(open.Apart(st.raw, st.ring), st.ring.Steady("session"), sessionsConfig(f))
	return nil
}

// A whose remembers whose account was let in under which name at which client,
// so that the session that follows is known to be hers. Two generations bound
// it: what is looked for, or said again, stays.
type whose struct {
	mu       sync.Mutex
	now, old map[string]string
}

func whoseKey(client, user string) string { return client + "\x00" + strings.ToLower(user) }

func (w *whose) saw(client, user, account string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.keep(whoseKey(client, user), account)
}

func (w *whose) keep(key, account string) {
	if w.now == nil || len(w.now) >= maxWhose {
		w.now, w.old = map[string]string{}, w.now
	}
	w.now[key] = account
}

// of returns the account; "" when it is not known.
func (w *whose) of(client, user string) string {
	key := whoseKey(client, user)
	w.mu.Lock()
	defer w.mu.Unlock()
	account, ok := w.now[key]
	if !ok {
		if account, ok = w.old[key]; ok {
			w.keep(key, account)
		}
	}
	return account
}

// accountingStatus is what the daemon says of its accounting.
type accountingStatus struct {
	Sessions int    `json:"sessions"`
	Active   int    `json:"active"`
	Received uint64 `json:"received"`
	InHand   int    `json:"in_hand"`
	Lost     uint64 `json:"lost_by_kernel"`
	Sent     counts `json:"sent"`
	Dropped  counts `json:"dropped"`
	Notes    counts `json:"notes"`
}

func (a *accounting) status() *accountingStatus {
	if a == nil {
		return nil
	}
	st := a.server.Stats()
	s := &accountingStatus{
		Received: st.Received, InHand: st.InHand, Lost: st.KernelDrops,
		Sent: some(st.Sent), Dropped: some(st.Dropped), Notes: some(st.Notes),
	}
	s.Sessions, s.Active = a.sessions.Counts(time.Now())
	return s
}
