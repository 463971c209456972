package voice

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"

	"github.com/portvakt/portvakt/factors/phone"
	"github.com/portvakt/portvakt/factors/phone/book"
	"github.com/portvakt/portvakt/factors/phone/caps"
	"github.com/portvakt/portvakt/factors/voice/prompts"
	"github.com/portvakt/portvakt/login"
)

// Name is the factor's name in the configuration.
const Name = "call"

const minKey = 16 // octets

// Needs is what a Factor is made of beside its configuration.
type Needs struct {
	// Providers are tried in order.
	Providers []Provider
	Caps      *caps.Caps // those of the configuration
	Prompts   *prompts.Set
	// Key, at least 16 octets, keeps numbers from being read out of method IDs; the
	// first of PINKeys digests PINs, and the ones before it are still known.
	Key     []byte
	PINKeys [][]byte
	Log     *slog.Logger
}

// A Factor calls telephones. It is safe for concurrent use.
type Factor struct {
	// A telephone is confirmed by a code that the call tells. Whoever only has the
	// password could have a key pressed; a code must be read at one end and typed at
	// the other.
	book.Telephones

	cfg     Config
	chain   chain
	lines   *lines
	caps    *caps.Caps
	prompts *prompts.Set
	pinKeys [][]byte
	log     *slog.Logger
}

var (
	_ login.Approver = (*Factor)(nil)
	_ login.Resender = (*Factor)(nil)
	_ login.Enroller = (*Factor)(nil)
	_ login.Excluder = (*Factor)(nil)
)

// New makes the factor of a valid configuration. It owns the providers and
// closes them with Close.
func New(cfg Config, n Needs) (*Factor, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if len(n.Key) < minKey || len(n.PINKeys) == 0 || len(n.PINKeys[0]) < minKey {
		return nil, fmt.Errorf("call: a key has fewer than %d octets", minKey)
	}
	numbers, err := book.New(cfg.Numbers, book.Calls)
	if err != nil {
		return nil, err
	}
	f := &Factor{
		cfg: cfg, chain: chain{log: n.Log}, lines: newLines(cfg.MaxCalls, cfg.Queue, n.Log),
		caps:    n.Caps,
		prompts: n.Prompts, pinKeys: n.PINKeys, log: n.Log,
	}
	f.Telephones = numbers.Telephones(Name, n.Key, f)
	for _, p := range n.Providers {
		f.chain.links = append(f.chain.links, &link{Provider: p})
	}
	return f, nil
}

// Close waits for calls under way and closes the providers.
func (f *Factor) Close() error {
	f.lines.close()
	var errs []error
	for _, l := range f.chain.links {
		errs = append(errs, l.Close())
	}
	return errors.Join(errs...)
}

// Name returns "call".
func (f *Factor) Name() string { return Name }

// Approve calls the method's number and has the person press a key. It is
// answered at the key; what is said to her then goes on.
func (f *Factor) Approve(a login.Approval, done func(error)) (stop func()) {
	var decided atomic.Bool
	once := func(err error) {
		if decided.CompareAndSwap(false, true) {
			done(err)
		}
	}
	j := &job{fail: once, run: func(ctx context.Context) { once(f.approve(ctx, a, once)) }}
	f.lines.start(j)
	return func() {
		if !decided.Load() {
			f.lines.stop(j)
		}
	}
}

func (f *Factor) approve(ctx context.Context, a login.Approval, answer func(error)) error {
	number, ok := f.Find(a.User, a.Method)
	if !ok {
		return &login.Refusal{Reason: login.ReasonMethodNotAllowed, Detail: "no such number any more"}
	}
	keys := &keypad{match: a.Match}
	if a.PIN {
		if keys.pin = f.pinOf(a.User); keys.pin == nil {
			return &login.Refusal{Reason: login.ReasonNotEnrolled, Detail: "the rule asks for a PIN, and she has none"}
		}
	}
	lang := f.language(a.User)
	call := f.place(a.Attempt, number, lang)
	call.Prompt = f.prompts.Approve(lang, prompts.Details{Service: a.User.Client, Place: a.Station, Match: a.Match != "", PIN: a.PIN})
	call.OneKey = a.Match == "" && !a.PIN
	call.Again = f.prompts.Again(lang)
	if a.Match != "" {
		call.Again = f.prompts.WrongMatch(lang)
	}
	call.Keys = func(key byte) (bool, error) {
		decided, err := keys.press(key)
		if decided {
			answer(err)
		}
		return decided, err
	}
	err := f.dial(ctx, a.User, call)
	if Unrung(err) {
		return fmt.Errorf("%w: %w", login.ErrNotAsked, err)
	}
	if answered(err) {
		f.judge(ctx, number)
	}
	return err
}

// answered reports whether a person was there.
func answered(err error) bool {
	return err == nil || errors.Is(err, login.ErrDenied) || errors.Is(err, login.ErrFraud)
}

// judge tells the watch over useless calls that this one was none.
func (f *Factor) judge(ctx context.Context, n phone.Number) {
	if err := f.caps.Answered(context.WithoutCancel(ctx), n); err != nil {
		f.log.LogAttrs(ctx, slog.LevelWarn, "answered call not counted", slog.Any(login.KeyErr, err))
	}
}

// language is what she is spoken to in.
func (f *Factor) language(u login.User) string {
	if u.Enrollment.Language != "" {
		return f.prompts.Match(u.Enrollment.Language)
	}
	if u.Account.Language != "" {
		return f.prompts.Match(u.Account.Language)
	}
	return f.prompts.Match(u.Language)
}

// place is a call with what all calls have.
func (f *Factor) place(attempt string, to phone.Number, lang string) *Call {
	return &Call{
		Reference: attempt, To: to, Language: lang, Ring: f.cfg.Ring, Talk: f.cfg.Talk,
		Ending: func(err error) prompts.Message { return f.ending(lang, err) },
	}
}

// ending is what is said before hanging up.
func (f *Factor) ending(lang string, err error) prompts.Message {
	switch {
	case err == nil:
		return f.prompts.Approved(lang)
	case errors.Is(err, login.ErrFraud):
		return f.prompts.Fraud(lang)
	case errors.Is(err, login.ErrDenied):
		return f.prompts.Denied(lang)
	}
	return f.prompts.TimeUp(lang)
}

// dial counts the call and places it.
func (f *Factor) dial(ctx context.Context, u login.User, call *Call) error {
	if !f.chain.ready() {
		return errPaused
	}
	if err := f.caps.Take(ctx, u.Account.ID, call.To); err != nil {
		return err
	}
	return f.chain.call(ctx, call)
}
