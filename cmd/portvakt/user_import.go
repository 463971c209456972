package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"slices"
	"sync"

	"github.com/spf13/cobra"

	"github.com/portvakt/portvakt/factors/totp"
	"github.com/portvakt/portvakt/factors/totp/tokens"
	"github.com/portvakt/portvakt/login"
)

// importWorkers look people up and enroll them at the same time: they share
// the directory's connections and the store's commits.
const importWorkers = 64

// maxImport bounds the rows of a file, which are in memory together.
const maxImport = 500_000

func newUserImportCommand() *cobra.Command {
	var o importOptions
	c := &cobra.Command{
		Use: "import FILE", Short: "Enroll many people from a CSV file", Args: cobra.ExactArgs(1),
		Long: `Import enrolls tokens and telephones from a CSV file. The first line names the
columns: user, secret (base 32), and if wanted algorithm, digits, period, label,
phone. Without such a line the columns are user and secret.

Every row that cannot be taken is reported with its line and the reason, also
one of a person or with a secret that another row has; the others are enrolled.
A row whose secret the person has already is left as it is, so a file may be
imported again. With --dry-run nothing is written.

With --oath the file is one of hardware tokens as their vendors deliver it, with
the login names in front ("# version: 2"): serial, secret in hexadecimal, hotp or
totp, digits, counter or period. Such a file does not tell the algorithm: ask the
vendor, and say --algorithm.

With --pskc it is a key container of RFC 6030, with the file of the key that was
agreed on (hexadecimal) or of its password when its secrets are encrypted.

Vendors' files know serial numbers, and often no people: --users names a CSV file
of "serial,user".`,
		Example: "  portvakt user import --dry-run people.csv\n  portvakt user import people.csv\n  portvakt user import --oath --algorithm SHA256 tokens.csv\n  portvakt user import --pskc --key-file transport.key --users who.csv tokens.xml",
		RunE: func(c *cobra.Command, args []string) error {
			return withSystem(c, func(ctx context.Context, s *system) error {
				return s.importFile(ctx, c, args[0], o)
			})
		},
	}
	f := c.Flags()
	f.BoolVar(&o.dryRun, "dry-run", false, "report what would happen, write nothing")
	f.BoolVar(&o.oath, "oath", false, "the file is a vendor's, of hardware tokens")
	f.BoolVar(&o.pskc, "pskc", false, "the file is a key container of RFC 6030")
	f.StringVar(&o.keyFile, "key-file", "", "with --pskc: file of the shared key, hexadecimal")
	f.StringVar(&o.passwordFile, "password-file", "", "with --pskc: file of the password")
	f.StringVar(&o.users, "users", "", "CSV file of serial numbers and login names")
	c.MarkFlagsMutuallyExclusive("oath", "pskc")
	f.StringVar(&o.algorithm, "algorithm", "SHA1", "of the tokens of --oath: SHA1, SHA256 or SHA512")
	return c
}

type importOptions struct {
	dryRun, oath, pskc                      bool
	algorithm, keyFile, passwordFile, users string
}

// read yields the rows of a file.
func (o importOptions) read(file io.Reader) (iter.Seq2[tokens.Row, error], error) {
	switch {
	case o.pskc:
		key, err := o.pskcKey()
		return tokens.ReadPSKC(file, key), err
	case !o.oath:
		return tokens.Read(file), nil
	}
	algorithm, err := totp.ParseAlgorithm(o.algorithm)
	if err != nil {
		return nil, withCode(withHint(err, "the vendor knows which one it is"), exitUsage)
	}
	return tokens.ReadOATH(file, algorithm), nil
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
	// Whoever is listed twice is known when everybody has been looked up.
	eachRow(rows, func(r *importRow) { r.account, r.err = s.owner(ctx, r.Row) })
	refuseTwice(rows)
	eachRow(rows, func(r *importRow) { r.changed, r.err = s.importRow(ctx, r, o.dryRun) })

	var enrolled, unchanged, failed int
	for i := range rows {
		switch r := &rows[i]; {
		case r.err != nil:
			failed++
			say(c.ErrOrStderr(), "line %d: %v\n", r.Line, r.err)
		case r.changed:
			enrolled++
		default:
			unchanged++
		}
	}
	word := "enrolled"
	if o.dryRun {
		word = "would be enrolled"
	}
	say(c.OutOrStdout(), "%d %s, %d unchanged, %d failed\n", enrolled, word, unchanged, failed)
	if failed > 0 {
		return withHint(fmt.Errorf("%d rows were not taken", failed), "mend those lines and import the file again: what is enrolled already stays as it is")
	}
	return nil
}

