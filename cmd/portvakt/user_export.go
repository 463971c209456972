package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/user"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/portvakt/portvakt/factors/totp"
	"github.com/portvakt/portvakt/factors/totp/tokens"
	"github.com/portvakt/portvakt/login"
	"github.com/portvakt/portvakt/store/attempts"
)

const exportHelp = `Export writes the tokens of people into a file that other products read, and
import too: of everybody, or of those who are named. Telephones, recovery codes
and bypass codes are not tokens.

Format "pskc" is a key container of RFC 6030: the secrets are encrypted by
AES-128 under a key made of the passphrase in the file that --password-file names,
of at least 16 characters. Format "oath-csv" has them in the clear and wants
--in-the-clear; it has no place for the algorithm, so all tokens must have one.

The file is new, and only you may read it. Whoever has its secrets can make the
codes of these people. That they were written down is kept among the attempts.

A token that counts goes on from its next counter. One that is used in two places
is a risk: a code that was used in one is still good in the other.`

type exportOptions struct {
	format, passwordFile, output string
	clear                        bool
}

func newUserExportCommand() *cobra.Command {
	var o exportOptions
	c := &cobra.Command{
		Use: "export [USER]...", Short: "Write tokens into a file for another product", Long: exportHelp,
		Example: "  portvakt user export --format pskc --password-file passphrase --output tokens.xml\n  portvakt user export --format oath-csv --in-the-clear --output tokens.csv alice",
		RunE: func(c *cobra.Command, args []string) error {
			write, err := o.writer()
			if err != nil {
				return err
			}
			return withSystem(c, func(ctx context.Context, s *system) error {
				return s.exportTokens(ctx, c, args, o, write)
			})
		},
	}
	f := c.Flags()
	f.StringVar(&o.format, "format", "", "pskc or oath-csv")
	f.StringVar(&o.passwordFile, "password-file", "", "of pskc: file of the passphrase")
	f.StringVar(&o.output, "output", "", "file to make; it must not exist")
	f.BoolVar(&o.clear, "in-the-clear", false, "of oath-csv: write the secrets so that whoever has the file can read them")
	_ = c.MarkFlagRequired("format")
	_ = c.MarkFlagRequired("output")
	return c
}

// writer is what writes the format, when the options go together.
func (o exportOptions) writer() (func(io.Writer, []tokens.Row) error, error) {
	usage := func(err, hint string) error { return withCode(withHint(errors.New(err), hint), exitUsage) }
	switch {
	case o.format == "oath-csv" && !o.clear:
		return nil, usage("oath-csv has its secrets in the clear", "say --in-the-clear when that is meant, or write pskc")
	case o.format == "oath-csv" && o.passwordFile != "":
		return nil, usage("oath-csv cannot be encrypted", "leave --password-file out, or write pskc")
	case o.format == "oath-csv":
		return tokens.WriteOATH, nil
	case o.format != "pskc":
		return nil, usage(fmt.Sprintf("format %q is neither pskc nor oath-csv", o.format), "pskc is encrypted")
	case o.clear:
		return nil, usage("pskc is encrypted", "leave --in-the-clear out")
	case o.passwordFile == "":
		return nil, usage("--password-file is missing", "write a passphrase of at least 16 characters into a file that only you may read")
	}
	password, err := readSecretFile(o.passwordFile)
	if err != nil {
		return nil, err
	}
	return func(w io.Writer, rows []tokens.Row) error {
		return withHint(tokens.WritePSKC(w, rows, password.Reveal()), "a passphrase of several words is easy to tell by telephone")
	}, nil
}

func (s *system) exportTokens(ctx context.Context, c *cobra.Command, users []string, o exportOptions, write func(io.Writer, []tokens.Row) error) error {
	var only []string // account ids
	for _, user := range users {
		p, err := s.person(ctx, user)
		if err != nil {
			return err
		}
		only = append(only, p.id)
	}
	rows, people, err := s.exported(ctx, only)
	if err != nil {
		return err
	}
	if len(rows) == 0 {
		return withHint(errors.New("there are no tokens to write"), "portvakt user list says who has enrolled what")
	}
	file, err := os.OpenFile(o.output, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return withHint(err, "name a file that does not exist yet")
	}
	// What leaves the store is written down before it can be read elsewhere.
	err = s.noteExport(ctx, c, fmt.Sprintf("%d tokens of %d people, as %s", len(rows), people, o.format))
	if err == nil {
		err = write(file, rows)
	}
	if err == nil {
		err = file.Sync()
	}
	if err = errors.Join(err, file.Close()); err != nil {
		return errors.Join(err, os.Remove(o.output))
	}
	say(c.OutOrStdout(), "wrote %d tokens of %d people to %s\n", len(rows), people, o.output)
	return nil
}

// exported are the tokens of some accounts, of all when none is named, in order
// of the names. With a record that does not open there is no export: nobody would
// miss in the other product who is missing in the file.
func (s *system) exported(ctx context.Context, only []string) (rows []tokens.Row, people int, err error) {
	err = s.enrollments.List(ctx, func(id, name string, e login.Enrollment) error {
		if len(only) > 0 && !slices.Contains(only, id) {
			return nil
		}
		had := len(rows)
		for _, cred := range e.Credentials {
			if cred.Kind != totp.KindTime && cred.Kind != totp.KindCounter {
				continue
			}
			t, err := s.totp.Token(ctx, cred)
			if err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			// Labels may be the same; serial numbers may not.
			rows = append(rows, tokens.Row{User: name, Serial: cred.ID, Label: cred.Label, Token: t})
		}
		if len(rows) > had {
			people++
		}
		return nil
	})
	slices.SortStableFunc(rows, func(a, b tokens.Row) int { return cmp.Compare(a.User, b.User) })
	return rows, people, err
}

// noteExport keeps among the attempts that tokens were written down.
func (s *system) noteExport(ctx context.Context, c *cobra.Command, what string) error {
	if !s.file.Attempts.Enabled() {
		tell(c.ErrOrStderr(), "warning", "attempts.keep is 0: nothing keeps that tokens were written down")
		return nil
	}
	who := "?"
	if u, err := user.Current(); err == nil {
		who = u.Username
	}
	return attempts.Note(ctx, s.kv, login.Event{
		Time: time.Now(), Attempt: login.NewReference(), Outcome: "export", Reason: login.ReasonOK, Detail: what,
		User: who, Client: "terminal",
	})
}
