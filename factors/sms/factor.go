package sms

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/portvakt/portvakt/factors/phone"
	"github.com/portvakt/portvakt/factors/phone/book"
	"github.com/portvakt/portvakt/factors/phone/caps"
	"github.com/portvakt/portvakt/factors/sms/gateway"
	"github.com/portvakt/portvakt/login"
)

// Name is the factor's name in the configuration.
const Name = "sms"

const (
	methodPrefix = Name + "/"
	minKey       = 16 // octets
	// sendWithin bounds a Sender that does not bound itself.
	sendWithin = gateway.Overall + 2*time.Second
	tellWithin = 5 * time.Second
)

// A Sender hands messages over; [gateway.Chain] is one.
type Sender interface {
	// Ready returns an error when Send would fail at once.
	Ready() error
	// Send returns nil when the message was accepted, a [*gateway.NotSent]
	// when it was certainly not sent, and another error when nobody knows.
	Send(ctx context.Context, to phone.Number, text string) error
}

var _ Sender = (*gateway.Chain)(nil)

// A Factor sends codes by text message. It is safe for concurrent use.
type Factor struct {
	cfg     Config
	send    Sender
	numbers *book.Book
	caps    *caps.Caps
	key     []byte
	log     *slog.Logger
	often   caps.Often
	texts   Texts
	sending sync.WaitGroup
}

var _ login.Prompter = (*Factor)(nil)

// New makes the factor of a valid configuration. Caps are kept in records.
// idKey, at least 16 octets, keeps numbers from being read out of method IDs
// and keys of records; another one makes preferred methods forgotten and lets
// the caps of users and numbers begin anew.
func New(cfg Config, send Sender, records login.Records, idKey []byte, log *slog.Logger, texts Texts) (*Factor, error) {
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
	return &Factor{
		cfg:     cfg,
		send:    send,
		numbers: numbers,
		caps:    caps.New(cfg.Caps, caps.SMS, records, idKey, log),
		key:     idKey,
		log:     log,
		texts:   texts,
	}, nil
}

// Close waits for messages that are on their way to a gateway. It is called
// when no Prompt and no Check can come any more.
func (f *Factor) Close() error {
	f.sending.Wait()
	return nil
}

// Name returns "sms".
func (f *Factor) Name() string { return Name }

// Methods returns one method for each number that can get a message.
func (f *Factor) Methods(u login.User) []login.Method {
	var methods []login.Method
	for _, n := range f.numbers.Of(u) {
		methods = append(methods, login.Method{ID: methodPrefix + n.ID(f.key), Factor: Name, Hint: n.Hint()})
	}
	return methods
}

// find returns the number of a method, if the person still has it.
func (f *Factor) find(u login.User, m login.Method) (phone.Number, bool) {
	for _, n := range f.numbers.Of(u) {
		if methodPrefix+n.ID(f.key) == m.ID {
			return n, true
		}
	}
	return phone.Number{}, false
}

// Prompt sends a new code. It returns when the gateway has answered, or after
// AskAfter while the message goes on its way. It refuses with
// [login.ReasonSourceLimited] over a cap and with
// [login.ReasonMethodNotAllowed] when the number is gone.
func (f *Factor) Prompt(ctx context.Context, u login.User, m login.Method) ([]byte, error) {
	number, ok := f.find(u, m)
	if !ok {
		return nil, &login.Refusal{Reason: login.ReasonMethodNotAllowed, Detail: "no such number any more"}
	}
	if err := f.send.Ready(); err != nil {
		return nil, fmt.Errorf("sms: %w", err)
	}
	if err := f.caps.Take(ctx, u.Account.ID, number); err != nil {
		return nil, err
	}
	code, err := newCode()
	if err != nil {
		return nil, fmt.Errorf("sms: new code: %w", err)
	}
	memo := newMemo(code, time.Now())
	if err := f.deliver(ctx, u, number, f.compose(u, code)); err != nil {
		return nil, err
	}
	return memo, nil
}

// deliver sends the message, and returns an error only when it was certainly
// not sent or the caller has gone.
func (f *Factor) deliver(ctx context.Context, u login.User, to phone.Number, text string) error {
	account := slog.String(login.KeyAccount, u.Account.ID)
	answered := make(chan error, 1)
	var settled atomic.Bool // by the gateway's answer, or by putting the question
	f.sending.Go(func() {
		// A message that was begun is finished: cutting it off would only
		// make it unknown whether it was sent.
		sending, cancel := context.WithTimeout(context.WithoutCancel(ctx), sendWithin)
		defer cancel()
		err := f.send.Send(sending, to, text)
		if settled.CompareAndSwap(false, true) {
			answered <- err
		} else if gateway.Unsent(err) {
			f.log.LogAttrs(sending, slog.LevelWarn, "message not sent, but the question was put already", account,
				slog.Any(login.KeyErr, err))
		}
	})
	timer := time.NewTimer(f.cfg.AskAfter)
	defer timer.Stop()
	select {
	case err := <-answered:
		return f.outcome(ctx, err, account)
	case <-ctx.Done():
		return fmt.Errorf("sms: %w", ctx.Err())
	case <-timer.C:
	}
	if settled.CompareAndSwap(false, true) {
		return nil
	}
	return f.outcome(ctx, <-answered, account)
}

// outcome decides whether the question can be put.
func (f *Factor) outcome(ctx context.Context, err error, account slog.Attr) error {
	switch {
	case err == nil:
		return nil
	case gateway.Unsent(err):
		return fmt.Errorf("sms: %w", err)
	default:
		f.log.LogAttrs(ctx, slog.LevelWarn, "message may have been sent, the question is put", account,
			slog.Any(login.KeyErr, err))
		return nil
	}
}

// Check decides whether the answer is the code of the memo, see the package's
// text for why a right answer is right only once.
func (f *Factor) Check(ctx context.Context, u login.User, m login.Method, memo []byte, answer login.Secret) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("sms: %w", err)
	}
	if memo == nil {
		return &login.Refusal{Reason: login.ReasonWrongCode, Detail: "no message was sent"}
	}
	code, at, err := readMemo(memo)
	if err != nil {
		return fmt.Errorf("sms: %w", err)
	}
	if answer == nil {
		return errors.New("sms: no answer")
	}
	right := same(answer, code)
	age := time.Since(at)
	number, ok := f.find(u, m)
	if !ok {
		// A stolen telephone was taken away from the account meanwhile.
		return &login.Refusal{Reason: login.ReasonWrongCode, Detail: "the number is not hers any more"}
	}
	switch {
	case age > codeLife:
		return &login.Refusal{Reason: login.ReasonWrongCode, Detail: "the code is too old"}
	case age < -maxSkew:
		return &login.Refusal{Reason: login.ReasonWrongCode, Detail: "the code is from the future: a clock is wrong"}
	case !right:
		return &login.Refusal{Reason: login.ReasonWrongCode}
	}
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
