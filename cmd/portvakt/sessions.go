package main

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"time"

	"github.com/spf13/cobra"

	"github.com/portvakt/portvakt/conf"
	"github.com/portvakt/portvakt/internal/logging"
	"github.com/portvakt/portvakt/login"
	"github.com/portvakt/portvakt/store"
)

const sessionsHelp = `Sessions lists what devices have accounted for: who is or was connected, from
where, since when, and how much went through. It works while the daemon runs.

A session is active, or ended, or stale: it has not ended, and the device has not
told of it for longer than accounting.stale.

With --json it writes one JSON object a line, for other programs.`

func newSessionsCommand() *cobra.Command {
	var user, client string
	var active, asJSON bool
	c := &cobra.Command{
		Use: "sessions", Short: "List who is or was connected", Long: sessionsHelp, Args: cobra.NoArgs,
		Example: "  portvakt sessions --active\n  portvakt sessions --user alice\n  portvakt sessions --client vpn --json > sessions.jsonl",
		RunE: func(c *cobra.Command, _ []string) error {
			return withOpened(c, func(ctx context.Context, f conf.File, st *storage, _ *slog.Logger) error {
				if err := knownClient(f, client); err != nil {
					return err
				}
				is := func(*login.Session) bool { return true }
				var lost error
				if user != "" {
					is, lost = st.sessionsOf(ctx, user)
					if _, err := store.Unopened(lost); err != nil {
						return err
					}
				}
				write := func(l sessionLine) error { return l.print(c) }
				if asJSON {
					out := json.NewEncoder(logging.Escaping(c.OutOrStdout()))
					write = func(l sessionLine) error { return out.Encode(l) }
				}
				now := time.Now()
				return errors.Join(lost, newSessions(st, f).List(ctx, client, func(s login.Session) error {
					if !is(&s) || active && !s.Active(now, f.Accounting.Stale) {
						return nil
					}
					return write(newSessionLine(&s, now, f.Accounting.Stale))
				}))
			})
		},
	}
	c.Flags().StringVar(&user, "user", "", "only of this `user`, by name or account")
	c.Flags().StringVar(&client, "client", "", "only at this `client`")
	c.Flags().BoolVar(&active, "active", false, "only those under way")
	c.Flags().BoolVar(&asJSON, "json", false, "one JSON object a line")
	return c
}

// A sessionLine is a session as it is exported.
type sessionLine struct {
	State   string     `json:"state"` // active, stale or ended
	User    string     `json:"user"`
	Account string     `json:"account,omitempty"`
	Client  string     `json:"client"`
	NAS     string     `json:"nas"`
	From    netip.Addr `json:"from,omitzero"`
	ID      string     `json:"session"`
	MultiID string     `json:"multi_session,omitempty"`
	Station string     `json:"station,omitempty"`
	Called  string     `json:"called,omitempty"`
	Port    string     `json:"port,omitempty"`
	Address netip.Addr `json:"address,omitzero"`
	Class   []string   `json:"class,omitempty"` // in hexadecimal
	Started time.Time  `json:"started"`
	Heard   time.Time  `json:"heard"`
	Ended   time.Time  `json:"ended,omitzero"`
	Cause   string     `json:"cause,omitempty"`
	Seconds int64      `json:"seconds"`
	In      uint64     `json:"in_octets"`
	Out     uint64     `json:"out_octets"`
}

func newSessionLine(s *login.Session, now time.Time, stale time.Duration) sessionLine {
	l := sessionLine{
		State: "stale", User: s.User, Account: s.AccountID, Client: s.Client, NAS: s.NAS, From: s.From, ID: s.ID, MultiID: s.MultiID,
		Station: s.Station, Called: s.Called, Port: s.Port, Address: s.Address,
		Started: s.Started, Heard: s.Heard, Ended: s.Ended, Cause: s.Cause,
		Seconds: int64(s.Lasted.Seconds()), In: s.In, Out: s.Out,
	}
	switch {
	case !s.Ended.IsZero():
		l.State = "ended"
	case s.Active(now, stale):
		l.State = "active"
	}
	for _, c := range s.Class {
		l.Class = append(l.Class, hex.EncodeToString(c))
	}
	return l
}

func (l sessionLine) print(c *cobra.Command) error {
	end := ""
	if !l.Ended.IsZero() {
		end = " to " + l.Ended.Format(time.DateTime)
		if l.Cause != "" {
			end += ", " + l.Cause
		}
	}
	_, err := fmt.Fprintf(c.OutOrStdout(), "%-6s %-20s %-12s %-20s %-20s %s%s, in %d out %d\n", l.State, told(l.User), told(l.Client),
		told(l.ID), told(l.Station), l.Started.Format(time.DateTime), end, l.In, l.Out)
	return err
}
