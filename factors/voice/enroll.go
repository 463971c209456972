package voice

import (
	"context"

	"github.com/portvakt/portvakt/factors/phone/book"
	"github.com/portvakt/portvakt/login"
)

// Enrollable returns the numbers of the directory that the person has not
// confirmed.
func (f *Factor) Enrollable(u login.User) []login.Method { return f.methods(f.numbers.Unconfirmed(u)) }

// Propose calls and tells a code, or the one told before once more. Whoever only
// has the password could have a key pressed; a code must be read at one end and
// typed at the other.
func (f *Factor) Propose(ctx context.Context, u login.User, m login.Method, before []byte) ([]byte, error) {
	return f.Resend(ctx, u, m, before)
}

// Show returns nothing: the code is told on her telephone.
func (*Factor) Show([]byte) string { return "" }

// Enroll takes the code that the call told.
func (f *Factor) Enroll(ctx context.Context, u login.User, m login.Method, memo []byte, answer login.Secret) (login.Credential, error) {
	if err := f.Check(ctx, u, m, memo, answer); err != nil {
		return login.Credential{}, err
	}
	number, ok := f.find(u, m)
	if !ok {
		return login.Credential{}, &login.Refusal{Reason: login.ReasonMethodNotAllowed, Detail: "no such number any more"}
	}
	return book.Listed(number)
}
