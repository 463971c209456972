package tokens

import (
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/portvakt/portvakt/factors/totp"
)

// A Row is one line of a file: one person, her token, or her telephone.
type Row struct {
	Line int
	// User is the login name as written; empty in files that know only serial
	// numbers.
	User string
	// Serial is the number on a hardware token.
	Serial string
	// Token has no Seed when the row gives only a telephone.
	Token totp.Token
	Label string
	// Phone is the telephone number as written.
	Phone string
}

// The columns that a header may name, by what they are called. Those of the
// file for hardware tokens of Microsoft Entra are among them; make and model
// are not needed.
var columns = map[string]string{
	"user": "user", "upn": "user",
	"secret": "secret", "secret key": "secret",
	"algorithm": "algorithm", "digits": "digits",
	"period": "period", "time interval": "period", "timeinterval": "period",
	"label": "label", "phone": "phone",
	"serial": "serial", "serial number": "serial",
	"manufacturer": "", "model": "",
}

// Read yields the rows of a CSV file of time tokens. Without a header each row
// is a login name and a secret in base32. A header names its columns, in any
// order and case: user, and secret or phone, and where wanted algorithm, digits, period
// (seconds), label, phone and serial. Fields are separated by commas,
// semicolons or tabs; lines that begin with # are comments.
//
// A bad row is yielded as a [*LineError] beside a Row that has only its line,
// and the rows after it follow. A column that is not known ends the file at
// once: nobody knows what its rows mean. So does an error of r.
func Read(r io.Reader) iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		l := newLines(r)
		var header []string
		for first := true; ; {
			line, err := l.next()
			if errors.Is(err, io.EOF) {
				return
			}
			if err == nil && strings.HasPrefix(line, "#") {
				continue
			}
			var fields []string
			if err == nil {
				fields, err = l.fields(line)
			} else if !errors.Is(err, errLong) && !errors.Is(err, errEncoding) {
				yield(Row{Line: l.n}, fmt.Errorf("after line %d: %w", l.n, err))
				return
			}
			if err == nil && first {
				names, isHeader, err := parseHeader(fields)
				if err != nil {
					yield(Row{Line: l.n}, &LineError{l.n, err})
					return
				}
				first, header = false, names
				if isHeader {
					continue
				}
			}
			row := Row{Line: l.n}
			if err == nil {
				row, err = parseRow(l.n, header, fields)
			}
			if err != nil {
				row, err = Row{Line: l.n}, &LineError{l.n, err}
			}
			if !yield(row, err) {
				return
			}
		}
	}
}

// parseHeader returns the names of the columns. A line is a header only when
// it names a user, and a secret or a telephone: so a name that is not known is
// never a secret, and may be shown.
func parseHeader(fields []string) (names []string, isHeader bool, err error) {
	var unknown []string
	for _, f := range fields {
		name, ok := columns[strings.ToLower(f)]
		if !ok {
			unknown = append(unknown, strconv.Quote(f))
		}
		names = append(names, name)
	}
	if !slices.Contains(names, "user") || !slices.Contains(names, "secret") && !slices.Contains(names, "phone") {
		return []string{"user", "secret"}, false, nil
	}
	if len(unknown) > 0 {
		return nil, true, fmt.Errorf("unknown column %s; known are user, secret, algorithm, digits, period, label, phone, serial",
			strings.Join(unknown, ", "))
	}
	for i, name := range names {
		if name != "" && slices.Contains(names[:i], name) {
			return nil, true, fmt.Errorf("two columns for %s", name)
		}
	}
	return names, true, nil
}

func parseRow(line int, header, fields []string) (Row, error) {
	if len(fields) != len(header) {
		return Row{}, fmt.Errorf("%d fields, want %d (%s); other columns need a header",
			len(fields), len(header), strings.Join(slices.DeleteFunc(slices.Clone(header), func(s string) bool { return s == "" }), ", "))
	}
	value := func(name string) string {
		if i := slices.Index(header, name); i >= 0 {
			return fields[i]
		}
		return ""
	}
	row := Row{Line: line, User: value("user"), Serial: value("serial"), Label: value("label"), Phone: value("phone")}
	if row.User == "" {
		return Row{}, errors.New("user is empty")
	}
	if err := row.checkNames(); err != nil {
		return Row{}, err
	}
	if value("secret") == "" && row.Phone != "" {
		return row, nil
	}
	seed, err := totp.ParseSeed(value("secret"))
	if err != nil {
		return Row{}, err
	}
	algorithm, err := totp.ParseAlgorithm(value("algorithm"))
	if err != nil {
		return Row{}, err
	}
	digits, err := number("digits", value("digits"), 6)
	if err != nil {
		return Row{}, err
	}
	period, err := number("period", value("period"), 30)
	if err != nil {
		return Row{}, err
	}
	row.Token = totp.Token{
		Kind: totp.KindTime, Seed: seed, Algorithm: algorithm,
		Digits: digits, Period: time.Duration(period) * time.Second,
	}
	if err := row.Token.Validate(); err != nil {
		return Row{}, err
	}
	return row, nil
}

func number(what, s string, unset int) (int, error) {
	if s == "" {
		return unset, nil
	}
	n, err := strconv.ParseUint(s, 10, 16)
	if err != nil {
		return 0, fmt.Errorf("%s is not a number", what) // it may be a secret in the wrong column
	}
	return int(n), nil
}
