package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/portvakt/portvakt/conf"
	"github.com/portvakt/portvakt/login"
	"github.com/portvakt/portvakt/radiusd/coa"
	"github.com/portvakt/portvakt/store"
)

const disconnectHelp = `Disconnect asks devices to end the sessions of a person that are under way (RFC
5176), as "portvakt sessions --active" lists them. The devices must allow it to
this host, on UDP port 3799 unless the client's coa says otherwise.

USER is the name that the device has accounted for, in any case, or the
account's id. A session that its device does not know any more is over.`

func newDisconnectCommand() *cobra.Command {
	var client string
	c := &cobra.Command{
		Use: "disconnect USER", Short: "End the sessions of a person", Long: disconnectHelp, Args: cobra.ExactArgs(1),
		Example: "  portvakt disconnect alice\n  portvakt disconnect alice --client vpn",
		RunE: func(c *cobra.Command, args []string) error {
			return withOpened(c, func(ctx context.Context, f conf.File, st *storage, _ *slog.Logger) error {
				if err := knownClient(f, client); err != nil {
					return err
				}
				is, lost := st.sessionsOf(ctx, args[0])
				if _, err := store.Unopened(lost); err != nil {
					return err
				}
				var all []login.Session
				now := time.Now()
				err := newSessions(st, f).List(ctx, client, func(s login.Session) error {
					if s.Active(now, f.Accounting.Stale) && is(&s) {
						all = append(all, s)
					}
					return nil
				})
				// A record that is damaged must not keep the others connected.
				lost = errors.Join(lost, err)
				if _, err := store.Unopened(err); err != nil {
					return err
				}
				if len(all) == 0 {
					return errors.Join(lost, withHint(fmt.Errorf("%s has no session", args[0]), "portvakt sessions --active lists those that there are"))
				}
				return errors.Join(lost, endAll(ctx, c, f, all))
			})
		},
	}
	c.Flags().StringVar(&client, "client", "", "only at this `client`")
	return c
}

// endAll ends sessions and says how it went.
func endAll(ctx context.Context, c *cobra.Command, f conf.File, all []login.Session) error {
	var mu sync.Mutex
	var failed []error
	disconnectAll(ctx, f, all, func(s login.Session, over bool, err error) {
		mu.Lock()
		defer mu.Unlock()
		what := fmt.Sprintf("%s at %s, session %s", told(s.User), told(s.Client), told(s.ID))
		switch {
		case err != nil:
			failed = append(failed, hintCOA(fmt.Errorf("%s: %w", what, err), s.Client))
		case over:
			say(c.OutOrStdout(), "%s: was over\n", what)
		default:
			say(c.OutOrStdout(), "%s: ended\n", what)
		}
	})
	return errors.Join(failed...)
}

func hintCOA(err error, client string) error {
	if errors.Is(err, coa.ErrNoReply) {
		return withCode(withHint(err, "let the device take such requests (RFC 5176) from this host; or set coa and coa_secret of client "+client), exitUnavailable)
	}
	return err
}

// sessionsOf returns which sessions are somebody's: by the name that the device
// has accounted for, or by the account's id. It is also good beside a
// [store.UnopenedError], but for people whose records that tells of.
func (s *storage) sessionsOf(ctx context.Context, user string) (func(*login.Session) bool, error) {
	ids := map[string]bool{user: true}
	err := s.enrollments.List(ctx, func(id, name string, _ login.Enrollment) error {
		if strings.EqualFold(name, user) {
			ids[id] = true
		}
		return nil
	})
	return func(is *login.Session) bool {
		return is.AccountID != "" && ids[is.AccountID] || store.SessionOf(is, "", user)
	}, err
}
