package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/spf13/cobra"

	"github.com/portvakt/portvakt/login"
)

func newLoginCommand() *cobra.Command {
	var clientName string
	c := &cobra.Command{
		Use: "login USER", Short: "Sign in on this terminal, without RADIUS", Args: cobra.ExactArgs(1),
		Long: `Login plays a whole sign-in on this terminal: the same decisions, the same
questions, the same messages sent and failures counted as over RADIUS, with no
client and no packet between. It shows whether directory, rules and factors do
what they should.`,
		Example: "  portvakt login alice\n\n  # as if at a certain client\n  portvakt login alice --client vpn",
		RunE: func(c *cobra.Command, args []string) error {
			return withSystemThat(c, true, func(ctx context.Context, s *system) error {
				if err := s.listenForCalls(ctx, nil); err != nil {
					return withCode(withHint(err, "the daemon has the address: a service that posts keys can be tried only without it"), exitUnavailable)
				}
				if c.Flags().Changed("client") {
					if _, err := clientNamed(s.file, clientName); err != nil {
						return err
					}
				}
				flow := login.NewFlow(s.flowConfig(func(e login.Event) { audit(ctx, slog.New(slog.NewTextHandler(c.ErrOrStderr(), nil)), e) }))
				defer func() { _ = flow.Close() }()
				return converse(ctx, flow, newPrompter(c.InOrStdin(), c.ErrOrStderr()), c, args[0], clientName)
			})
		},
	}
	c.Flags().StringVar(&clientName, "client", "terminal", "name of the client whose rules are applied")
	return c
}

// converse is the terminal as a transport.
func converse(ctx context.Context, flow *login.Flow, in *prompter, c *cobra.Command, user, clientName string) error {
	via := login.Via{Client: clientName, CanAsk: true}
	typed, err := in.ask(ctx, "Password:", false)
	if err != nil {
		return err
	}
	step, err := flow.Begin(ctx, login.Attempt{User: user, Secret: login.Cleartext(typed), Via: via})
	for {
		if _, waiting := step.(login.Wait); waiting {
			say(c.ErrOrStderr(), "Waiting for an answer elsewhere...\n")
		}
		step, err = login.Await(ctx, step, err)
		if err != nil {
			return withCode(withHint(fmt.Errorf("could not decide: %w", err), "portvakt check says what does not answer"), exitUnavailable)
		}
		switch s := step.(type) {
		case login.Accept:
			if !s.Valid() {
				return errors.New("the answer is not valid")
			}
			say(c.OutOrStdout(), "Signed in as %s by rule %q.\n", s.Account().Name, s.Rule())
			if s.Notice() != "" {
				say(c.OutOrStdout(), "%s\n", s.Notice())
			}
			return nil
		case login.Reject:
			return withCode(withHint(fmt.Errorf("%s", s.Text), "the reason is "+string(s.Reason)), exitFailed)
		case login.Ask:
			if typed, err = in.ask(ctx, s.Text, s.Echo); err != nil {
				return err
			}
			step, err = flow.Resume(ctx, login.Attempt{User: user, Secret: login.Cleartext(typed), Via: via}, s.Ticket)
		case login.Wait: // awaited above
		}
	}
}
