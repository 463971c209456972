package login

import (
	"context"
	"time"
)

// A Stater is a [Directory] that can tell without a password whether an account
// may still be used.
type Stater interface {
	// State returns nil while it may, and wraps a [*Refusal] when the account is
	// gone, disabled, expired or locked by the directory itself. Any other error
	// means "could not decide".
	State(ctx context.Context, a Account) error
}

// reread asks once more about somebody whose approval has come: her telephone
// may have rung for a minute since her password was right, and meanwhile she may
// have been disabled, or taken out of a group (attack: an account that is closed
// while it is being broken into). What the rule says of her now, and what she
// has now, decide about the approval.
func (f *Flow) reread(w *waiter) error {
	t, now := w.t, time.Now()
	defer func() { w.since += time.Since(now) }() // nobody is asked elsewhere any more
	account, err := f.lookup(t, f.AccountAge)
	if err != nil {
		return err
	}
	if account.ID != w.user.Account.ID {
		return &Refusal{Reason: ReasonUnknownUser, Detail: "the name is another account's now"}
	}
	if s, ok := f.Directory.(Stater); ok {
		began := time.Now()
		err := s.State(t.ctx, account)
		t.event.Directory += time.Since(began)
		if err != nil {
			return err
		}
	}
	d := f.Policy.For(account, t.Via, now)
	t.event.Rule = d.Rule
	if d.Second == SecondDeny {
		return &Refusal{Reason: ReasonPolicyDeny}
	}
	user, err := f.user(t, account)
	if err != nil {
		return err
	}
	w.user, w.d, w.methods = user, d.shared(), f.methods(user, d)
	return nil
}
