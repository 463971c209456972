package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/portvakt/portvakt/factors/totp"
	"github.com/portvakt/portvakt/factors/totp/tokens"
)

const importHelp = `Import enrolls tokens and telephones from a file: all of it, or nothing. Each row
is told, with what becomes of it. When one cannot be taken, nothing is written,
unless --skip-bad says that the others are to be; a second row of one person, or
of one secret, is a bad one. When something fails while rows
are written, what was written is taken back.

A row whose secret the person has already is left as it is, so a file may be
imported again. With --dry-run nothing is written whatever the rows are.

The first line tells the format, or --format does:

%s
A CSV file names its columns in the first line: user, secret (base 32), and if
wanted algorithm, digits, period, label, phone, serial. Without such a line they
are user and secret. --columns names those of another product.

Formats "oath", "multiotp" and "privacyidea" do not tell the algorithm: ask the
vendor, and say --algorithm. A key container whose secrets are encrypted is opened by the file
of the key that was agreed on (hexadecimal) or of its password.

Vendors' files know serial numbers, and often no people: --users names a CSV file
of "serial,user".`

func newUserImportCommand() *cobra.Command {
	var o importOptions
	var formats strings.Builder
	for _, f := range tokens.Formats() {
		fmt.Fprintf(&formats, "  %-12s %s\n", f.Name, f.About)
	}
	c := &cobra.Command{
		Use: "import FILE", Short: "Enroll many people from a file of another product", Args: cobra.ExactArgs(1),
		Long:    fmt.Sprintf(importHelp, &formats),
		Example: "  portvakt user import --dry-run people.csv\n  portvakt user import people.csv\n  portvakt user import --format oath --algorithm SHA256 tokens.csv\n  portvakt user import --key-file transport.key --users who.csv tokens.xml\n  portvakt user import --columns \"Username=user,Mobile=phone\" export.csv",
		RunE: func(c *cobra.Command, args []string) error {
			return withSystem(c, func(ctx context.Context, s *system) error {
				return s.importFile(ctx, c, args[0], o)
			})
		},
	}
	f := c.Flags()
	f.BoolVar(&o.dryRun, "dry-run", false, "report what would happen, write nothing")
	f.BoolVar(&o.skipBad, "skip-bad", false, "enroll the good rows though there are bad ones")
	f.BoolVar(&o.several, "several", false, "people may have more than one row")
	f.StringVar(&o.format, "format", "", "of the file (default: as its first line tells)")
	f.StringVar(&o.columns, "columns", "", "of a CSV file, as THEIRS=OURS,…; the others are passed over")
	f.StringVar(&o.keyFile, "key-file", "", "of a key container: file of the shared key, hexadecimal")
	f.StringVar(&o.passwordFile, "password-file", "", "of a key container: file of the password")
	f.StringVar(&o.users, "users", "", "CSV file of serial numbers and login names")
	f.StringVar(&o.algorithm, "algorithm", "SHA1", "of tokens whose file does not tell it: SHA1, SHA256 or SHA512")
	return c
}

type importOptions struct {
	dryRun, skipBad, several                                 bool
	format, columns, algorithm, keyFile, passwordFile, users string
}

// read yields the rows of a file.
func (o importOptions) read(file io.Reader) (iter.Seq2[tokens.Row, error], error) {
	usage := func(err error, hint string) error { return withCode(withHint(err, hint), exitUsage) }
	algorithm, err := totp.ParseAlgorithm(o.algorithm)
	if err != nil {
		return nil, usage(err, "the vendor knows which one it is")
	}
	options := tokens.Options{Algorithm: algorithm}
	if options.Key, err = o.pskcKey(); err != nil {
		return nil, err
	}
	if o.columns != "" {
		if options.Columns, err = tokens.ParseColumns(o.columns); err != nil {
			return nil, usage(err, `as in --columns "Username=user,Mobile=phone"`)
		}
		if o.format == "" {
			o.format = "csv"
		}
	}
	buffered := bufio.NewReaderSize(file, 4096)
	var format tokens.Format
	if o.format != "" {
		format, err = tokens.FormatNamed(o.format)
	} else {
		format, err = tokens.Recognise(buffered)
	}
	if err != nil {
		return nil, usage(err, "say what it is with --format: "+strings.Join(tokens.FormatNames(), ", "))
	}
	return format.Read(buffered, options), nil
}

func (s *system) importFile(ctx context.Context, c *cobra.Command, path string, o importOptions) error {
	file, err := os.Open(path) //nolint:gosec // the administrator names the path
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	read, err := o.read(file)
	if err != nil {
		return err
	}
	rows, err := readRows(read)
	if err != nil {
		return err
	}
	if err := o.name(rows); err != nil {
		return err
	}
	i := importer{lookup: s.lookup, telephone: s.telephone, enrollments: s.enrollments, several: o.several}
	if err := i.examine(ctx, rows); err != nil {
		return err
	}
	bad := failed(rows)
	write := !o.dryRun && (bad == 0 || o.skipBad)
	if write {
		if err := i.write(ctx, rows); err != nil {
			return err
		}
	}
	return reportRows(c, rows, write, o.dryRun)
}

// failed is how many rows cannot be taken.
func failed(rows []importRow) (n int) {
	for i := range rows {
		if rows[i].err != nil {
			n++
		}
	}
	return n
}

// reportRows tells what became of each row.
func reportRows(c *cobra.Command, rows []importRow, written, dryRun bool) error {
	out := bufio.NewWriter(c.OutOrStdout())
	word := "would be enrolled"
	if written {
		word = "enrolled"
	}
	var enrolled, unchanged, bad int
	for i := range rows {
		switch r := &rows[i]; {
		case r.err != nil:
			bad++
			say(c.ErrOrStderr(), "line %d: %v\n", r.Line, r.err)
		case len(r.adds) == 0:
			unchanged++
			say(out, "line %d: %s unchanged\n", r.Line, shown(r.account.Name))
		default:
			enrolled++
			say(out, "line %d: %s %s: %s\n", r.Line, shown(r.account.Name), word, r.kinds())
		}
	}
	say(out, "%d %s, %d unchanged, %d failed\n", enrolled, word, unchanged, bad)
	if err := out.Flush(); err != nil {
		return err
	}
	switch {
	case bad == 0:
		return nil
	case written:
		return withHint(fmt.Errorf("%d rows were not taken", bad), "mend those lines and import the file again: what is enrolled already stays as it is")
	case dryRun:
		return withHint(fmt.Errorf("%d rows cannot be taken", bad), "mend those lines, or import the others with --skip-bad")
	}
	return withHint(fmt.Errorf("%d rows cannot be taken: nothing was enrolled", bad), "mend those lines and import the file again, or enroll the others with --skip-bad")
}

func readRows(read iter.Seq2[tokens.Row, error]) ([]importRow, error) {
	var rows []importRow
	for row, err := range read {
		line, ok := errors.AsType[*tokens.LineError](err)
		if err != nil && !ok {
			return nil, err // the rest of the file was not read
		}
		if ok {
			err = line.Problem // the line is told for all rows
		}
		if rows = append(rows, importRow{Row: row, err: err}); len(rows) > maxImport {
			return nil, withHint(fmt.Errorf("the file has more than %d rows", maxImport), "cut it into several")
		}
	}
	return rows, nil
}
