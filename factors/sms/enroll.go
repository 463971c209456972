package sms

import (
	"context"

	"github.com/portvakt/portvakt/factors/phone"
	"github.com/portvakt/portvakt/factors/phone/book"
	"github.com/portvakt/portvakt/login"
)

// CredentialKind is the kind of an enrolled telephone.
const CredentialKind = book.CredentialKind

// Number returns the number of a credential of [CredentialKind].
func Number(c login.Credential) (phone.Number, error) {
	n, err := book.Number(c)
	return n.Line(), err
}

// Enrollable returns the numbers of the directory that the person has not
// confirmed.
func (f *Factor) Enrollable(u login.User) []login.Method { return f.methods(f.numbers.Unconfirmed(u)) }

// Propose sends a code, or the one sent before once more.
func (f *Factor) Propose(ctx context.Context, u login.User, m login.Method, before []byte) ([]byte, error) {
	return f.Resend(ctx, u, m, before)
}

// Show returns nothing: the code is on her telephone.
func (*Factor) Show([]byte) string { return "" }

// Enroll takes the code that was sent.
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
