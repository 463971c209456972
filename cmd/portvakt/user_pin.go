package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/portvakt/portvakt/factors/voice"
	"github.com/portvakt/portvakt/login"
)

func newUserPINCommand() *cobra.Command {
	var remove bool
	c := &cobra.Command{
		Use: "pin USER", Short: "Give a person a PIN for calls", Args: cobra.ExactArgs(1),
		Long: `Pin sets the digits that a person keys before # when she is called, where her
rule has call = "pin". It replaces the one she has. The PIN is not kept, only
a digest of it.`,
		Example: "  portvakt user pin alice\n\n  # take it away\n  portvakt user pin alice --remove",
		RunE: func(c *cobra.Command, args []string) error {
			return withSystem(c, func(ctx context.Context, s *system) error {
				isPIN := func(c login.Credential) bool { return c.Kind == voice.PINKind }
				if remove {
					p, err := s.person(ctx, args[0])
					if err != nil {
						return err
					}
					return s.removeCredential(ctx, c, p, isPIN, "PIN")
				}
				a, err := s.lookup(ctx, args[0])
				if err != nil {
					return err
				}
				in := newPrompter(c.InOrStdin(), c.ErrOrStderr())
				pin, err := in.ask(ctx, "PIN, 4 to 12 digits:", false)
				if err != nil {
					return err
				}
				again, err := in.ask(ctx, "Once more:", false)
				if err != nil {
					return err
				}
				if pin != again {
					return withCode(errors.New("the two are not the same: nothing was changed"), exitUsage)
				}
				key, _ := s.ring.Keys("pin")
				cred, err := voice.NewPIN(key, pin)
				if err != nil {
					return withCode(err, exitUsage)
				}
				if err := s.addCredential(ctx, a, cred, isPIN); err != nil {
					return err
				}
				say(c.OutOrStdout(), "%s has a PIN for calls\n", a.Name)
				return nil
			})
		},
	}
	c.Flags().BoolVar(&remove, "remove", false, "take the PIN away")
	return c
}

func newCallCommand() *cobra.Command {
	var which int
	c := &cobra.Command{
		Use: "call USER", Short: "Call a person to try the way to her telephone", Args: cobra.ExactArgs(1),
		Long: `Call rings a person's telephone and says that it is a test; # is what she
presses. Nobody signs in by it. It shows whether the exchange, the number, the
sound and the keys work.`,
		Example: "  portvakt call alice\n\n  # her second telephone\n  portvakt call alice --phone 2",
		RunE: func(c *cobra.Command, args []string) error {
			return withSystemThat(c, true, func(ctx context.Context, s *system) error {
				if s.voice == nil {
					return withCode(withHint(errors.New("nobody can be called"), "add a [[call.provider]] to the configuration"), exitConfig)
				}
				if err := s.listenForCalls(ctx, nil); err != nil {
					return withCode(withHint(err, "the daemon has the address: a service that posts keys can be tried only without it"), exitUnavailable)
				}
				a, err := s.lookup(ctx, args[0])
				if err != nil {
					return err
				}
				e, err := s.enrollments.Enrollment(ctx, a.ID)
				if err != nil {
					return err
				}
				u := login.User{Account: a, Enrollment: e, Language: s.texts.Match(e.Language, a.Language)}
				methods := s.voice.Methods(u)
				switch {
				case len(methods) == 0:
					return withHint(fmt.Errorf("%s has no telephone that can be called", a.Name),
						"portvakt explain says why numbers are not used; portvakt phone add adds one")
				case which < 1 || which > len(methods):
					return withCode(withHint(fmt.Errorf("%s has no telephone %d", a.Name, which),
						fmt.Sprintf("--phone takes 1 to %d", len(methods))), exitUsage)
				}
				m := methods[which-1]
				say(c.ErrOrStderr(), "Calling %s...\n", m.Hint)
				err = s.voice.TestCall(ctx, u, m)
				switch {
				case err == nil:
					say(c.OutOrStdout(), "# was pressed: calls to %s work\n", m.Hint)
					return nil
				case errors.Is(err, login.ErrDenied), errors.Is(err, login.ErrFraud):
					say(c.OutOrStdout(), "the call was answered and ended without #: %v\n", err)
					return nil
				case login.Refused(err) == login.ReasonSourceLimited:
					return withHint(err, "test calls count as well: wait, or raise the cap in [call] for the test")
				}
				return withCode(withHint(err, "portvakt check tries the provider without ringing anybody; docs/calls.md says what each cause means"), exitUnavailable)
			})
		},
	}
	c.Flags().IntVar(&which, "phone", 1, "which of her telephones, in the order of questions")
	return c
}
