package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/portvakt/portvakt/factors/totp"
	"github.com/portvakt/portvakt/factors/totp/tokens"
)

const importHelp = `Import enrolls tokens and telephones from a file: all of it, or nothing. Each row
is told, with what becomes of it. When one cannot be taken, nothing is written,
unless --skip-bad says that the others are to be; a second row of one person, or
of one secret, is a bad one. When something fails while rows are written, what
was written is taken back.

A row whose secret the person has already is left as it is, so a file may be
imported again. With --dry-run nothing is written whatever the rows are.

The first line tells the format, or --format does:

%s
A CSV file names its columns in the first line:

  user, secret (base 32), algorithm, digits, period, label, serial,
  phone, country (calling code), extension, and the same with "backup " in front,
  method (call, sms, totp or email: what to ask by first), enabled

Without such a line they are user and secret. --columns says what those of another
product mean, and passes the others over; for "mfaserver" it adds to what is known.

Formats "oath", "multiotp" and "privacyidea" do not tell the algorithm, nor may a
CSV file: ask the vendor, and say --algorithm. Secrets of a key container are
opened by the file of the key that was agreed on (hexadecimal) or of its password;
those of "linotp" by LinOTP's file encKey.

Vendors' files know serial numbers, and often no people: --users names a CSV file
of "serial,user", or LinOTP's list of its tokens. FILE may be - for standard input.`

func newUserImportCommand() *cobra.Command {
	var o importOptions
	var formats strings.Builder
	for _, f := range tokens.Formats() {
		fmt.Fprintf(&formats, "  %-12s %s\n", f.Name, f.About)
	}
	c := &cobra.Command{
		Use: "import FILE", Short: "Enroll many people from a file of another product", Args: cobra.ExactArgs(1),
		Long:    fmt.Sprintf(importHelp, &formats),
		Example: "  portvakt user import --dry-run people.csv\n  portvakt user import people.csv\n  portvakt user import --format oath --algorithm SHA256 tokens.csv\n  portvakt user import --key-file transport.key --users who.csv tokens.xml\n  portvakt user import --key-file encKey --users tokenlist.csv linotp.json\n  portvakt user import --dry-run \"Multi-Factor Authentication Users.csv\"\n  portvakt user import --columns \"Login=user,Mobile=phone\" export.csv",
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
	f.StringVar(&o.columns, "columns", "", "what columns of a CSV file mean, as THEIRS=OURS,… (OURS -: nothing)")
	f.StringVar(&o.keyFile, "key-file", "", "file of the shared key of a key container, hexadecimal; of LinOTP its encKey")
	f.StringVar(&o.passwordFile, "password-file", "", "of a key container: file of the password")
	f.StringVar(&o.users, "users", "", "CSV file of serial numbers and login names, for files without people")
	f.StringVar(&o.algorithm, "algorithm", "", "of tokens that do not tell it: SHA1, SHA256 or SHA512 (default SHA1)")
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
	if o.columns != "" {
		if options.Columns, err = tokens.ParseColumns(o.columns); err != nil {
			return nil, usage(err, `as in --columns "Username=user,Mobile=phone"`)
		}
		if o.format == "" {
			o.format = "csv"
		}
	}
	buffered := bufio.NewReaderSize(tokens.Decode(file), 4096)
	var format tokens.Format
	if o.format != "" {
		format, err = tokens.FormatNamed(o.format)
	} else {
		format, err = tokens.Recognise(buffered)
	}
	if errors.Is(err, tokens.ErrNoRows) {
		return nil, withFileHint(err)
	}
	if err != nil {
		return nil, usage(err, "say what it is with --format: "+strings.Join(tokens.FormatNames(), ", "))
	}
	if err := o.check(format); err != nil {
		return nil, err
	}
	if err := o.readKeys(format, &options); err != nil {
		return nil, err
	}
	return format.Read(buffered, options), nil
}

// check refuses options that a format has no use for: whoever gave them would
// have tokens whose codes never fit.
func (o importOptions) check(format tokens.Format) error {
	for _, given := range [...]struct{ flag, value, need string }{
		{"--algorithm", o.algorithm, tokens.NeedAlgorithm},
		{"--columns", o.columns, tokens.NeedColumns},
		{"--key-file", o.keyFile, tokens.NeedKey},
		{"--password-file", o.passwordFile, tokens.NeedPassword},
	} {
		if given.value != "" && !slices.Contains(format.Needs, given.need) {
			return withCode(withHint(fmt.Errorf("format %q has no use for %s", format.Name, given.flag),
				"leave it out: the file tells; or --format says that it is of another one"), exitUsage)
		}
	}
	return nil
}

// open opens the file of an import; "-" is standard input, so that secrets of
// another host need not lie here.
func (o importOptions) open(c *cobra.Command, path string) (io.ReadCloser, error) {
	if path == "-" {
		return io.NopCloser(c.InOrStdin()), nil
	}
	return os.Open(path) //nolint:gosec // the administrator names the path
}

func (s *system) importFile(ctx context.Context, c *cobra.Command, path string, o importOptions) error {
	file, err := o.open(c, path)
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
	i := importer{lookup: s.lookup, telephone: s.telephone, method: s.methodOf, enrollments: s.enrollments, several: o.several}
	if err := i.examine(ctx, rows); err != nil {
		return fmt.Errorf("%w; nothing was enrolled", err)
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

func readRows(read iter.Seq2[tokens.Row, error]) ([]importRow, error) {
	var rows []importRow
	for row, err := range read {
		line, ok := errors.AsType[*tokens.LineError](err)
		if err != nil && !ok {
			return nil, withFileHint(err) // the rest of the file was not read
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

// withFileHint says what to do about a file that cannot be read at all.
func withFileHint(err error) error {
	if errors.Is(err, tokens.ErrNoRows) {
		return withCode(withHint(err, "look at the export; if nobody has anything there, nothing is to be done here"), exitUsage)
	}
	if errors.Is(err, tokens.ErrNeedsKey) {
		return withCode(withHint(err, "--key-file or --password-file names a file with it"), exitUsage)
	}
	if errors.Is(err, tokens.ErrNoEncKey) {
		return withCode(withHint(err, "--key-file names it: SECRET_FILE of LinOTP, mostly /etc/linotp/encKey or /etc/linotp2/encKey"), exitUsage)
	}
	if _, header := errors.AsType[*tokens.HeaderError](err); header {
		return withCode(withHint(err, `say what its columns are, as in --columns "Login=user,Mobile=phone"`), exitUsage)
	}
	if errors.Is(err, tokens.ErrUnknownColumn) {
		return withCode(withHint(err, `say which of its columns mean something, as in --columns "Login=user,Mobile=phone": the others are passed over; or --format mfaserver`), exitUsage)
	}
	return err
}
