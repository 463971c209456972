package totp

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/portvakt/portvakt/login"
)

// NewCredential makes a credential of a token, with a random ID. It refuses a
// token that is not valid. The label tells several tokens of one person apart.
func NewCredential(label string, t Token) (login.Credential, error) {
	if err := t.Validate(); err != nil {
		return login.Credential{}, fmt.Errorf("token: %w", err)
	}
	raw, err := json.Marshal(t.data()) //nolint:gosec // the seed is for the credential, which the store seals
	if err != nil {
		return login.Credential{}, fmt.Errorf("token: %w", err)
	}
	return login.Credential{ID: rand.Text(), Kind: t.Kind, Label: label, Data: raw, Created: time.Now().UTC()}, nil
}

// URI returns the key URI of a token for the account, under the configured
// issuer. It holds the secret.
func (f *Factor) URI(account string, t Token) string { return URI(f.issuer, account, t) }

// URI returns the key URI that authenticator apps read, mostly as a QR code:
// "otpauth://totp/Issuer:account?secret=…". It holds the secret. A colon in
// the issuer becomes a space, since it would end the issuer.
func URI(issuer, account string, t Token) string {
	issuer = strings.ReplaceAll(issuer, ":", " ")
	var b strings.Builder
	b.WriteString("otpauth://" + t.Kind + "/" + escape(issuer) + ":" + escape(account))
	b.WriteString("?secret=" + t.Seed.Base32() + "&issuer=" + escape(issuer))
	b.WriteString("&algorithm=" + t.Algorithm.String() + "&digits=" + strconv.Itoa(t.Digits))
	if t.Kind == KindCounter {
		b.WriteString("&counter=" + strconv.FormatUint(t.Counter, 10))
	} else {
		b.WriteString("&period=" + strconv.Itoa(int(t.Period/time.Second)))
	}
	return b.String()
}

// escape writes a space as %20: apps show the plus of form encoding as it is.
func escape(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }
