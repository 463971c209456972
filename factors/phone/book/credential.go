package book

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/portvakt/portvakt/factors/phone"
	"github.com/portvakt/portvakt/login"
)

// CredentialKind is the kind of an enrolled telephone.
const CredentialKind = "phone"

// A Phone is the data of a credential of [CredentialKind].
type Phone struct {
	// Number is E.164, or as [phone.Parse] reads it.
	Number string `json:"number"`
	// Verified is whether the person has proven that she is reached there, or
	// an administrator has taken her word.
	Verified bool `json:"verified"`
	// Listed is whether it came from the directory: it counts as long as it
	// stands there.
	Listed bool `json:"listed,omitempty"`
}

// NewCredential makes a credential of a number that an administrator vouches
// for. It refuses numbers that the service would not use.
func (b *Book) NewCredential(raw, label string) (login.Credential, phone.Number, error) {
	n, err := b.read(raw)
	if err != nil {
		return login.Credential{}, n, err
	}
	c, err := credential(n, label, false)
	return c, n, err
}

func credential(n phone.Number, label string, listed bool) (login.Credential, error) {
	number := n.E164()
	switch {
	case n.Pauses() > 1:
		number += strings.Repeat(",", n.Pauses()) + n.Extension() // a URI has no place for them
	case n.Extension() != "":
		number = "tel:" + number + ";ext=" + n.Extension() // RFC 3966, section 5.3
	}
	data, err := json.Marshal(Phone{Number: number, Verified: true, Listed: listed})
	if err != nil {
		return login.Credential{}, err
	}
	return login.Credential{ID: rand.Text(), Kind: CredentialKind, Label: label, Data: data, Created: time.Now().UTC()}, nil
}

// Number returns the number of a credential of [CredentialKind].
func Number(c login.Credential) (phone.Number, error) {
	var p Phone
	if c.Kind != CredentialKind {
		return phone.Number{}, fmt.Errorf("a credential of kind %q has no number", c.Kind)
	}
	if err := json.Unmarshal(c.Data, &p); err != nil {
		return phone.Number{}, err
	}
	return phone.Parse(p.Number, "")
}
