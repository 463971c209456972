package sms

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"time"

	"github.com/portvakt/portvakt/factors/phone"
	"github.com/portvakt/portvakt/login"
)

// NewCredential makes a credential of a telephone number that an administrator
// vouches for. It refuses numbers that would get no message.
func NewCredential(cfg Config, raw, label string) (login.Credential, phone.Number, error) {
	n, err := phone.Parse(raw, cfg.region())
	if err != nil {
		return login.Credential{}, n, err
	}
	countries, err := phone.NewCountries(cfg.Countries...)
	switch {
	case err != nil:
		return login.Credential{}, n, fmt.Errorf("sms.countries: %w", err)
	case !countries.Allow(n):
		return login.Credential{}, n, fmt.Errorf("%s is in a country (%s) that sms.countries does not list", n.Masked(), n.Country())
	case !n.Textable():
		return login.Credential{}, n, fmt.Errorf("%s is no mobile number: it gets no text messages", n.Masked())
	}
	n = n.Line()
	data, err := json.Marshal(Phone{Number: n.E164(), Verified: true})
	if err != nil {
		return login.Credential{}, n, err
	}
	return login.Credential{ID: rand.Text(), Kind: CredentialKind, Label: label, Data: data, Created: time.Now().UTC()}, n, nil
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
	n, err := phone.Parse(p.Number, "")
	return n.Line(), err
}
