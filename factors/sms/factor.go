package sms

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/portvakt/portvakt/factors/code"
	"github.com/portvakt/portvakt/factors/phone"
	"github.com/portvakt/portvakt/factors/phone/book"
	"github.com/portvakt/portvakt/factors/phone/caps"
	"github.com/portvakt/portvakt/factors/sms/gateway"
	"github.com/portvakt/portvakt/login"
)

// Name is the factor's name in the configuration.
const Name = "sms"

const (
	minKey = 16 // octets
	// sendWithin bounds a Sender that does not bound itself.
	sendWithin = gateway.Overall + 2*time.Second
	tellWithin = 5 * time.Second
)

// A Sender hands messages over; [gateway.Chain] is one.
type Sender interface {
	// Ready returns an error when Deliver would fail at once.
	Ready(to phone.Number) error
	// Deliver returns nil when the message was accepted, a [*gateway.NotSent]
	// when it was certainly not sent, and another error when nobody knows.
	Deliver(ctx context.Context, m gateway.Message) error
}

var _ Sender = (*gateway.Chain)(nil)

// A Factor sends codes by text message. It is safe for concurrent use.
type Factor struct {
	book.Telephones

	cfg     Config
	send    Sender
	numbers *book.Book
	caps    *caps.Caps
	log     *slog.Logger
	often   caps.Often
	texts   Texts
	open    open
	courier code.Courier
	sending sync.WaitGroup
}

var (
	_ login.Resender = (*Factor)(nil)
	_ login.Enroller = (*Factor)(nil)
	_ login.Excluder = (*Factor)(nil)
)

// New makes the factor of a valid configuration; limits are those of its Caps.
// idKey, at least 16 octets, keeps numbers from being read out of method IDs;
// another one makes preferred methods forgotten.
func New(cfg Config, send Sender, limits *caps.Caps, idKey []byte, log *slog.Logger, texts Texts) (*Factor, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if len(idKey) < minKey {
		return nil, fmt.Errorf("sms: the key of method IDs has %d octets, fewer than %d", len(idKey), minKey)
	}
	numbers, err := book.New(cfg.Numbers, book.Messages)
	if err != nil {
		return nil, err
	}
	f := &Factor{
		cfg:     cfg,
		send:    send,
		numbers: numbers,
		caps:    limits,
		log:     log,
		texts:   texts,
	}
	f.Telephones = numbers.Telephones(Name, idKey, f)
	f.courier = code.Courier{Factor: Name, AskAfter: cfg.AskAfter, Unsent: gateway.Unsent, Go: f.sending.Go, Log: log}
	return f, nil
}

// Close waits for messages that are on their way to a gateway. It is called
// when no Prompt and no Check can come any more.
func (f *Factor) Close() error {
	f.sending.Wait()
	return nil
}

// Name returns "sms".
func (f *Factor) Name() string { return Name }

// Prompt sends a new code. It returns when the gateway has answered, or after
// AskAfter while the message goes on its way. It refuses with
// [login.ReasonSourceLimited] over a cap and with
// [login.ReasonMethodNotAllowed] when the number is gone.
func (f *Factor) Prompt(ctx context.Context, u login.User, m login.Method) ([]byte, error) {
	return f.Resend(ctx, u, m, nil)
}

// Resend sends the code of the memo again: people type the code of whichever
// message comes first. Its life goes on; when hardly anything is left of it, a
// new code is sent as Prompt does.
func (f *Factor) Resend(ctx context.Context, u login.User, m login.Method, memo []byte) ([]byte, error) {
	c, at, err := code.Renew(memo)
	if err != nil {
		return nil, fmt.Errorf("sms: new code: %w", err)
	}
	number, ok := f.Find(u, m)
	if !ok {
		return nil, &login.Refusal{Reason: login.ReasonMethodNotAllowed, Detail: "no such number any more"}
	}
	if err := f.send.Ready(number); err != nil {
		return nil, fmt.Errorf("sms: %w", err)
	}
	if err := f.caps.Take(ctx, u.Account.ID, number); err != nil {
		return nil, err
	}
	memo, until := code.Memo(c, at), at.Add(code.Life)
	f.open.begin(memo, until)
	account := slog.String(login.KeyAccount, u.Account.ID)
	message := gateway.Message{
		To: number, Text: f.compose(u, c, time.Until(until)), Until: until, Within: f.cfg.ReceiptWithin,
		Again: func(ctx context.Context) error {
			if err := f.open.still(memo); err != nil {
				return err
			}
			return f.caps.Take(ctx, u.Account.ID, number)
		},
		Fate: func(s gateway.State) { //nolint:contextcheck // told when the login has been answered
			if f.open.fate(memo, s) {
				f.log.LogAttrs(context.Background(), slog.LevelWarn, "no gateway could deliver a code", account)
			}
		},
	}
	err = f.courier.Deliver(ctx, account, func(going context.Context) error {
		sending, cancel := context.WithTimeout(going, sendWithin)
		defer cancel()
		return f.send.Deliver(sending, message)
	}, func() { message.Fate(gateway.Failed) })
	if err != nil {
		f.open.end(memo)
		return nil, err
	}
	return memo, nil
}

// Check decides whether the answer is the code of the memo, see the package's
// text for why a right answer is right only once.
func (f *Factor) Check(ctx context.Context, u login.User, m login.Method, memo []byte, answer login.Secret) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("sms: %w", err)
	}
	err := code.Check(memo, answer)
	if err != nil && login.Refused(err) == "" {
		return fmt.Errorf("sms: %w", err)
	}
	number, ok := f.Find(u, m)
	if !ok {
		// A stolen telephone was taken away from the account meanwhile.
		return &login.Refusal{Reason: login.ReasonWrongCode, Detail: "the number is not hers any more"}
	}
	switch {
	case err != nil && f.open.lost(memo):
		return &login.Refusal{Reason: login.ReasonNotDelivered}
	case err != nil:
		return err
	}
	f.open.end(memo)
	f.answered(ctx, number)
	return nil
}

// answered tells the watch over numbers that a code was entered. Nobody waits
// for that, and a code is not wrong because it could not be told.
func (f *Factor) answered(ctx context.Context, n phone.Number) {
	f.sending.Go(func() {
		telling, cancel := context.WithTimeout(context.WithoutCancel(ctx), tellWithin)
		defer cancel()
		if err := f.caps.Answered(telling, n); err != nil && f.often.Allow("answered") {
			f.log.LogAttrs(telling, slog.LevelWarn, "a code that was entered is not counted", slog.Any(login.KeyErr, err))
		}
	})
}