// An importRow is a row and what became of it.
type importRow struct {
	tokens.Row
	account login.Account
	err     error
	changed bool
}

// owner is whose row it is.
func (s *system) owner(ctx context.Context, r tokens.Row) (login.Account, error) {
	if r.User == "" {
		return login.Account{}, fmt.Errorf("nobody is named for token %s: name the owner by --users, or put the login names in front, below a line \"# version: 2\"", r.Serial)
	}
	return s.lookup(ctx, r.User)
}

func readRows(read iter.Seq2[tokens.Row, error]) ([]importRow, error) {
	var rows []importRow
	for row, err := range read {
		if line, ok := errors.AsType[*tokens.LineError](err); ok {
			err = line.Problem // the line is told for all rows
		}
		if rows = append(rows, importRow{Row: row, err: err}); len(rows) > maxImport {
			return nil, withHint(fmt.Errorf("the file has more than %d rows", maxImport), "cut it into several")
		}
	}
	return rows, nil
}

// eachRow calls fn for the rows that are good so far, many at a time.
func eachRow(rows []importRow, fn func(*importRow)) {
	var wg sync.WaitGroup
	next := make(chan *importRow)
	for range importWorkers {
		wg.Go(func() {
			for r := range next {
				fn(r)
			}
		})
	}
	for i := range rows {
		if rows[i].err == nil {
			next <- &rows[i]
		}
	}
	close(next)
	wg.Wait()
}

// refuseTwice refuses rows of one person, of which one is a slip, and of one
// secret, which would let each sign in as the other.
func refuseTwice(rows []importRow) {
	people, secrets := map[string][]*importRow{}, map[string][]*importRow{}
	for i := range rows {
		if r := &rows[i]; r.err == nil {
			people[r.account.ID] = append(people[r.account.ID], r)
			if len(r.Token.Seed) > 0 {
				secrets[string(r.Token.Seed)] = append(secrets[string(r.Token.Seed)], r)
			}
		}
	}
	refuse := func(same map[string][]*importRow, what string) {
		for _, rs := range same {
			for i, r := range rs {
				if len(rs) > 1 && r.err == nil {
					// The next of the others.
					r.err = fmt.Errorf(what, r.account.Name, rs[(i+1)%len(rs)].Line)
				}
			}
		}
	}
	refuse(people, "%s is also in line %d: leave one of the two")
	refuse(secrets, "the secret of %s is also in line %d, of somebody else: give one of the two another token")
}

func (s *system) importRow(ctx context.Context, r *importRow, dryRun bool) (changed bool, err error) {
	var creds []login.Credential
	if len(r.Token.Seed) > 0 {
		cred, err := totp.NewCredential(r.Label, r.Token)
		if err != nil {
			return false, err
		}
		creds = append(creds, cred)
	}
	if r.Phone != "" {
		cred, _, err := s.telephone(r.Phone, r.Label)
		if err != nil {
			return false, err
		}
		creds = append(creds, cred)
	}
	// Ends an update that has nothing to write.
	errEnough := errors.New("enough")
	err = s.enrollments.Update(ctx, r.account.ID, r.account.Name, func(e *login.Enrollment) error {
		all := slices.Clone(e.Credentials)
		for _, cred := range creds {
			if !has(all, cred) {
				all = append(all, cred)
			}
		}
		changed = len(all) > len(e.Credentials)
		switch {
		case changed && len(all) > maxCredentials:
			return fmt.Errorf("%s has %d credentials already, and there is room for %d", r.account.Name, len(e.Credentials), maxCredentials)
		case !changed || dryRun:
			return errEnough
		}
		e.Credentials = all
		return nil
	})
	if errors.Is(err, errEnough) {
		err = nil
	}
	return changed, err
}

// has reports whether the same token or telephone is enrolled already.
func has(all []login.Credential, cred login.Credential) bool {
	for _, c := range all {
		if c.Kind == cred.Kind && string(c.Data) == string(cred.Data) {
			return true
		}
	}
	return false
}
