package login

import (
	"context"
	"time"
)

// look is the user of an account, for explanations: nothing is written.
func (f *Flow) look(ctx context.Context, a Account) (User, error) {
	e, err := f.Enrollments.Enrollment(ctx, a.ID)
	if err != nil {
		return User{}, err
	}
	u := User{Account: a, Enrollment: e, Language: f.Texts.Match(e.Language, a.Language)}
	if f.Telephones != nil {
		u.Account.Phones, u.Changed, err = f.Telephones.Look(ctx, u)
	}
	return u, err
}

// Methods are the ways an account can prove a second factor under a decision,
// in the order they are asked; for explanations.
func (f *Flow) Methods(ctx context.Context, a Account, d Decision) ([]Method, error) {
	u, err := f.look(ctx, a)
	if err != nil {
		return nil, err
	}
	return f.methods(u, d), nil
}

// Offers are what an account that has no method could enroll under a decision;
// for explanations. The error is a [*Refusal] that says why it could not.
func (f *Flow) Offers(ctx context.Context, a Account, d Decision, v Via, at time.Time) ([]Method, error) {
	u, err := f.look(ctx, a)
	if err != nil {
		return nil, err
	}
	return f.newcomersAt(ctx, v, u, d, topicEnroll, at, false)
}
