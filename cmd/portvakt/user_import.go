package main

import (
	"context"
	"fmt"
	"os"
	"sync"

	"github.com/spf13/cobra"

	"github.com/portvakt/portvakt/factors/sms"
	"github.com/portvakt/portvakt/factors/totp"
	"github.com/portvakt/portvakt/factors/totp/tokens"
	"github.com/portvakt/portvakt/login"
)

// importWorkers look people up and enroll them at the same time: they share
// the directory's connections and the store's commits.
const importWorkers = 64

func newUserImportCommand() *cobra.Command {
	var dryRun bool
	c := &cobra.Command{
		Use: "import FILE", Short: "Enroll many people from a CSV file", Args: cobra.ExactArgs(1),
		Long: `Import enrolls tokens and telephones from a CSV file. The first line names the
columns: user, secret (base 32), and if wanted algorithm, digits, period, label,
phone. Without such a line the columns are user and secret.

Every row that cannot be taken is reported with its line and the reason; the
others are enrolled. A row whose secret the person has already is left as it is,
so a file may be imported again. With --dry-run nothing is written.`,
		Example: "  portvakt user import --dry-run people.csv\n  portvakt user import people.csv",
		RunE: func(c *cobra.Command, args []string) error {
			return withSystem(c, func(ctx context.Context, s *system) error {
				return s.importFile(ctx, c, args[0], dryRun)
			})
		},
	}
	c.Flags().BoolVar(&dryRun, "dry-run", false, "report what would happen, write nothing")
	return c
}

func (s *system) importFile(ctx context.Context, c *cobra.Command, path string, dryRun bool) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	var (
		mu               sync.Mutex
		enrolled, failed int
		wg               sync.WaitGroup
	)
	rows := make(chan tokens.Row)
	done := func(line int, err error) {
		mu.Lock()
		defer mu.Unlock()
		if err != nil {
			failed++
			fmt.Fprintf(c.ErrOrStderr(), "line %d: %v\n", line, err)
			return
		}
		enrolled++
	}
	for range importWorkers {
		wg.Go(func() {
			for row := range rows {
				done(row.Line, s.importRow(ctx, row, dryRun))
			}
		})
	}
	for row, err := range tokens.Read(file) {
		if err != nil {
			done(row.Line, err)
			continue
		}
		rows <- row
	}
	close(rows)
	wg.Wait()
	word := "enrolled"
	if dryRun {
		word = "would be enrolled"
	}
	fmt.Fprintf(c.OutOrStdout(), "%d %s, %d failed\n", enrolled, word, failed)
	if failed > 0 {
		return withHint(fmt.Errorf("%d rows were not taken", failed), "mend those lines and import the file again: what is enrolled already stays as it is")
	}
	return nil
}

func (s *system) importRow(ctx context.Context, row tokens.Row, dryRun bool) error {
	a, err := s.lookup(ctx, row.User)
	if err != nil {
		return err
	}
	var creds []login.Credential
	if len(row.Token.Seed) > 0 {
		cred, err := totp.NewCredential(row.Label, row.Token)
		if err != nil {
			return err
		}
		creds = append(creds, cred)
	}
	if row.Phone != "" {
		cred, _, err := sms.NewCredential(s.file.SMS, row.Phone, row.Label)
		if err != nil {
			return err
		}
		creds = append(creds, cred)
	}
	if dryRun {
		return nil
	}
	return s.enrollments.Update(ctx, a.ID, a.Name, func(e *login.Enrollment) error {
		all := append([]login.Credential(nil), e.Credentials...)
		for _, cred := range creds {
			if !has(all, cred) {
				all = append(all, cred)
			}
		}
		if len(all) > maxCredentials {
			return fmt.Errorf("%s has %d credentials already", a.Name, len(e.Credentials))
		}
		e.Credentials = all
		return nil
	})
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
