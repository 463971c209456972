package tokens

import (
	"errors"
	"fmt"
	"io"
	"iter"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/portvakt/portvakt/factors/totp"
)

// The schemes of lines that ReadOTPAuth takes.
const (
	schemeOTPAuth   = "otpauth"
	schemeMigration = "otpauth-migration"
)

// ReadOTPAuth yields the tokens of a list of key URIs, one a line, as
// authenticator apps export it ("otpauth://totp/Issuer:anna?secret=…"), and as
// Google Authenticator shows it for another telephone
// ("otpauth-migration://offline?data=…", which holds several tokens). The user
// is the account behind the issuer, and the issuer is the label. Lines that
// begin with # are comments. A migration link that belongs to others which are not
// in the list is told at its end.
//
// Bad rows are yielded as [Read] does.
func ReadOTPAuth(r io.Reader) iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		all := batches{}
		last := 0
		for row, err := range readOTPAuth(r, all) {
			if last = row.Line; !yield(row, err) {
				return
			}
		}
		if n := all.missing(); n > 0 {
			yield(Row{Line: last}, &LineError{last, fmt.Errorf("is the last, and %d links of the same migration are missing: the app shows them one after the other", n)})
		}
	}
}

func readOTPAuth(r io.Reader, all batches) iter.Seq2[Row, error] {
	return eachLine(r, func(*lines) func(string) ([]Row, error) {
		return func(line string) ([]Row, error) {
			if strings.HasPrefix(line, "#") {
				return nil, nil
			}
			u, err := url.Parse(strings.TrimSpace(line))
			if err != nil {
				return nil, errors.New("is no URI") // the cause quotes the line
			}
			switch u.Scheme {
			case schemeOTPAuth:
				row, err := parseOTPAuth(u)
				return []Row{row}, err
			case schemeMigration:
				return parseMigration(u, all)
			}
			return nil, errors.New("begins with neither otpauth:// nor otpauth-migration://")
		}
	})
}

func parseOTPAuth(u *url.URL) (Row, error) {
	// Parameters of apps for themselves (image, color) are passed over.
	q, err := url.ParseQuery(strings.ReplaceAll(u.RawQuery, "+", "%2B"))
	if err != nil {
		return Row{}, errors.New("has parameters that cannot be read")
	}
	row := named(strings.TrimPrefix(u.Path, "/"), q.Get("issuer"))
	if row.User == "" {
		return Row{}, errors.New("names no account")
	}
	if err := row.checkNames(); err != nil {
		return Row{}, err
	}
	t := totp.Token{Kind: strings.ToLower(u.Host)}
	if t.Seed, err = totp.ParseSeed(q.Get("secret")); err != nil {
		return Row{}, err
	}
	if t.Algorithm, err = totp.ParseAlgorithm(q.Get("algorithm")); err != nil {
		return Row{}, err
	}
	if t.Digits, err = number("digits", q.Get("digits"), 6); err != nil {
		return Row{}, err
	}
	switch t.Kind {
	case totp.KindTime:
		period, err := number("period", q.Get("period"), 30)
		if err != nil {
			return Row{}, err
		}
		t.Period = time.Duration(period) * time.Second
	case totp.KindCounter:
		// Without its counter a token would be tried from the beginning again.
		if t.Counter, err = strconv.ParseUint(q.Get("counter"), 10, 63); err != nil {
			return Row{}, errors.New("counter is missing or not a number")
		}
	default:
		return Row{}, errors.New("type is neither totp nor hotp")
	}
	row.Token = t
	return row, t.Validate()
}

// named splits "Issuer:account", as apps write it.
func named(label, issuer string) Row {
	if before, account, ok := strings.Cut(label, ":"); ok {
		label = account
		if issuer == "" {
			issuer = before
		}
	}
	return Row{User: strings.TrimSpace(label), Label: strings.TrimSpace(issuer)}
}
