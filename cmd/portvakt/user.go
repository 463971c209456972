package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/portvakt/portvakt/factors/recovery"
	"github.com/portvakt/portvakt/factors/sms"
	"github.com/portvakt/portvakt/login"
	"github.com/portvakt/portvakt/store"
)

func newUserCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "user", Short: "Enroll people, look at them and help them",
		Long: `User manages what people have enrolled. It works while the daemon runs, through
its socket, and on the database when it does not.

USER is a login name, looked up in the directory. When the directory cannot be
asked, or no longer has the person, the names in the database are used.`,
		Example: "  portvakt user enroll alice\n  portvakt user show alice",
	}
	c.AddCommand(
		newUserListCommand(), newUserShowCommand(), newUserEnrollCommand(), newUserImportCommand(), newUserExportCommand(),
		newUserForgetCommand(), newUserUnlockCommand(), newUserBypassCommand(), newUserPINCommand(), newUserPreferCommand(), newUserDevicesCommand(),
		newUserApproveCommand(),
	)
	return c
}

// lookup finds an account in the directory.
func (s *system) lookup(ctx context.Context, user string) (login.Account, error) {
	a, err := s.directory.Lookup(ctx, user, 0)
	switch login.Refused(err) {
	case "":
		if err != nil {
			return a, withCode(withHint(err, "portvakt check says which server does not answer"), exitUnavailable)
		}
		return a, nil
	case login.ReasonAmbiguousUser:
		return a, withHint(fmt.Errorf("the directory has more than one %q", user), "make ldap.filter or ldap.base narrower")
	default:
		if s.ldap == nil {
			return a, withHint(err, "without [ldap] a name is all there is; one with a domain needs it in upstream.domains")
		}
		return a, withHint(fmt.Errorf("the directory has nobody called %q", user), "ldap.base and ldap.filter say where and how people are looked for")
	}
}

// A person is who a command is about; account is what the directory says, with
// an empty ID when it says nothing.
type person struct {
	id, name string
	account  login.Account
}

// person finds an account for a command that needs no directory: there, or
// among those in the database.
func (s *system) person(ctx context.Context, user string) (person, error) {
	a, err := s.lookup(ctx, user)
	if err == nil {
		return person{a.ID, a.Name, a}, nil
	}
	var found []person
	lerr := s.enrollments.List(ctx, func(id, name string, _ login.Enrollment) error {
		if strings.EqualFold(name, user) || id == user {
			found = append(found, person{id: id, name: name})
		}
		return nil
	})
	if _, other := store.Unopened(lerr); other == nil && len(found) == 1 && (lerr == nil || found[0].id == user) {
		return found[0], nil
	}
	if lerr != nil { // a record that cannot be read may have the name, not the id
		return person{}, errors.Join(err, withHint(lerr, "name the account by its id; portvakt user list shows those that can be read"))
	}
	return person{}, err
}

func newUserListCommand() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use: "list", Short: "List who has enrolled, and what", Args: cobra.NoArgs,
		Example: "  portvakt user list\n  portvakt user list --json",
		RunE: func(c *cobra.Command, _ []string) error {
			return withStorage(c, func(ctx context.Context, st *storage) error {
				count := 0
				err := st.enrollments.List(ctx, func(id, name string, e login.Enrollment) error {
					count++
					if asJSON {
						return json.NewEncoder(c.OutOrStdout()).Encode(map[string]any{"account": id, "user": name, "methods": kinds(e)})
					}
					_, err := fmt.Fprintf(c.OutOrStdout(), "%-24s %-38s %s\n", name, id, strings.Join(kinds(e), " "))
					return err
				})
				if err == nil && !asJSON {
					say(c.ErrOrStderr(), "%d enrolled\n", count)
				}
				return err
			})
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "one JSON object a line")
	return c
}

func kinds(e login.Enrollment) []string {
	var ks []string
	for _, c := range e.Credentials {
		if !slices.Contains(ks, c.Kind) {
			ks = append(ks, c.Kind)
		}
	}
	return ks
}

func newUserShowCommand() *cobra.Command {
	return &cobra.Command{
		Use: "show USER", Short: "Show what a person has enrolled and how the account stands", Args: cobra.ExactArgs(1),
		Example: "  portvakt user show alice",
		RunE: func(c *cobra.Command, args []string) error {
			return withPerson(c, args[0], func(ctx context.Context, s *system, p person) error {
				e, err := s.enrollments.Enrollment(ctx, p.id)
				if err != nil {
					return err
				}
				lock, err := login.Standing(ctx, s.kv, p.id, s.lockout(ctx), time.Now())
				if err != nil {
					return err
				}
				out := c.OutOrStdout()
				say(out, "user       %s\naccount    %s\nstanding   %s\n", p.name, p.id, lockText(lock))
				if s.voice != nil && p.account.ID != "" {
					say(out, "calls      %s\n", s.callsText(p.account, e))
				}
				if s.sms != nil && p.account.ID != "" {
					texted := strings.Join(s.texted(login.User{Account: p.account, Enrollment: e}), ", ")
					say(out, "messages   %s\n", cmp.Or(texted, "no telephone that may be sent any"))
				}
				if e.Preferred != "" {
					say(out, "asked by   %s\n", preferredText(e, s.preferable(p, e)))
				}
				if e.Language != "" {
					say(out, "language   %s\n", s.languageText(e, p.account))
				}
				if len(e.Credentials) == 0 {
					say(out, "enrolled   nothing\n")
				}
				for i, cred := range e.Credentials {
					say(out, "%-10s %s  %s  %s  since %s\n", label(i, "enrolled"), cred.ID, cred.Kind, s.describe(ctx, cred), cred.Created.Format(time.DateOnly))
				}
				return s.printNewcomer(ctx, out, p)
			})
		},
	}
}

