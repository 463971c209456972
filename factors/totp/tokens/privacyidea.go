package tokens

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"iter"
	"strings"
	"time"

	"github.com/portvakt/portvakt/factors/totp"
)

// ReadPrivacyIDEA yields the rows of what
// "privacyidea-token-janitor find --action export --csv" prints: the owner with
// her realm, serial number, secret, "hotp" or "totp", digits, and for TOTP the
// period (seconds). Secrets are hexadecimal in lower case, or with --b32 base 32
// in upper case. The format tells neither the algorithm nor the counter of a
// HOTP token. HOTP tokens are refused: tried from 0, codes that were used long
// ago would be good again. A period that the program
// prints as "None" is 30 s, its default.
//
// Bad rows are yielded as [Read] does.
func ReadPrivacyIDEA(r io.Reader, algorithm totp.Algorithm) iter.Seq2[Row, error] {
	return eachRow(r, func(fields []string) (Row, error) { return parsePrivacyIDEA(algorithm, fields) })
}

func parsePrivacyIDEA(algorithm totp.Algorithm, fields []string) (Row, error) {
	if len(fields) != 5 && len(fields) != 6 {
		return Row{}, fmt.Errorf("%d fields, want owner, serial, secret, type, digits and for totp the period", len(fields))
	}
	row := Row{Serial: fields[1], Label: fields[1]}
	if owner := fields[0]; owner != "n/a" {
		// The realm is behind the last @: a name may have one of its own.
		if i := strings.LastIndexByte(owner, '@'); i >= 0 {
			owner = owner[:i]
		}
		row.User = owner
	}
	if row.Serial == "" {
		return Row{}, errors.New("serial is empty")
	}
	if err := row.checkNames(); err != nil {
		return Row{}, err
	}
	var err error
	if text := fields[2]; text == strings.ToLower(text) {
		if row.Token.Seed, err = hex.DecodeString(text); err != nil {
			return Row{}, errors.New("secret is neither hexadecimal in lower case nor base 32 in upper case")
		}
	} else if row.Token.Seed, err = totp.ParseSeed(text); err != nil {
		return Row{}, err
	}
	row.Token.Algorithm = algorithm
	if row.Token.Digits, err = number("digits", fields[4], 6); err != nil {
		return Row{}, err
	}
	switch strings.ToLower(fields[3]) {
	case totp.KindTime:
		text := ""
		if len(fields) == 6 && fields[5] != "None" {
			text = fields[5]
		}
		period, err := number("period", text, 30)
		if err != nil {
			return Row{}, err
		}
		row.Token.Kind, row.Token.Period = totp.KindTime, time.Duration(period)*time.Second
	case totp.KindCounter:
		return Row{}, errors.New("this export does not tell the counter of a HOTP token: export those as PSKC (without --csv)")
	default:
		return Row{}, errors.New("type is neither hotp nor totp")
	}
	return row, row.Token.Validate()
}
