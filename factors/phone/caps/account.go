package caps

import "context"

// Email are messages that go to no number: see [Caps.TakeAccount].
const Email Service = "email"

// TakeAccount counts one use by the account that has no number, durably, or
// refuses with [login.ReasonSourceLimited]: only the caps of the account and
// of the day hold.
func (c *Caps) TakeAccount(ctx context.Context, account string) error {
	return c.takeAccount(ctx, account, c.all())
}

func (c *Caps) takeAccount(ctx context.Context, account string, all ledger) error {
	user := c.user(account)
	for _, l := range []ledger{user, all} {
		if err := c.ask(ctx, l, account); err != nil {
			return err
		}
	}
	if err := c.count(ctx, user, account); err != nil {
		return err
	}
	leave, err := c.enter(ctx)
	if err != nil {
		return err
	}
	defer leave()
	return c.count(ctx, all, account)
}
