package tokens

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"iter"
	"maps"
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

// Columns says how a file of another product names its columns: what it calls
// one, and what that is here.
type Columns map[string]string

// ParseColumns reads "User Name=user,Mobile=phone". The names here are those
// that [Read] knows, and "country": the country code of phone, in a column of
// its own.
func ParseColumns(text string) (Columns, error) {
	c := Columns{}
	for pair := range strings.SplitSeq(text, ",") {
		theirs, ours, ok := strings.Cut(pair, "=")
		theirs, ours = strings.ToLower(strings.TrimSpace(theirs)), strings.TrimSpace(ours)
		if !ok || theirs == "" || ours != "country" && !slices.Contains(slices.Collect(maps.Values(columns)), ours) || ours == "" {
			return nil, fmt.Errorf("%q names no column: write THEIRS=OURS, where OURS is user, secret, algorithm, digits, period, label, phone, country or serial", pair)
		}
		c[theirs] = ours
	}
	return c, nil
}

// Read yields the rows of a CSV file of time tokens. Without a header each row
// is a login name and a secret in base32. A header names its columns, in any
// order and case: user, and secret or phone, and where wanted algorithm, digits, period
// (seconds), label, phone and serial. Fields are separated by commas,
// semicolons or tabs; lines that begin with # are comments.
//
// A bad row is yielded as a [*LineError] beside a Row that has only its line,
// and the rows after it follow. A column that is not known ends the file at
// once, by an error that is no LineError: nobody knows what its rows mean. So does
// an error of r.
func Read(r io.Reader) iter.Seq2[Row, error] { return ReadColumns(r, nil) }

// ReadColumns is [Read] for a file whose columns have other names; a column that
// is not named is passed over.
func ReadColumns(r io.Reader, named Columns) iter.Seq2[Row, error] {
	var header []string
	return eachRow(r, func(fields []string) (Row, error) {
		if header == nil {
			names, isHeader, err := parseHeader(fields, named)
			if err != nil {
				return Row{}, errEnds{err}
			}
			header = names
			if isHeader {
				return Row{}, errNoRow
			}
		}
		return parseRow(header, fields)
	})
}

// parseHeader returns the names of the columns. A line is a header only when
// it names a user, and a secret or a telephone: so a name that is not known is
// never a secret, and may be shown.
func parseHeader(fields []string, named Columns) (names []string, isHeader bool, err error) {
	var unknown []string
	for _, f := range fields {
		name, ok := columns[strings.ToLower(f)]
		if named != nil {
			name, ok = named[strings.ToLower(f)], true
		}
		if !ok {
			unknown = append(unknown, strconv.Quote(f))
		}
		names = append(names, name)
	}
	isHeader = slices.Contains(names, "user") && (slices.Contains(names, "secret") || slices.Contains(names, "phone"))
	if !isHeader && named != nil {
		return nil, false, errors.New("the first line does not have the columns that were named, for user and for secret or phone")
	}
	if !isHeader {
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

func parseRow(header, fields []string) (Row, error) {
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
	row := Row{User: value("user"), Serial: value("serial"), Label: value("label"), Phone: value("phone")}
	if code := strings.TrimLeft(value("country"), "+0"); code != "" && row.Phone != "" && !strings.HasPrefix(row.Phone, "+") {
		row.Phone = "+" + code + " " + row.Phone
	}
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

func hexSeed(s string) ([]byte, error) {
	seed, err := hex.DecodeString(s)
	if err != nil {
		return nil, errors.New("secret is not hexadecimal")
	}
	return seed, nil
}

// parseCounter reads that of a HOTP token, of at most so many bits.
func parseCounter(s string, bits int) (uint64, error) {
	n, err := strconv.ParseUint(s, 10, bits)
	if err != nil {
		return 0, errors.New("counter is not a number")
	}
	return n, nil
}
