package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/portvakt/portvakt/factors/recovery"
	"github.com/portvakt/portvakt/factors/totp"
	"github.com/portvakt/portvakt/login"
)

const enrollExamples = `  # an authenticator app: shows a QR code, asks for a first code
  portvakt user enroll alice

  # a hardware token whose secret is known
  portvakt user enroll alice --secret-file token.base32 --digits 8 --label "token 4711" --no-confirm

  # ten recovery codes
  portvakt user enroll alice --recovery`

type enrollOptions struct {
	label, algorithm, secretFile string
	digits, period               int
	hotp, recovery, noConfirm    bool
}

func newUserEnrollCommand() *cobra.Command {
	var o enrollOptions
	c := &cobra.Command{
		Use: "enroll USER", Short: "Enroll an authenticator app, a token or recovery codes", Example: enrollExamples,
		Long: `Enroll adds a second factor to a person. For an authenticator app it makes a
secret, shows it as a QR code and as text, and asks for a first code, so that an
app that ignores a setting is found out now and not at the next sign-in. The
secret is shown once.`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return withSystem(c, func(ctx context.Context, s *system) error {
				// Only somebody the directory has: the account's id comes from there.
				a, err := s.lookup(ctx, args[0])
				if err != nil {
					return err
				}
				if o.recovery {
					return s.enrollRecovery(ctx, c, a)
				}
				return s.enrollToken(ctx, c, a, o)
			})
		},
	}
	f := c.Flags()
	f.StringVar(&o.label, "label", "", "what the person calls it, shown in questions")
	f.StringVar(&o.algorithm, "algorithm", "SHA1", "SHA1, SHA256 or SHA512; many apps know only SHA1")
	f.IntVar(&o.digits, "digits", 6, "6 or 8; many apps know only 6")
	f.IntVar(&o.period, "period", 30, "seconds a code lasts: 30 or 60")
	f.BoolVar(&o.hotp, "hotp", false, "a token that counts (RFC 4226) instead of one with a clock")
	f.StringVar(&o.secretFile, "secret-file", "", "file with the token's secret in base 32 (default: a new one)")
	f.BoolVar(&o.noConfirm, "no-confirm", false, "do not ask for a first code")
	f.BoolVar(&o.recovery, "recovery", false, "make ten recovery codes; an earlier set is void")
	return c
}

func (s *system) enrollToken(ctx context.Context, c *cobra.Command, a login.Account, o enrollOptions) error {
	token, err := o.token()
	if err != nil {
		return withCode(err, exitUsage)
	}
	cred, err := totp.NewCredential(o.label, token)
	if err != nil {
		return err
	}
	if o.secretFile == "" {
		uri := s.totp.URI(a.Name, token)
		if err := totp.QRTerminal(c.OutOrStdout(), uri); err != nil {
			return err
		}
		say(c.OutOrStdout(), "%s\n", uri)
	}
	if !o.noConfirm {
		code, err := newPrompter(c.InOrStdin(), c.ErrOrStderr()).ask(ctx, "First code from the app:", true)
		if err != nil {
			return withHint(err, "nothing was enrolled; --no-confirm enrolls without a first code")
		}
		if err := s.totp.Confirm(ctx, cred, login.Cleartext(code)); err != nil {
			if login.Refused(err) == "" {
				return err
			}
			return withHint(errors.New("the code does not fit"), "nothing was enrolled; does the app know "+o.algorithm+" and its device the time?")
		}
	}
	if err := s.addCredential(ctx, a, cred, nil); err != nil {
		return err
	}
	say(c.ErrOrStderr(), "enrolled %s for %s\n", cred.Kind, a.Name)
	return nil
}

// token is the token that the options describe.
func (o enrollOptions) token() (totp.Token, error) {
	t := totp.NewToken()
	var err error
	if t.Algorithm, err = totp.ParseAlgorithm(o.algorithm); err != nil {
		return t, err
	}
	t.Digits, t.Period = o.digits, time.Duration(o.period)*time.Second
	if o.hotp {
		t.Kind, t.Period = totp.KindCounter, 0
	}
	if o.secretFile != "" {
		v, err := readSecretFile(o.secretFile)
		if err != nil {
			return t, err
		}
		if t.Seed, err = totp.ParseSeed(v.Reveal()); err != nil {
			return t, err
		}
	}
	return t, t.Validate()
}

func (s *system) enrollRecovery(ctx context.Context, c *cobra.Command, a login.Account) error {
	codes, cred, err := s.recovery.NewSet()
	if err != nil {
		return err
	}
	if err := s.addCredential(ctx, a, cred, func(c login.Credential) bool { return c.Kind == recovery.KindRecovery }); err != nil {
		return err
	}
	for _, code := range codes {
		say(c.OutOrStdout(), "%s\n", code)
	}
	say(c.ErrOrStderr(), "enrolled %d recovery codes for %s; each is good once, and they are shown only now\n", len(codes), a.Name)
	return nil
}

// maxCredentials bounds what a sign-in has to check a code against.
const maxCredentials = 10

// addCredential adds a credential in place of those that it replaces.
func (s *system) addCredential(ctx context.Context, a login.Account, cred login.Credential, replaces func(login.Credential) bool) error {
	return s.enrollments.Update(ctx, a.ID, a.Name, func(e *login.Enrollment) error {
		rest := slices.Clone(e.Credentials)
		if replaces != nil {
			rest = slices.DeleteFunc(rest, replaces)
		}
		if len(rest) >= maxCredentials {
			return withHint(fmt.Errorf("%s has %d credentials already", a.Name, len(rest)), "remove one: portvakt user forget "+a.Name+" --credential ID")
		}
		e.Credentials = append(rest, cred)
		return nil
	})
}
