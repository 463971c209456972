package main

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"github.com/portvakt/portvakt/factors/phone"
	"github.com/portvakt/portvakt/factors/phone/book"
	"github.com/portvakt/portvakt/login"
)

const phoneHint = "write the number with its country, as in \"+47 900 00 042\"; call.countries and sms.countries list those that are used"

func newPhoneCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "phone", Short: "Add and remove telephones beside those in the directory",
		Long: `Phone manages the telephones a person has beside those in the directory. They
come first in questions. Numbers are checked against the countries that [call]
or [sms] allows.`,
		Example: "  portvakt phone add alice \"+47 900 00 042\"",
	}
	var labelText string
	add := &cobra.Command{
		Use: "add USER NUMBER", Short: "Add a telephone", Args: cobra.ExactArgs(2),
		Example: "  portvakt phone add alice \"+47 900 00 042\" --label work",
		RunE: func(c *cobra.Command, args []string) error {
			return withSystem(c, func(ctx context.Context, s *system) error {
				a, err := s.lookup(ctx, args[0])
				if err != nil {
					return err
				}
				cred, number, err := s.telephone(args[1], labelText)
				if err != nil {
					return withCode(withHint(err, phoneHint), exitUsage)
				}
				if err := s.addCredential(ctx, a, cred, isTelephone(number)); err != nil {
					return err
				}
				say(c.OutOrStdout(), "added %s to %s\n", number.Masked(), a.Name)
				return nil
			})
		},
	}
	add.Flags().StringVar(&labelText, "label", "", "what the person calls it")
	remove := &cobra.Command{
		Use: "remove USER NUMBER", Short: "Remove a telephone", Args: cobra.ExactArgs(2),
		Example: "  portvakt phone remove alice \"+47 900 00 042\"",
		RunE: func(c *cobra.Command, args []string) error {
			return withPerson(c, args[0], func(ctx context.Context, s *system, p person) error {
				_, number, err := s.telephone(args[1], "")
				if err != nil {
					return withCode(withHint(err, phoneHint), exitUsage)
				}
				return s.removeCredential(ctx, c, p, isTelephone(number), "telephone "+number.Masked())
			})
		},
	}
	c.AddCommand(add, remove, newPhoneTrustCommand())
	return c
}

func newPhoneTrustCommand() *cobra.Command {
	return &cobra.Command{
		Use: "trust USER", Short: "Use a number that is new in the directory", Args: cobra.ExactArgs(1),
		Long: `Trust ends the time that a number new in the directory is not used (phone.cooling).
Make sure before that it is hers: whoever changes a number there gets her codes.`,
		Example: "  portvakt phone trust alice",
		RunE: func(c *cobra.Command, args []string) error {
			return withPerson(c, args[0], func(ctx context.Context, s *system, p person) error {
				if s.numbers == nil {
					return withHint(errors.New("every number of the directory is used at once"), "phone.cooling is 0s, or there is neither [sms] nor [call]")
				}
				trusted, err := s.numbers.Trust(ctx, p.id)
				if err != nil {
					return err
				}
				if len(trusted) == 0 {
					say(c.OutOrStdout(), "no number of %s waits\n", p.name)
				}
				for _, n := range trusted {
					say(c.OutOrStdout(), "%s of %s is used from now on\n", n.Number.Masked(), p.name)
				}
				return nil
			})
		},
	}
}

// telephone makes the credential of a number that can be called or sent to.
func (s *system) telephone(raw, label string) (login.Credential, phone.Number, error) {
	var errs []error
	for _, b := range []struct {
		on  bool
		cfg book.Config
		use book.Use
	}{
		{s.file.Call.Enabled(), s.file.Call.Numbers, book.Calls},
		{s.file.SMS.Enabled() || !s.file.Call.Enabled(), s.file.SMS.Numbers, book.Messages},
	} {
		if !b.on {
			continue
		}
		numbers, err := book.New(b.cfg, b.use)
		if err != nil {
			return login.Credential{}, phone.Number{}, err
		}
		cred, number, err := numbers.NewCredential(raw, label)
		if err == nil {
			return cred, number, nil
		}
		errs = append(errs, err)
	}
	return login.Credential{}, phone.Number{}, errs[0]
}

// isTelephone picks the credential of a number.
func isTelephone(number phone.Number) func(login.Credential) bool {
	return func(c login.Credential) bool {
		n, err := book.Number(c)
		return err == nil && n == number
	}
}
