package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/portvakt/portvakt/conf"
	"github.com/portvakt/portvakt/login"
	"github.com/portvakt/portvakt/radiusd/dictionary"
	"github.com/portvakt/portvakt/radiusd/reply"
	"github.com/portvakt/portvakt/store"
)

const coaHelp = `Coa asks a device to go on with a session that is under way under other terms
(RFC 5176): another filter, another time. What a device can change, its manual
says; one that does not take all attributes takes none.

SESSION is an Acct-Session-Id, as "portvakt sessions --active" lists them. Values
are written as in a [[reply]] block. The device must allow it to this host, on UDP
port 3799 unless the client's coa says otherwise.`

func newCOACommand() *cobra.Command {
	var client string
	var set []string
	c := &cobra.Command{
		Use: "coa SESSION", Short: "Change a session that is under way", Long: coaHelp, Args: cobra.ExactArgs(1),
		Example: "  portvakt coa 5A0F-17 --set Filter-Id=quarantine\n  portvakt coa 5A0F-17 --client vpn --set Session-Timeout=600 --set Idle-Timeout=60",
		RunE: func(c *cobra.Command, args []string) error {
			change, err := changeOf(set)
			if err != nil {
				return withCode(err, exitUsage)
			}
			return withOpened(c, func(ctx context.Context, f conf.File, st *storage, _ *slog.Logger) error {
				if err := knownClient(f, client); err != nil {
					return err
				}
				s, err := st.session(ctx, f, args[0], client)
				if _, other := store.Unopened(err); other != nil {
					return err
				}
				if err != nil {
					tell(c.ErrOrStderr(), "warning", err.Error())
				}
				device, err := deviceOf(f, s)
				if err != nil {
					return err
				}
				what := fmt.Sprintf("%s at %s, session %s", told(s.User), told(s.Client), told(s.ID))
				if err := device.Change(ctx, s.Identity, change); err != nil {
					return hintCOA(fmt.Errorf("%s: %w", what, err), s.Client)
				}
				say(c.OutOrStdout(), "%s: changed\n", what)
				return nil
			})
		},
	}
	c.Flags().StringVar(&client, "client", "", "the session at this `client`")
	c.Flags().StringArrayVar(&set, "set", nil, "`attribute`=value to go on with; may be repeated")
	return c
}

// changeOf encodes what the session is to go on with. An attribute that is given
// several times is sent several times.
func changeOf(set []string) ([]byte, error) {
	written := map[string]any{}
	for _, s := range set {
		name, value, found := strings.Cut(s, "=")
		if name = strings.TrimSpace(name); !found || name == "" {
			return nil, fmt.Errorf("--set %q: write Attribute=value, as in Filter-Id=quarantine", s)
		}
		values, _ := written[name].([]string)
		written[name] = append(values, value)
	}
	if len(written) == 0 {
		return nil, withHint(errors.New("nothing to change"), "--set Attribute=value says what; portvakt disconnect ends a session")
	}
	d, err := dictionary.Load()
	if err != nil {
		return nil, err
	}
	return reply.Encode(d, written)
}

// session finds the one session under way that has an Acct-Session-Id; also
// beside a [store.UnopenedError] about others.
func (s *storage) session(ctx context.Context, f conf.File, id, client string) (found login.Session, err error) {
	n, now := 0, time.Now()
	err = newSessions(s, f).List(ctx, client, func(is login.Session) error {
		if is.ID == id && is.Active(now, f.Accounting.Stale) {
			found = is
			n++
		}
		return nil
	})
	_, other := store.Unopened(err)
	switch {
	case other != nil:
		return found, other
	case n == 0 && err != nil: // it may be one of them
		return found, fmt.Errorf("no session %s is under way; %v", told(id), err) //nolint:errorlint // there is no session to go on with
	case n == 0:
		return found, withHint(fmt.Errorf("no session %s is under way", told(id)), "portvakt sessions --active lists those that are")
	case n > 1:
		return found, withHint(fmt.Errorf("%d sessions have the id %s", n, told(id)), "say whose with --client")
	}
	return found, err
}
