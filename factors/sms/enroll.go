package sms

import (
	"github.com/portvakt/portvakt/factors/phone"
	"github.com/portvakt/portvakt/factors/phone/book"
	"github.com/portvakt/portvakt/login"
)

// CredentialKind is the kind of an enrolled telephone.
const CredentialKind = book.CredentialKind

// NewCredential makes a credential of a telephone number that an administrator
// vouches for. It refuses numbers that would get no message.
func NewCredential(cfg Config, raw, label string) (login.Credential, phone.Number, error) {
	b, err := book.New(cfg.Numbers, book.Messages)
	if err != nil {
		return login.Credential{}, phone.Number{}, err
	}
	return b.NewCredential(raw, label)
}

// Number returns the number of a credential of [CredentialKind].
func Number(c login.Credential) (phone.Number, error) {
	n, err := book.Number(c)
	return n.Line(), err
}
