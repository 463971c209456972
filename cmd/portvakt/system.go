package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"

	"github.com/portvakt/portvakt/conf"
	"github.com/portvakt/portvakt/factors/email"
	"github.com/portvakt/portvakt/factors/phone"
	"github.com/portvakt/portvakt/factors/phone/caps"
	"github.com/portvakt/portvakt/factors/phone/cooling"
	"github.com/portvakt/portvakt/factors/recovery"
	"github.com/portvakt/portvakt/factors/sms"
	"github.com/portvakt/portvakt/factors/sms/gateway"
	"github.com/portvakt/portvakt/factors/totp"
	"github.com/portvakt/portvakt/factors/voice"
	"github.com/portvakt/portvakt/factors/voice/prompts"
	"github.com/portvakt/portvakt/login"
	"github.com/portvakt/portvakt/login/text"
	"github.com/portvakt/portvakt/radiusd/dictionary"
	"github.com/portvakt/portvakt/radiusd/reply"
	"github.com/portvakt/portvakt/store"
	"github.com/portvakt/portvakt/store/bolt"
	"github.com/portvakt/portvakt/store/open"
	"github.com/portvakt/portvakt/store/socket"
)

// A storage is the opened store of a configuration: the file or the cluster
// itself, or the daemon that has it open, over its socket.
type storage struct {
	raw         store.KV // values as they lie there, sealed
	kv          store.KV // values as the program sees them
	ring        *store.Ring
	enrollments *store.Enrollments
	// codes is where providers of kind "log" write.
	codes io.Writer
	// dials is whether calls may be placed: a command that only looks must not
	// register at the exchange in the daemon's place.
	dials bool
}

// openStorage opens the store of the daemon: over its socket when it runs, else
// the store itself.
func openStorage(ctx context.Context, f conf.File, log *slog.Logger) (*storage, error) {
	raw, err := socket.Dial(ctx, f.Server.Admin)
	if err == nil {
		s := &storage{raw: raw, codes: os.Stderr}
		if err := s.unlock(ctx, f.Store); err != nil {
			return nil, errors.Join(err, raw.Close())
		}
		return s, nil
	}
	if !errors.Is(err, socket.ErrNoDaemon) {
		return nil, withHint(err, "run this command as root, or as the user the daemon runs as")
	}
	st, err := openOwnStorage(ctx, f, log)
	if errors.Is(err, bolt.ErrInUse) {
		err = withHint(err, "no daemon answers at "+f.Server.Admin+": does it run with another server.admin, or is it about to start or end?")
	}
	return st, err
}

// openOwnStorage opens the file, or the cluster, itself.
func openOwnStorage(ctx context.Context, f conf.File, log *slog.Logger) (*storage, error) {
	st, err := open.Open(ctx, f.Store, log)
	switch {
	case errors.Is(err, bolt.ErrDamaged):
		err = withHint(err, "put a copy in its place: portvakt restore --replace COPY")
	case f.Store.Shared() && !errors.Is(err, store.ErrSealed) && !errors.Is(err, store.ErrMissingKey):
		err = withHint(err, "portvakt check says how each member of the cluster is")
	}
	if err != nil {
		return nil, withCode(err, exitUnavailable)
	}
	return &storage{raw: st.Raw, kv: st.KV, ring: st.Ring, enrollments: store.NewEnrollments(st.KV), codes: os.Stderr}, nil
}

// unlock takes the key ring of a configuration into use.
func (s *storage) unlock(ctx context.Context, c store.Config) error {
	kv, ring, err := open.Unlock(ctx, c, s.raw)
	if err != nil {
		return err
	}
	s.kv, s.ring, s.enrollments = kv, ring, store.NewEnrollments(kv)
	return nil
}

func (s *storage) close() error { return s.raw.Close() }

// A system is everything one configuration file makes behind its transports.
type system struct {
	*storage
	file   conf.File
	log    *slog.Logger
	texts  *text.Texts
	policy *login.Policy
	directories
	dictionary *dictionary.Dictionary
	replies    *reply.Rules
	totp       *totp.Factor
	sms        *sms.Factor    // nil without providers
	gateways   *gateway.Chain // nil too
	recovery   *recovery.Factor
	bypass     *recovery.Bypass
	voice      *voice.Factor    // nil without providers
	phones     []voice.Provider // its providers, when calls may be placed
	speech     *prompts.Set     // what they say
	email      *email.Factor    // nil without a server
	numbers    *cooling.Numbers // nil when numbers are used at once, or never
}

// build makes everything of a file on top of an opened store. It is the one
// place that knows every package.
func build(f conf.File, st *storage, log *slog.Logger) (*system, error) {
	return rebuild(f, st, log, nil)
}

