package login

import (
	"context"
	"slices"
)

// Telephones says which of the directory's telephone numbers may be used. Who
// can change a number there would else get the codes of its owner.
type Telephones interface {
	// Settled returns those numbers of the account that were not changed
	// lately, as the directory spells them, and remembers what it has seen.
	// changed is whether others stand there, or did lately: see [User.Changed].
	Settled(ctx context.Context, u User) (settled []string, changed bool, err error)
	// Look is Settled that remembers nothing, for answers and explanations.
	Look(ctx context.Context, u User) (settled []string, changed bool, err error)
}

// settle takes numbers off the account that may not be used yet.
func (f *Flow) settle(t *attempt, u *User) error {
	if f.Telephones == nil {
		return nil
	}
	ask := f.Telephones.Settled
	if !t.typed {
		ask = f.Telephones.Look // what is known of the account may be as old as the question
	}
	settled, changed, err := ask(t.ctx, *u)
	if err != nil {
		return err
	}
	if len(settled) < len(u.Account.Phones) {
		t.event.Detail = "a telephone number that changed in the directory is not used yet: portvakt user show"
	}
	u.Account.Phones, u.Changed = slices.Clip(settled), changed
	return nil
}
