package totp

import (
	"context"
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

// newMethod is what a person can enroll by herself.
const newMethod = name + "/new"

// Enrollable returns an app, unless she has a token.
func (f *Factor) Enrollable(u login.User) []login.Method {
	if len(f.Methods(u)) > 0 {
		return nil
	}
	return []login.Method{{ID: newMethod, Factor: name, Standing: true}}
}

// Propose makes the seed of a new token, which is the memo; the one she was
// shown before goes on, as she may have typed it.
func (f *Factor) Propose(_ context.Context, _ login.User, _ login.Method, before []byte) ([]byte, error) {
	if before != nil {
		return before, nil
	}
	return NewSeed(), nil
}

// group is how many letters of a seed are read and typed at a time.
const group = 4

// Show returns the seed in groups of four letters, as people type it.
func (f *Factor) Show(memo []byte) string {
	var b strings.Builder
	for i, c := range Seed(memo).Base32() {
		if i > 0 && i%group == 0 {
			b.WriteByte(' ')
		}
		b.WriteRune(c)
	}
	return b.String()
}

// Enroll takes the first code of the app, which cannot log in after that.
func (f *Factor) Enroll(ctx context.Context, _ login.User, _ login.Method, memo []byte, answer login.Secret) (login.Credential, error) {
	token := NewToken()
	token.Seed = memo
	c, err := NewCredential("", token)
	if err != nil {
		return login.Credential{}, err
	}
	return c, f.Confirm(ctx, c, answer)
}