// rebuild is build, with the directory of the system before when there is one
// and its configuration is the same: its connections and what it knows of
// accounts go on.
func rebuild(f conf.File, st *storage, log *slog.Logger, before *system) (*system, error) {
	s := &system{storage: st, file: f, log: log}
	var err error
	if s.texts, err = text.New(f.Texts); err != nil {
		return nil, fmt.Errorf("texts: %w", err)
	}
	if f.SMS.Enabled() {
		if ps := checkMessages(f, s.texts); len(ps) > 0 {
			return nil, ps
		}
	}
	if s.policy, err = login.NewPolicy(f.Rules); err != nil {
		return nil, fmt.Errorf("rule: %w", err)
	}
	if s.dictionary, err = dictionary.Load(); err != nil {
		return nil, err
	}
	if s.replies, err = reply.New(f.Replies, s.dictionary); err != nil {
		return nil, fmt.Errorf("reply: %w", err)
	}
	if err := s.openDirectories(before); err != nil {
		return nil, err
	}
	if err := s.factors(before); err != nil {
		return nil, errors.Join(err, s.closeBeside(before))
	}
	return s, nil
}

func (s *system) factors(before *system) error {
	if err := s.calls(before); err != nil {
		return err
	}
	var err error
	s.totp = totp.New(s.file.TOTP, s.kv)
	key, old := s.ring.Keys("recovery")
	if s.recovery, err = recovery.New(s.kv, key, old...); err != nil {
		return err
	}
	key, old = s.ring.Keys("bypass")
	if s.bypass, err = recovery.NewBypass(s.kv, key, old...); err != nil {
		return err
	}
	if s.file.Email.Enabled() {
		if s.email, err = email.New(s.file.Email, s.kv, s.ring.Steady("email"), s.log, s.texts); err != nil {
			return err
		}
	}
	defer s.cool()
	if !s.file.SMS.Enabled() {
		return nil
	}
	if s.gateways, err = gateway.New(s.file.SMS.Provider, s.codes, s.log); err != nil {
		return fmt.Errorf("sms: %w", err)
	}
	if s.sms, err = sms.New(s.file.SMS, s.gateways, s.caps(caps.SMS, s.file.SMS.Caps), s.ring.Steady("sms"), s.log, s.texts); err != nil {
		return fmt.Errorf("sms: %w", err)
	}
	return nil
}

// cool makes what keeps new numbers of the directory from being used, where any
// are.
func (s *system) cool() {
	home, tell := s.file.Call.Numbers.Home(), (func(context.Context, login.User, phone.Number))(nil)
	if s.sms != nil {
		home, tell = s.file.SMS.Numbers.Home(), s.sms.Tell
	}
	if s.file.Phone.Cooling > 0 && (s.sms != nil || s.voice != nil) {
		s.numbers = cooling.New(s.file.Phone, home, s.kv, tell, s.log)
	}
}

// prompters are the factors in the order they are offered when a rule names
// none.
func (s *system) prompters() []login.Factor {
	var ps []login.Factor
	if s.voice != nil {
		ps = append(ps, s.voice)
	}
	ps = append(ps, s.totp)
	if s.sms != nil {
		ps = append(ps, s.sms)
	}
	if s.email != nil {
		ps = append(ps, s.email)
	}
	return append(ps, s.recovery, s.bypass)
}

// close waits for messages on their way and closes the directory's connections.
func (s *system) close() error { return s.closeBeside(nil) }

// closeBeside is close, but leaves the other system its directory.
func (s *system) closeBeside(other *system) error {
	s.closeDirectories(other)
	var err error
	if s.sms != nil {
		err = errors.Join(s.sms.Close(), s.gateways.Close())
	}
	if s.email != nil {
		err = errors.Join(err, s.email.Close())
	}
	if s.voice != nil && (other == nil || s.voice != other.voice) {
		err = errors.Join(err, s.voice.Close())
	}
	return err
}

// startMessages has gateways that keep a connection make it.
func (s *system) startMessages() {
	if s.gateways != nil {
		s.gateways.Start()
	}
}

// flowConfig is what the Flow is made of.
func (s *system) flowConfig(audit func(login.Event)) login.Config {
	c := login.Config{
		Directory: s.directory, Policy: s.policy,
		Factors:     s.prompters(),
		Enrollments: s.enrollments, Records: s.kv, Tickets: s.ring.Sealer("ticket"),
		Texts: s.texts, Audit: audit,
		AccountAge: s.file.LDAP.Cache, HashUnknown: !s.file.Log.UnknownUsers,
		Match: s.file.Call.Match, FraudLock: s.file.Call.FraudLock, RefuseRepeats: true,
		Emergency: s.file.Emergency,
	}
	if s.numbers != nil {
		c.Telephones = s.numbers
	}
	return c
}
