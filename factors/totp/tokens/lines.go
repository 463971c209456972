package tokens

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"iter"
	"strings"
	"unicode/utf8"
)

const (
	maxLine  = 4096 // octets of a line
	maxField = 256  // octets of a name or label
)

// errEnds ends a file: nobody knows what the lines after it mean.
type errEnds struct{ error }

// eachLine yields what parse makes of each line of a file, under its number.
// parse returns no row for a line that is none, and several for one that holds
// many. A bad line is yielded as a [*LineError] beside a Row that has only the
// line, and those after it follow; an errEnds, and an error of r, is none and the
// last.
func eachLine(r io.Reader, start func(*lines) (parse func(line string) ([]Row, error))) iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		l := newLines(r)
		parse := start(l)
		for {
			line, err := l.next()
			var rows []Row
			switch {
			case errors.Is(err, io.EOF):
				return
			case err == nil:
				rows, err = parse(line)
			case !errors.Is(err, errLong) && !errors.Is(err, errEncoding):
				yield(Row{Line: l.n}, fmt.Errorf("after line %d: %w", l.n, err))
				return
			}
			if end, ok := errors.AsType[errEnds](err); ok {
				yield(Row{Line: l.n}, fmt.Errorf("line %d: %w", l.n, end.error))
				return
			}
			if err != nil {
				rows, err = []Row{{}}, &LineError{l.n, err}
			}
			for _, row := range rows {
				if row.Line = l.n; !yield(row, err) {
					return
				}
			}
		}
	}
}

// errNoRow is of a line that tells about the others, such as a header.
var errNoRow = errors.New("holds no row")

// eachRow is eachLine for a format with one row in a line, its fields separated.
// Lines that begin with # are comments, and parse returns errNoRow for others
// that are no row.
func eachRow(r io.Reader, parse func(fields []string) (Row, error)) iter.Seq2[Row, error] {
	return eachLine(r, func(l *lines) func(string) ([]Row, error) {
		return func(line string) ([]Row, error) {
			if strings.HasPrefix(line, "#") {
				return nil, nil
			}
			fields, err := l.fields(line)
			if err != nil {
				return nil, err
			}
			row, err := parse(fields)
			if errors.Is(err, errNoRow) {
				return nil, nil
			}
			return []Row{row}, err
		}
	})
}

// A LineError is what is wrong with one line of a file. It never holds what
// may be a secret.
type LineError struct {
	Line    int
	Problem error
}

// Error names the line and the problem.
func (e *LineError) Error() string { return fmt.Sprintf("line %d: %v", e.Line, e.Problem) }

// Unwrap returns the problem.
func (e *LineError) Unwrap() error { return e.Problem }

var (
	errLong     = fmt.Errorf("is longer than %d octets", maxLine)
	errEncoding = errors.New("is not UTF-8 (save the file as CSV UTF-8)")
	errQuote    = errors.New("has a quote that is not closed or stands inside a field")
)

// lines reads a file line by line. A line is one row: a quoted field that ran
// on over lines would swallow rows when its quote is missing.
type lines struct {
	r     *bufio.Reader
	n     int
	comma rune // what separates fields, once known
}

func newLines(r io.Reader) *lines { return &lines{r: bufio.NewReaderSize(r, maxLine+2)} }

// next returns the next line that is not blank, without its end; io.EOF after
// the last; errLong or errEncoding for one that cannot be read, after which
// the line that follows can; any other error ends the file.
func (l *lines) next() (string, error) {
	for {
		line, err := l.r.ReadSlice('\n')
		if len(line) == 0 && err != nil {
			return "", err
		}
		l.n++
		if l.n == 1 {
			line = bytes.TrimPrefix(line, []byte("\ufeff"))
		}
		content := bytes.TrimRight(line, "\r\n")
		text := string(content)
		if errors.Is(err, bufio.ErrBufferFull) {
			if err := l.skip(); err != nil {
				return "", err
			}
			return "", errLong
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return "", err
		}
		switch {
		case len(text) > maxLine:
			return "", errLong
		case !utf8.ValidString(text) || strings.ContainsRune(text, 0):
			return "", errEncoding
		case strings.TrimSpace(text) != "":
			return text, nil
		}
	}
}

// skip goes to the end of a line that is too long.
func (l *lines) skip() error {
	for {
		_, err := l.r.ReadSlice('\n')
		switch {
		case err == nil, errors.Is(err, io.EOF):
			return nil
		case !errors.Is(err, bufio.ErrBufferFull):
			return err
		}
	}
}

// fields splits a line. Spreadsheets in languages with a decimal comma separate
// by semicolons, others by tabs: the first line tells.
func (l *lines) fields(line string) ([]string, error) {
	if l.comma == 0 {
		l.comma = ','
		for _, c := range ";\t" {
			if strings.ContainsRune(line, c) && !strings.ContainsRune(line, ',') {
				l.comma = c
				break
			}
		}
	}
	r := csv.NewReader(strings.NewReader(strings.Trim(line, " ")))
	r.Comma = l.comma
	r.TrimLeadingSpace = l.comma != '\t'
	fields, err := r.Read()
	if err != nil {
		return nil, errQuote // the cause may quote the line
	}
	for i, f := range fields {
		fields[i] = strings.TrimSpace(f)
	}
	return fields, nil
}
