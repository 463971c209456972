package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/user"
	"time"

	"github.com/spf13/cobra"

	"github.com/portvakt/portvakt/conf"
	"github.com/portvakt/portvakt/login"
)

const emergencyHelp = `Emergency mode lets people in with a password alone, at the clients it is switched
on for, while second factors cannot be reached: the exchange is down, no message
gets through. It is the last step, and never begins by itself.

Only people in a group of emergency.groups are let in by it, from places where
they have given a second factor, and signed in from lately, unless
emergency.known_places is false. Who has an app or a token is asked for it as
always. Rules that deny, locks and reports of fraud stay in force. It ends by
itself after --for, at most emergency.max, also over restarts. Each sign-in that
it lets in is warned of in the log.`

func newEmergencyCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "emergency", Short: "Let people in without a second factor for a while", Long: emergencyHelp,
		Example: "  portvakt emergency on --client vpn --for 2h --reason \"the exchange is down\"\n  portvakt emergency status",
	}
	c.AddCommand(newEmergencyOnCommand(), newEmergencyOffCommand(), newEmergencyStatusCommand())
	return c
}

// A scope is the clients that a command names.
type scope struct {
	client, group string
	all           bool
}

func (s *scope) flags(c *cobra.Command) {
	c.Flags().StringVar(&s.client, "client", "", "at this `client`")
	c.Flags().StringVar(&s.group, "client-group", "", "at the clients of this `group`")
	c.Flags().BoolVar(&s.all, "all", false, "at all clients")
	c.MarkFlagsMutuallyExclusive("client", "client-group", "all")
}

func newEmergencyOnCommand() *cobra.Command {
	var at scope
	var lasts time.Duration
	var why string
	c := &cobra.Command{
		Use: "on", Short: "Switch emergency mode on", Long: emergencyHelp, Args: cobra.NoArgs,
		Example: "  portvakt emergency on --client vpn --for 2h --reason \"the exchange is down\"",
		RunE: func(c *cobra.Command, _ []string) error {
			return withOpened(c, func(ctx context.Context, f conf.File, st *storage, _ *slog.Logger) error {
				if err := at.known(f); err != nil {
					return err
				}
				if len(f.Emergency.Groups) == 0 {
					return withCode(withHint(errors.New("the configuration allows nobody to be let in by emergency mode"),
						"name the groups it is for in [emergency] groups, and reload"), exitUsage)
				}
				now := time.Now()
				e := login.Emergency{Client: at.client, ClientGroup: at.group, Since: now, Until: now.Add(lasts), Why: why, By: whoami()}
				if err := login.DeclareEmergency(ctx, st.kv, f.Emergency, e); err != nil {
					return withCode(err, exitUsage)
				}
				say(c.OutOrStdout(), "emergency mode is on for %s until %s\n", e.Where(), e.Until.Format(time.RFC3339))
				return nil
			})
		},
	}
	at.flags(c)
	c.MarkFlagsOneRequired("client", "client-group", "all")
	c.Flags().DurationVar(&lasts, "for", 0, "how long, at most emergency.max")
	c.Flags().StringVar(&why, "reason", "", "what has happened, for the log and for status")
	_ = c.MarkFlagRequired("for")
	_ = c.MarkFlagRequired("reason")
	return c
}

func newEmergencyOffCommand() *cobra.Command {
	var at scope
	c := &cobra.Command{
		Use: "off", Short: "Switch emergency mode off", Args: cobra.NoArgs,
		Long:    "Off ends emergency mode before its time: of the clients named, as \"portvakt\nemergency status\" lists them, or all of it.",
		Example: "  portvakt emergency off\n  portvakt emergency off --client vpn",
		RunE: func(c *cobra.Command, _ []string) error {
			return withStorage(c, func(ctx context.Context, st *storage) error {
				named := login.Emergency{Client: at.client, ClientGroup: at.group}.Where()
				every := at.client == "" && at.group == "" && !at.all
				ended, err := login.EndEmergencies(ctx, st.kv, func(e login.Emergency) bool { return every || e.Where() == named })
				if err != nil {
					return err
				}
				for _, e := range ended {
					say(c.OutOrStdout(), "emergency mode is off for %s\n", e.Where())
				}
				if len(ended) == 0 {
					say(c.OutOrStdout(), "emergency mode was off\n")
				}
				return nil
			})
		},
	}
	at.flags(c)
	return c
}

func newEmergencyStatusCommand() *cobra.Command {
	return &cobra.Command{
		Use: "status", Short: "Say where emergency mode is on", Args: cobra.NoArgs,
		Long:    "Status lists for which clients emergency mode is on, until when, and why.",
		Example: "  portvakt emergency status",
		RunE: func(c *cobra.Command, _ []string) error {
			return withOpened(c, func(ctx context.Context, f conf.File, st *storage, _ *slog.Logger) error {
				all, err := login.Emergencies(ctx, st.kv, f.Emergency, time.Now())
				if err != nil {
					return err
				}
				for _, e := range all {
					say(c.OutOrStdout(), "%s\n", emergencyText(e))
				}
				if len(all) == 0 {
					say(c.OutOrStdout(), "emergency mode is off\n")
				}
				return nil
			})
		},
	}
}

// emergencyText is a line about an emergency in force.
func emergencyText(e login.Emergency) string {
	return fmt.Sprintf("emergency mode is ON for %s until %s, since %s by %s: %s", shown(e.Where()), e.Until.Format(time.RFC3339),
		e.Since.Format(time.RFC3339), shown(cmp.Or(e.By, "nobody known")), shown(e.Why))
}

// known refuses names that no client block has, and an empty one: that of a
// variable that was not set must not mean all clients.
func (s scope) known(f conf.File) error {
	if !s.all && s.client == "" && s.group == "" {
		return withCode(withHint(errors.New("the name is empty"), "name the clients, or write --all"), exitUsage)
	}
	if s.client != "" {
		return knownClient(f, s.client)
	}
	if s.group == "" {
		return nil
	}
	for _, c := range f.Clients {
		if cmp.Or(c.Group, c.Name) == s.group {
			return nil
		}
	}
	return withCode(withHint(fmt.Errorf("no client is in the group %q", s.group), "group in [[client]] names it; --client names a single one"), exitUsage)
}

// whoami is who runs this command, for people to read: whoever may run it could
// also write another name.
func whoami() string {
	if name := os.Getenv("SUDO_USER"); name != "" {
		return name
	}
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return ""
}
