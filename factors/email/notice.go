package email

import (
	"context"
	"fmt"
	"strings"

	"github.com/portvakt/portvakt/login"
)

var _ login.Notifier = (*Factor)(nil)

// Notify sends a message without a code.
func (f *Factor) Notify(ctx context.Context, u login.User, n login.Notice) error {
	address, ok := f.address(u)
	switch {
	case !ok:
		return &login.Refusal{Reason: login.ReasonMethodNotAllowed, Detail: "no address that may get a message"}
	case !f.breaker.Ready():
		return &login.Refusal{Reason: login.ReasonNotDelivered, Detail: "the mail server is left alone after failures"}
	}
	if err := f.caps.TakeSpareAccount(ctx, u.Account.ID); err != nil {
		return err
	}
	m := message{to: address, subject: printable(n.Subject, maxSubject), body: strings.TrimSpace(n.Text)}
	// What was begun is finished: else nobody knows whether it was sent.
	err := f.send(context.WithoutCancel(ctx), m)
	if unsent(err) {
		return &login.Refusal{Reason: login.ReasonNotDelivered, Detail: err.Error()}
	}
	if err != nil {
		return fmt.Errorf("email: %w", err)
	}
	return nil
}
