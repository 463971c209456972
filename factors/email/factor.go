package email

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/portvakt/portvakt/factors/breaker"
	"github.com/portvakt/portvakt/factors/code"
	"github.com/portvakt/portvakt/factors/fault"
	"github.com/portvakt/portvakt/factors/phone/caps"
	"github.com/portvakt/portvakt/login"
)

// Name is the factor's name in the configuration.
const Name = "email"

const (
	methodPrefix = Name + "/"
	minKey       = 16 // octets
)

// A Factor sends codes by e-mail. It is safe for concurrent use.
type Factor struct {
	cfg     Config
	server  *server
	post    func(context.Context, message) error // server.send
	caps    *caps.Caps
	key     []byte
	log     *slog.Logger
	texts   Texts
	often   caps.Often
	breaker breaker.Breaker
	courier code.Courier
	sending sync.WaitGroup
}

var _ login.Resender = (*Factor)(nil)

// New makes the factor of a valid configuration that is enabled. Caps are kept
// in records. idKey, at least 16 octets, keeps addresses from being read out
// of method IDs, and accounts out of keys of records; another one makes
// preferred methods forgotten and lets the caps of users begin anew.
func New(cfg Config, records login.Records, idKey []byte, log *slog.Logger, texts Texts) (*Factor, error) {
	if !cfg.Enabled() {
		return nil, errors.New("email: there is no server")
	}
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if len(idKey) < minKey {
		return nil, fmt.Errorf("email: the key of method IDs has %d octets, fewer than %d", len(idKey), minKey)
	}
	s, err := newServer(cfg)
	if err != nil {
		return nil, fmt.Errorf("email.%w", err)
	}
	limits := caps.DefaultConfig(caps.Email)
	limits.PerUserHour, limits.PerDay = cfg.PerUserHour, cfg.PerDay
	f := &Factor{
		cfg: cfg, server: s, post: s.send, key: idKey, log: log, texts: texts,
		caps: caps.New(limits, caps.Email, records, idKey, log),
	}
	f.courier = code.Courier{Factor: Name, AskAfter: cfg.AskAfter, Unsent: unsent, Go: f.sending.Go, Log: log}
	return f, nil
}

// Close waits for messages that are on their way. It is called when no Prompt
// can come any more.
func (f *Factor) Close() error {
	f.sending.Wait()
	return nil
}

// Reach connects to the server and logs in, without sending: for "portvakt
// check".
func (f *Factor) Reach(ctx context.Context) error { return f.server.check(ctx) }

// Name returns "email".
func (f *Factor) Name() string { return Name }

// Methods returns one method when the directory has an address that may get a
// message.
func (f *Factor) Methods(u login.User) []login.Method {
	address, ok := f.address(u)
	if !ok {
		return nil
	}
	return []login.Method{{ID: methodPrefix + id(f.key, address), Factor: Name, Hint: mask(address)}}
}

func (f *Factor) address(u login.User) (string, bool) {
	address, err := parse(u.Account.Mail)
	return address, err == nil && f.cfg.allowed(address)
}

// find returns the address of a method, if the person still has it.
func (f *Factor) find(u login.User, m login.Method) (string, bool) {
	address, ok := f.address(u)
	return address, ok && m.ID == methodPrefix+id(f.key, address)
}

// Prompt sends a new code. It returns when the server has answered, or after
// AskAfter while the message goes on its way. It refuses with
// [login.ReasonSourceLimited] over a cap and with
// [login.ReasonMethodNotAllowed] when the address is gone.
func (f *Factor) Prompt(ctx context.Context, u login.User, m login.Method) ([]byte, error) {
	return f.Resend(ctx, u, m, nil)
}

// Resend sends the code of the memo again: people type the code of whichever
// message comes first. Its life goes on; when hardly anything is left of it, a
// new code is sent as Prompt does.
func (f *Factor) Resend(ctx context.Context, u login.User, m login.Method, memo []byte) ([]byte, error) {
	c, at, err := code.Renew(memo)
	if err != nil {
		return nil, fmt.Errorf("email: new code: %w", err)
	}
	address, ok := f.find(u, m)
	if !ok {
		return nil, &login.Refusal{Reason: login.ReasonMethodNotAllowed, Detail: "no such address any more"}
	}
	if !f.breaker.Ready() {
		return nil, errors.New("email: the server is left alone after failures")
	}
	if err := f.caps.TakeAccount(ctx, u.Account.ID); err != nil {
		return nil, err
	}
	message, account := f.compose(u, address, c, time.Until(at.Add(code.Life))), slog.String(login.KeyAccount, u.Account.ID)
	err = f.courier.Deliver(ctx, account, func(going context.Context) error { return f.send(going, message) }, nil)
	if err != nil {
		return nil, err
	}
	return code.Memo(c, at), nil
}

// send gives a message to the server.
func (f *Factor) send(ctx context.Context, m message) (err error) {
	if broken := fault.Guard(f.log, func() { err = f.post(ctx, m) }); broken != nil {
		err = broken
	}
	f.judge(ctx, err)
	return err
}

func unsent(err error) bool {
	_, ok := errors.AsType[*notSent](err)
	return ok
}

// judge tells the breaker and the log how the server did.
func (f *Factor) judge(ctx context.Context, err error) {
	not, ok := errors.AsType[*notSent](err)
	down := err != nil && (!ok || not.down)
	opened, recovered := f.breaker.Leave(!down, 0)
	switch {
	case opened:
		f.log.LogAttrs(ctx, slog.LevelError, "mail server is left alone after failures", slog.String(login.KeyServer, f.cfg.Server),
			slog.Any(login.KeyErr, err), slog.String(login.KeyDetail, "for "+breaker.For.String()))
	case recovered:
		f.log.LogAttrs(ctx, slog.LevelInfo, "mail server works again", slog.String(login.KeyServer, f.cfg.Server))
	}
}

// Check decides whether the answer is the code of the memo.
func (f *Factor) Check(ctx context.Context, u login.User, m login.Method, memo []byte, answer login.Secret) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("email: %w", err)
	}
	err := code.Check(memo, answer)
	if err != nil && login.Refused(err) == "" {
		return fmt.Errorf("email: %w", err)
	}
	if _, ok := f.find(u, m); !ok {
		// Her mailbox was taken away from the account meanwhile.
		return &login.Refusal{Reason: login.ReasonWrongCode, Detail: "the address is not hers any more"}
	}
	return err
}
