package tokens

import (
	"errors"
	"fmt"
	"io"
	"iter"
	"strings"
	"time"

	"github.com/portvakt/portvakt/factors/totp"
)

// ReadOATH yields the rows of a file of hardware tokens as vendors deliver it:
// serial number, secret in hexadecimal, "hotp" or "totp", digits, and the
// counter or period (seconds); what is left out is HOTP with 6 digits from
// counter 0. The format does not tell the algorithm, and the length of a
// secret does not either: ask the vendor. A line "# algorithm: SHA256", as
// [WriteOATH] writes it, does. After a line "# version: 2" the login name, a
// resolver and a realm come first; the latter two are passed over.
//
// Bad rows are yielded as [Read] does.
func ReadOATH(r io.Reader, algorithm totp.Algorithm) iter.Seq2[Row, error] {
	return eachLine(r, func(l *lines) func(string) ([]Row, error) {
		version := 1
		return func(line string) ([]Row, error) {
			if comment, ok := strings.CutPrefix(line, "#"); ok {
				if name, ok := strings.CutPrefix(strings.TrimSpace(comment), "algorithm:"); ok {
					var err error
					if algorithm, err = totp.ParseAlgorithm(strings.TrimSpace(name)); err != nil {
						return nil, errEnds{err}
					}
				}
				v, ok := strings.CutPrefix(strings.TrimSpace(comment), "version:")
				if v = strings.TrimSpace(v); ok && v != "1" && v != "2" {
					return nil, errEnds{errors.New("version is neither 1 nor 2")}
				}
				if ok {
					version = int(v[0] - '0')
				}
				return nil, nil
			}
			fields, err := l.fields(line)
			if err != nil {
				return nil, err
			}
			row, err := parseOATH(version, algorithm, fields)
			return []Row{row}, err
		}
	})
}

// ReadMultiOTP yields the rows of a file as "multiotp -import-csv" takes it:
// serial number, manufacturer, "hotp" or "totp", secret in hexadecimal, digits,
// and the counter or period (seconds), separated by semicolons. The algorithm is
// not told, and people are not named.
//
// Bad rows are yielded as [Read] does.
func ReadMultiOTP(r io.Reader, algorithm totp.Algorithm) iter.Seq2[Row, error] {
	return eachRow(r, func(f []string) (Row, error) {
		if len(f) != 6 {
			return Row{}, fmt.Errorf("%d fields, want serial, manufacturer, algorithm, seed, digits and interval or event", len(f))
		}
		return parseOATH(1, algorithm, []string{f[0], f[3], f[2], f[4], f[5]})
	})
}

func parseOATH(version int, algorithm totp.Algorithm, fields []string) (Row, error) {
	var row Row
	if version == 2 {
		if len(fields) < 3 {
			return Row{}, errors.New("user, resolver and realm are missing (version 2)")
		}
		row.User, fields = fields[0], fields[3:]
	}
	if len(fields) < 2 || len(fields) > 5 {
		return Row{}, fmt.Errorf("%d fields, want serial, secret, type, digits and counter or period", len(fields))
	}
	field := func(i int) string {
		if i < len(fields) {
			return fields[i]
		}
		return ""
	}
	row.Serial = field(0)
	if row.Serial == "" {
		return Row{}, errors.New("serial is empty")
	}
	if err := row.checkNames(); err != nil {
		return Row{}, err
	}
	seed, err := hexSeed(field(1))
	if err != nil {
		return Row{}, err
	}
	digits, err := number("digits", field(3), 6)
	if err != nil {
		return Row{}, err
	}
	row.Token = totp.Token{Seed: seed, Algorithm: algorithm, Digits: digits}
	switch strings.ToLower(field(2)) {
	case "", "hotp":
		row.Token.Kind = totp.KindCounter
		if s := field(4); s != "" {
			if row.Token.Counter, err = parseCounter(s, 64); err != nil {
				return Row{}, err
			}
		}
	case "totp":
		period, err := number("period", field(4), 30)
		if err != nil {
			return Row{}, err
		}
		row.Token.Kind, row.Token.Period = totp.KindTime, time.Duration(period)*time.Second
	default:
		return Row{}, errors.New("type is neither hotp nor totp")
	}
	if err := row.Token.Validate(); err != nil {
		return Row{}, err
	}
	return row, nil
}
