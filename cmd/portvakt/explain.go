package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/portvakt/portvakt/login"
	"github.com/portvakt/portvakt/radiusd"
)

const explainExamples = `  # what happens when alice signs in at the client "vpn"?
  portvakt explain alice --client vpn

  # from a certain address, at a certain time
  portvakt explain alice --client vpn --address 10.9.0.7 --at 2027-01-01T08:00:00+01:00

  # from a certain device, and as if she were in a group, too
  portvakt explain alice --client wifi --station 02-00-5E-10-00-01 --group cn=admins,ou=groups,dc=example,dc=org`

func newExplainCommand() *cobra.Command {
	var clientName, address, station, at string
	var groups []string
	c := &cobra.Command{
		Use: "explain USER", Short: "Say which rule decides for a user, and why", Example: explainExamples,
		Long: `Explain looks a user up in the directory and says which rule decides for a
sign-in at a client, why each rule before it did not, which second factors the
user has, which numbers of the directory are not used and why, what a call asks
for, and what the client would be told. No password is checked, nothing is
sent and nothing is counted.`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			via := login.Via{Client: clientName, CanAsk: true}
			if address != "" {
				a, err := netip.ParseAddr(address)
				if err != nil {
					return withCode(withHint(err, "write an IP address, as in --address 10.9.0.7"), exitUsage)
				}
				via.Address, via.Station = a, address
			}
			via.Station = cmp.Or(station, via.Station)
			for _, g := range groups {
				if _, err := login.NormalDN(g); err != nil {
					return withCode(withHint(err, "write the group's distinguished name, as in --group cn=admins,ou=groups,dc=example,dc=org"), exitUsage)
				}
			}
			when := time.Now()
			if at != "" {
				var err error
				if when, err = time.Parse(time.RFC3339, at); err != nil {
					return withCode(withHint(fmt.Errorf("--at %q is no time", at), "write a date and time, as in --at 2027-01-01T08:00:00+01:00"), exitUsage)
				}
			}
			return withSystem(c, func(ctx context.Context, s *system) error {
				return explain(ctx, s, c, args[0], groups, via, when)
			})
		},
	}
	f := c.Flags()
	f.StringVar(&clientName, "client", "", "name of the client block the user signs in at")
	f.StringVar(&address, "address", "", "address of the device that signs in")
	f.StringVar(&station, "station", "", "Calling-Station-Id of the device that signs in (default: its address)")
	f.StringArrayVar(&groups, "group", nil, "as if the user were in this `group`, too; may be repeated")
	f.StringVar(&at, "at", "", "when (default: now)")
	_ = c.MarkFlagRequired("client")
	return c
}

