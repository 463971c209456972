package tokens

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"iter"
	"strconv"
	"strings"
	"time"

	"github.com/portvakt/portvakt/factors/totp"
)

// ErrUnknownColumn is of a CSV file with a column that is none of ours.
var ErrUnknownColumn = errors.New("unknown column")

// Read yields the rows of a CSV file of time tokens. Without a header each row
// is a login name and a secret in base32. A header names its columns, in any
// order and case: user, and secret or phone, and where wanted algorithm, digits,
// period (seconds), label and serial; country and extension of the phone, and the
// same three of a backup phone; method, by which the person is asked first; and
// enabled. Fields are separated by commas, semicolons or tabs; lines that begin
// with # are comments.
//
// A bad row is yielded as a [*LineError] beside a Row that has only its line,
// and the rows after it follow; so is one that is left out, whose Problem is a
// [*LeftOut]. A column that is not known ends the file at
// once, by an error that is no LineError: nobody knows what its rows mean. So does
// an error of r.
func Read(r io.Reader) iter.Seq2[Row, error] { return ReadColumns(r, nil, totp.SHA1) }

// ReadColumns is [Read] for a file whose columns have other names; a column that
// is not named is passed over. The algorithm is of rows that do not tell theirs.
func ReadColumns(r io.Reader, named Columns, algorithm totp.Algorithm) iter.Seq2[Row, error] {
	if named != nil {
		return readRows(r, algorithm, named.parseHeader)
	}
	return readRows(r, algorithm, func(fields []string) (header, error) {
		h, err := ownColumns().parseHeader(fields)
		if _, no := errors.AsType[*HeaderError](err); no {
			return header{names: []string{colUser, colSecret}, bare: true}, nil
		}
		if err == nil && len(h.unknown) > 0 {
			err = fmt.Errorf("%w %s; known are %s", ErrUnknownColumn, strings.Join(h.unknown, ", "), strings.Join(columnNames, ", "))
		}
		return h, err
	})
}

func readRows(r io.Reader, algorithm totp.Algorithm, parseHeader func(fields []string) (header, error)) iter.Seq2[Row, error] {
	var h header
	return eachRow(r, func(fields []string) (Row, error) {
		if h.names == nil {
			var err error
			if h, err = parseHeader(fields); err != nil {
				return Row{}, errEnds{err}
			}
			if !h.bare {
				return Row{}, errNoRow
			}
		}
		return h.parse(fields, algorithm)
	})
}

func (h header) parse(fields []string, algorithm totp.Algorithm) (Row, error) {
	if h.bare && len(fields) != len(h.names) {
		return Row{}, fmt.Errorf("%d fields, want %s; other columns need a header", len(fields), strings.Join(h.names, " and "))
	}
	if len(fields) != len(h.names) {
		return Row{}, fmt.Errorf("%d fields, and the first line has %d", len(fields), len(h.names))
	}
	row, err := h.person(fields)
	if err != nil {
		return Row{}, err
	}
	value := func(name string) string { return h.value(fields, name) }
	if value(colSecret) == "" && len(row.Phones) > 0 {
		return row, nil
	}
	seed, err := totp.ParseSeed(value(colSecret))
	if err != nil {
		return Row{}, err
	}
	if text := value(colAlgorithm); text != "" {
		if algorithm, err = totp.ParseAlgorithm(text); err != nil {
			return Row{}, err
		}
	}
	digits, err := number(colDigits, value(colDigits), 6)
	if err != nil {
		return Row{}, err
	}
	period, err := number(colPeriod, value(colPeriod), 30)
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
