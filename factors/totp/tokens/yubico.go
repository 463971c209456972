package tokens

import (
	"errors"
	"fmt"
	"io"
	"iter"
	"strconv"
	"strings"

	"github.com/portvakt/portvakt/factors/totp"
)

// What lines of a log in the traditional format begin with.
const (
	yubicoStart = "logging start"
	yubicoHOTP  = "oath-hotp"
)

// ReadYubico yields the OATH-HOTP keys of a log of the YubiKey Personalization
// Tool, in either of its formats:
//
//	OATH-HOTP,11.12.13 18:55,1,,,916821d3…,,,0,0,0,6,0,0,0,0,0,0     "traditional"
//	508326,,0,69cfb920…,,2013-12-12T08:41:07,                        "Yubico"
//
// The second has the serial number of the YubiKey and does not tell the digits,
// which are 6 then; the first has no serial number, and the public identity
// serves as one. Other modes are refused: they are no OATH tokens. A key that
// types its public identity in front of a code is refused too, as codes have
// digits only.
//
// Bad rows are yielded as [Read] does.
func ReadYubico(r io.Reader) iter.Seq2[Row, error] {
	return eachRow(r, parseYubico)
}

func parseYubico(fields []string) (Row, error) {
	if strings.EqualFold(fields[0], yubicoStart) {
		return Row{}, errNoRow
	}
	var row Row
	var secret, counter, digits string
	switch _, err := strconv.ParseUint(fields[0], 10, 64); {
	case err == nil && len(fields) >= 4:
		// serial, public identity, counter, secret, access code, time
		if fields[2] == "" || strings.TrimLeft(fields[2], "0123456789") != "" || len(fields[2]) == privateID {
			return Row{}, errors.New("is no OATH-HOTP key: Yubico OTP and static passwords are not supported")
		}
		if fields[1] != "" {
			return Row{}, errIdentity
		}
		row.Serial, counter, secret = fields[0], fields[2], fields[3]
	case strings.EqualFold(fields[0], yubicoHOTP) && len(fields) >= 13:
		// mode, time, slot, public identity, private identity, secret, two
		// access codes, three flags of the identity, digits, counter
		if fields[8] == "1" || fields[9] == "1" || fields[10] == "1" {
			return Row{}, errIdentity
		}
		row.Serial, secret, digits, counter = fields[3], fields[5], fields[11], fields[12]
		if row.Serial == "" {
			return Row{}, errors.New("names neither a serial number nor a public identity: log in the Yubico format")
		}
	case len(fields) > 2:
		return Row{}, errors.New("is no OATH-HOTP key: Yubico OTP, static passwords and challenge-response are not supported")
	default:
		return Row{}, fmt.Errorf("%d fields: is it a log of the YubiKey Personalization Tool?", len(fields))
	}
	if err := row.checkNames(); err != nil {
		return Row{}, err
	}
	seed, err := hexSeed(secret)
	if err != nil {
		return Row{}, err
	}
	t := totp.Token{Kind: totp.KindCounter, Seed: seed, Algorithm: totp.SHA1}
	if t.Digits, err = number("digits", digits, 6); err != nil {
		return Row{}, err
	}
	if t.Counter, err = parseCounter(counter, 32); err != nil {
		return Row{}, err
	}
	row.Token, row.Label = t, "YubiKey "+row.Serial
	return row, t.Validate()
}

// privateID is how many hexadecimal digits the private identity of Yubico OTP
// has, in the column that is the counter of OATH-HOTP.
const privateID = 12

var errIdentity = errors.New("types its public identity in front of the code: program it without one")
