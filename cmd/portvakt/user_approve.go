package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/user"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/portvakt/portvakt/login"
)

func newUserApproveCommand() *cobra.Command {
	var by string
	c := &cobra.Command{
		Use: "approve USER", Short: "Let what a person has enrolled count", Args: cobra.ExactArgs(1),
		Long: `Approve makes a second factor count that a person has enrolled in the dialogue,
where the rule wants somebody's approval (enroll_approval). Who was refused since
her account had not been used for long may enroll within a day then. Make sure
before who she is.

At the service desk the approver is who runs the command: her name at this
machine is her name in the directory. An administrator says with --by who it is.
The approver must be in the group that the rule names, and nobody approves
herself.`,
		Example: "  portvakt desk user approve alice\n  portvakt user approve alice --by bjorn",
		RunE: func(c *cobra.Command, args []string) error {
			return withSystem(c, func(ctx context.Context, s *system) error {
				approver, err := s.approver(ctx, by)
				if err != nil {
					return err
				}
				a, err := s.lookup(ctx, args[0])
				if err != nil {
					return err
				}
				return s.approve(ctx, c.OutOrStdout(), a, approver)
			})
		},
	}
	c.Flags().StringVar(&by, "by", "", "login name of who approves, where it is not who runs the command")
	return c
}

// approver is who approves: at the desk the one who asks, as the kernel says.
func (s *system) approver(ctx context.Context, by string) (login.Account, error) {
	desk := atDesk(ctx)
	switch {
	case desk == nil && by == "":
		return login.Account{}, withCode(withHint(errors.New("--by is missing: who approves?"), "approvers run portvakt desk user approve themselves"), exitUsage)
	case desk == nil:
		return s.lookup(ctx, by)
	case by != "":
		return login.Account{}, withCode(errors.New("--by is for the administrator: at the desk it is who runs the command"), exitUsage)
	}
	who, err := user.LookupId(strconv.FormatUint(uint64(desk.uid), 10))
	if err != nil {
		return login.Account{}, withHint(err, "the approver needs a name at the daemon's machine, the same as in the directory")
	}
	return s.lookup(ctx, who.Username)
}

func (s *system) approve(ctx context.Context, out io.Writer, a, by login.Account) error {
	c, err := login.Approve(ctx, s.kv, s.enrollments, a, by, time.Now())
	switch {
	case errors.Is(err, login.ErrNothingWaits):
		return withHint(fmt.Errorf("nothing of %s waits for an approval", a.Name), "portvakt user show "+a.Name+" says what she has")
	case errors.Is(err, login.ErrNoApprover):
		return withHint(fmt.Errorf("%s may not approve", by.Name), "members of the group that the rule names in enroll_approval may")
	case err != nil:
		return err
	case c == nil:
		say(out, "%s may enroll within a day, approved by %s\n", a.Name, by.Name)
	default:
		say(out, "%s of %s counts now, approved by %s\n", c.Kind, a.Name, by.Name)
	}
	return nil
}

// printNewcomer shows what keeps a person from a second factor, if anything
// does.
func (s *system) printNewcomer(ctx context.Context, out io.Writer, p person) error {
	n, _, err := login.NewcomerOf(ctx, s.kv, p.id)
	if err != nil {
		return err
	}
	now := time.Now()
	switch {
	case n.Waits(now):
		say(out, "waits      %s since %s, for one of %s: portvakt user approve %s\n", n.Waiting.Kind, n.Since.Format(time.RFC3339), n.Approvers, p.name)
	case n.Refused(now):
		say(out, "dormant    enrolls nothing, since %s: portvakt user approve %s\n", n.Dormant.Format(time.RFC3339), p.name)
	case now.Before(n.Welcome):
		say(out, "welcome    may enroll until %s\n", n.Welcome.Format(time.RFC3339))
	}
	return s.printCooling(ctx, out, p.id, p.name)
}

// printCooling shows the numbers of the directory that are not used yet.
func (s *system) printCooling(ctx context.Context, out io.Writer, id, name string) error {
	if s.numbers == nil {
		return nil
	}
	cooling, err := s.numbers.Cooling(ctx, id)
	for i, n := range cooling {
		say(out, "%-10s %s is new in the directory and used from %s on, or: portvakt phone trust %s\n", label(i, "cooling"), n.Number.Masked(), n.Until.Format(time.RFC3339), name)
	}
	return err
}
