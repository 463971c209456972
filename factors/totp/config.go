package totp

import (
	"errors"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxIssuer keeps the QR code small enough for a terminal of 80 columns.
const maxIssuer = 64

// Config is the section [totp].
type Config struct {
	// Issuer is the name of the organisation that authenticator apps show.
	Issuer string `mapstructure:"issuer"`
}

// DefaultConfig returns what holds for keys that are not set.
func DefaultConfig() Config { return Config{Issuer: "Portvakt"} }

// Validate returns all problems.
func (c Config) Validate() error {
	var errs []error
	if strings.TrimSpace(c.Issuer) == "" {
		errs = append(errs, errors.New("issuer: is empty: write the name that people know your organisation by"))
	}
	if strings.Contains(c.Issuer, ":") {
		errs = append(errs, errors.New("issuer: contains a colon, which separates issuer and account in authenticator apps: leave it out"))
	}
	if len(c.Issuer) > maxIssuer {
		errs = append(errs, errors.New("issuer: is longer than 64 octets, too long for a QR code that phones read easily: shorten it"))
	}
	if !utf8.ValidString(c.Issuer) || strings.ContainsFunc(c.Issuer, unicode.IsControl) {
		errs = append(errs, errors.New("issuer: contains control characters or is not UTF-8: write plain text"))
	}
	return errors.Join(errs...)
}