// describe says of a credential what is no secret.
func (s *system) describe(ctx context.Context, c login.Credential) string {
	switch c.Kind {
	case sms.CredentialKind:
		if n, err := sms.Number(c); err == nil {
			return strings.TrimSpace(c.Label + " " + n.Masked())
		}
	case recovery.KindRecovery:
		if left, err := s.recovery.Remaining(ctx, c); err == nil {
			return fmt.Sprintf("%d codes left", left)
		}
	}
	return c.Label
}

func newUserForgetCommand() *cobra.Command {
	var credential string
	c := &cobra.Command{
		Use: "forget USER", Short: "Remove what a person has enrolled", Args: cobra.ExactArgs(1),
		Example: "  # everything\n  portvakt user forget alice\n\n  # one credential, by the name that `user show` gives it\n  portvakt user forget alice --credential K7Q2M9ZD",
		RunE: func(c *cobra.Command, args []string) error {
			return withPerson(c, args[0], func(ctx context.Context, s *system, p person) error {
				if credential == "" {
					if err := errors.Join(s.enrollments.Forget(ctx, p.id), login.ForgetNewcomer(ctx, s.kv, p.id, time.Now())); err != nil {
						return err
					}
					say(c.OutOrStdout(), "%s has nothing enrolled any more\n", p.name)
					s.hintOfDirectory(c, p.account)
					return nil
				}
				return s.removeCredential(ctx, c, p, func(cr login.Credential) bool { return cr.ID == credential }, "credential "+credential)
			})
		},
	}
	c.Flags().StringVar(&credential, "credential", "", "remove only this one")
	return c
}

func (s *system) removeCredential(ctx context.Context, c *cobra.Command, p person, is func(login.Credential) bool, what string) error {
	removed := 0
	err := s.enrollments.Update(ctx, p.id, p.name, func(e *login.Enrollment) error {
		before := len(e.Credentials)
		e.Credentials = slices.DeleteFunc(slices.Clone(e.Credentials), is)
		removed = before - len(e.Credentials)
		return nil
	})
	if err != nil {
		return err
	}
	if removed == 0 {
		return withHint(fmt.Errorf("%s has no %s", p.name, what), "portvakt user show "+p.name+" lists what there is")
	}
	say(c.OutOrStdout(), "removed %s of %s\n", what, p.name)
	return nil
}

func newUserUnlockCommand() *cobra.Command {
	return &cobra.Command{
		Use: "unlock USER", Short: "Forget the failures of a person", Args: cobra.ExactArgs(1),
		Example: "  portvakt user unlock alice",
		RunE: func(c *cobra.Command, args []string) error {
			return withPerson(c, args[0], func(ctx context.Context, s *system, p person) error {
				if err := login.Unlock(ctx, s.kv, p.id); err != nil {
					return err
				}
				say(c.OutOrStdout(), "%s is free to try again\n", p.name)
				return nil
			})
		},
	}
}

func newUserBypassCommand() *cobra.Command {
	var valid time.Duration
	var uses int
	c := &cobra.Command{
		Use: "bypass USER", Short: "Give a person a code for when nothing else is at hand", Args: cobra.ExactArgs(1),
		Long: `Bypass makes a code that is good in place of a second factor, once and for a
limited time. It replaces an earlier one. The code is shown once: read it to the
person after you have made sure who she is.`,
		Example: "  portvakt user bypass alice --for 4h",
		RunE: func(c *cobra.Command, args []string) error {
			return withPerson(c, args[0], func(ctx context.Context, s *system, p person) error {
				code, cred, err := s.bypass.NewCode(valid, uses)
				if err != nil {
					return withCode(err, exitUsage)
				}
				if err := s.enrollments.Update(ctx, p.id, p.name, func(e *login.Enrollment) error {
					rest := slices.DeleteFunc(slices.Clone(e.Credentials), func(c login.Credential) bool { return c.Kind == recovery.KindBypass })
					e.Credentials = append(rest, cred)
					return nil
				}); err != nil {
					return err
				}
				say(c.OutOrStdout(), "%s\n", code)
				say(c.ErrOrStderr(), "good until %s, %s\n", time.Now().Add(valid).Format(time.RFC3339), times(uses))
				return nil
			})
		},
	}
	c.Flags().DurationVar(&valid, "for", 4*time.Hour, "how long it is good, at most 24h")
	c.Flags().IntVar(&uses, "uses", 1, "how often it is good")
	return c
}
