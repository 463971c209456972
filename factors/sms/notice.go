package sms

import (
	"context"
	"fmt"
	"strings"

	"github.com/portvakt/portvakt/factors/sms/gateway"
	"github.com/portvakt/portvakt/factors/sms/gsm"
	"github.com/portvakt/portvakt/login"
)

var _ login.Notifier = (*Factor)(nil)

// Notify sends a text of one part, without a code, to the first of a person's
// numbers.
func (f *Factor) Notify(ctx context.Context, u login.User, n login.Notice) error {
	numbers := f.numbers.Of(u)
	if len(numbers) == 0 {
		return &login.Refusal{Reason: login.ReasonMethodNotAllowed, Detail: "no number that may get a message"}
	}
	text := f.onePart(n.Text)
	if text == "" {
		return &login.Refusal{Reason: login.ReasonMethodNotAllowed, Detail: "the text does not fit one message"}
	}
	if err := f.send.Ready(numbers[0]); err != nil {
		return &login.Refusal{Reason: login.ReasonNotDelivered, Detail: err.Error()}
	}
	if err := f.caps.TakeSpare(ctx, u.Account.ID, numbers[0]); err != nil {
		return err
	}
	// What was begun is finished: else nobody knows whether it was sent.
	sending, cancel := context.WithTimeout(context.WithoutCancel(ctx), sendWithin)
	defer cancel()
	err := f.send.Deliver(sending, gateway.Message{To: numbers[0], Text: text})
	if gateway.Unsent(err) {
		return &login.Refusal{Reason: login.ReasonNotDelivered, Detail: err.Error()}
	}
	if err != nil {
		return fmt.Errorf("sms: %w", err)
	}
	return nil
}

// onePart is a text as one message has room for it, in plainer letters if it
// must be; "" when it still needs more.
func (f *Factor) onePart(text string) string {
	text = strings.TrimSpace(text)
	if parts, _ := gsm.Parts(text); parts > 1 || f.cfg.Transliterate {
		text = gsm.Transliterate(text)
	}
	if parts, _ := gsm.Parts(text); parts > 1 {
		return ""
	}
	return text
}