func explain(ctx context.Context, s *system, c *cobra.Command, user string, groups []string, via login.Via, at time.Time) error {
	cl, err := clientNamed(s.file, via.Client)
	if err != nil {
		return err
	}
	via.Group, via.CanAsk, via.Room = cmp.Or(cl.Group, cl.Name), cl.Challenge, int32(cl.MaxReplyMessage) //nolint:gosec // at most a packet, see radiusd
	account, err := s.lookup(ctx, user)
	if err != nil {
		return err
	}
	account.Groups = append(slices.Clone(account.Groups), groups...)
	out := c.OutOrStdout()
	say(out, "user       %s\naccount    %s\n", account.Name, account.ID)
	if account.DN != "" {
		say(out, "entry      %s\n", account.DN)
	}
	for i, group := range account.Groups {
		say(out, "%-10s %s\n", label(i, "groups"), group)
	}
	decision, trace := s.policy.Explain(account, via, at)
	for i, t := range trace {
		why := "decides"
		if t.Passed != "" {
			why = "is passed over: " + t.Passed
		}
		say(out, "%-10s %q %s\n", label(i, "rules"), t.Rule, why)
	}
	flow := login.NewFlow(s.flowConfig(nil))
	methods, err := flow.Methods(ctx, account, decision)
	if err != nil {
		return err
	}
	for i, m := range methods {
		say(out, "%-10s %s\n", label(i, "methods"), strings.TrimSpace(m.Factor+" "+m.Hint))
	}
	if len(methods) == 0 && decision.Unenrolled == login.UnenrolledEnroll {
		if err := explainEnrolling(ctx, flow, out, account, decision, via, at); err != nil {
			return err
		}
	}
	if err := s.printCooling(ctx, out, account.ID, account.Name); err != nil {
		return err
	}
	for i, why := range s.unusable(account) {
		say(out, "%-10s %s\n", label(i, "numbers"), why)
	}
	if calls(methods) {
		e, err := s.enrollments.Enrollment(ctx, account.ID)
		if err != nil {
			return err
		}
		say(out, "call asks  %s\n", s.keysText(decision, e, account.Name, s.asks(via.Client)))
	}
	say(out, "decision   %s\n", decisionText(decision, len(methods)))
	if len(methods) > 0 && decision.ChangesExpired() {
		say(out, "expired    a password that has expired may be changed, behind the second factor\n")
	}
	emergencies, err := login.Emergencies(ctx, s.kv, s.file.Emergency, at)
	if err != nil {
		return err
	}
	for _, e := range emergencies {
		asked := len(methods) > 0 && decision.Second != login.SecondDeny && decision.Second != login.SecondNone
		if asked && e.At(via) {
			say(out, "emergency  on for %s until %s: %s\n", e.Where(), e.Until.Format(time.RFC3339), e.Explain(s.file.Emergency, account, methods))
			break
		}
	}
	lock, err := login.Standing(ctx, s.kv, account.ID, s.lockout(ctx), time.Now())
	if err != nil {
		return err
	}
	say(out, "standing   %s\n", lockText(lock))
	avps, err := s.replies.For(via.Client, account)
	for i, v := range s.dictionary.Decode(avps) {
		say(out, "%-10s %s\n", label(i, "reply"), v)
	}
	if passed := append(slices.Clone(s.file.Upstream.Pass), s.replies.Passed(via.Client, account)...); s.upstream != nil && len(passed) > 0 {
		say(out, "passes     %s, when upstream sends them\n", strings.Join(passed, ", "))
	}
	return err
}

// explainEnrolling says what somebody without a second factor is offered, or why
// nothing.
func explainEnrolling(ctx context.Context, flow *login.Flow, out io.Writer, a login.Account, d login.Decision, via login.Via, at time.Time) error {
	offers, err := flow.Offers(ctx, a, d, via, at)
	if reason := login.Refused(err); reason != "" {
		say(out, "enrolling  no: %s: %s\n", meanings[reason], err)
		return nil
	}
	for i, m := range offers {
		say(out, "%-10s %s\n", label(i, "enrolling"), strings.TrimSpace(m.Factor+" "+m.Hint))
	}
	return err
}

// asks reports whether the client can show a question.
func (s *system) asks(client string) bool {
	return slices.ContainsFunc(s.file.Clients, func(c radiusd.ClientConfig) bool { return c.Name == client && c.Challenge })
}

func label(i int, name string) string {
	if i == 0 {
		return name
	}
	return ""
}

func decisionText(d login.Decision, methods int) string {
	switch {
	case d.Second == login.SecondDeny:
		return "refused, whatever the password"
	case d.Second == login.SecondNone && d.Reason == login.ReasonBeforeDate:
		return "the password is enough until " + d.From.Format(time.RFC3339)
	case d.Second == login.SecondNone:
		return "the password is enough"
	case methods > 0:
		return "the password, then a second factor"
	case d.Second == login.SecondEnrolled || d.Unenrolled == login.UnenrolledAllow:
		return "the password is enough, as the user has no second factor"
	}
	if d.Unenrolled == login.UnenrolledEnroll {
		return "the password, then she enrolls a second factor, as far as the line above says"
	}
	return "refused: a second factor is required and the user has none that the rule allows"
}

func lockText(l login.Lock) string {
	switch {
	case !l.BlockedUntil.IsZero():
		return fmt.Sprintf("blocked until %s, as a sign-in was reported as fraud: change the password, then portvakt user unlock", l.BlockedUntil.Format(time.RFC3339))
	case l.Everywhere:
		return fmt.Sprintf("locked after %d wrong codes in a row: portvakt user unlock", l.Consecutive)
	case l.Strangers:
		return fmt.Sprintf("locked until %s from places never used before; %d known places go on", l.Until.Format(time.RFC3339), l.Known)
	case l.Asked:
		return "called too often without success: no more calls for an hour; codes go on, or portvakt user unlock"
	}
	return fmt.Sprintf("free; %d wrong codes since the last success; known from %d places", l.Consecutive, l.Known)
}
