package sms

import (
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
