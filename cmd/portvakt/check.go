package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/portvakt/portvakt/conf"
	"github.com/portvakt/portvakt/factors/email"
	"github.com/portvakt/portvakt/factors/sms"
	"github.com/portvakt/portvakt/factors/voice"
	"github.com/portvakt/portvakt/ldapauth"
	"github.com/portvakt/portvakt/login"
	"github.com/portvakt/portvakt/store/etcd"
)

// checkTime bounds the whole check.
const checkTime = time.Minute

// certificateWarning is how long before its end a certificate is warned of.
const certificateWarning = 30 * 24 * time.Hour

func newCheckCommand() *cobra.Command {
	var offline bool
	c := &cobra.Command{
		Use: "check", Short: "Check the configuration and try what it names", Args: cobra.NoArgs,
		Long: `Check reads the configuration, reports every problem at once, each with its
place and what to do, and then tries what the file names: the store (of a
cluster each member: connection, certificate, leader, space), each directory
server (connection, certificate, the service account's password, a search), the
groups that rules and replies name, the way to a domain controller, the server's
own certificate for RADIUS over TLS, each upstream server (Status-Server, or a
sign-in of nobody), and whether each provider of messages and calls, and the mail
server, can be reached and takes the password. Nothing is sent to anybody, and
nobody is called.

Exit codes: 0 when all is well, 78 when the configuration has problems, 69 when
something it names does not answer.`,
		Example: "  portvakt check\n\n  # only the file, as in a pipeline\n  portvakt check --offline --config portvakt.toml",
		RunE: func(c *cobra.Command, _ []string) error {
			f, warnings, log, err := load(c)
			reportProblems(c.ErrOrStderr(), "warning", warnings)
			if err != nil {
				return err
			}
			if offline {
				say(c.OutOrStdout(), "%s has no problems\n", configPath(c))
				t := &table{}
				t.presets(f)
				t.print(c.OutOrStdout())
				return nil
			}
			ctx, cancel := context.WithTimeout(c.Context(), checkTime)
			defer cancel()
			t := &table{}
			if f.Store.Shared() {
				t.members(etcd.Check(ctx, f.Store.Cluster))
			}
			st, err := openStorage(ctx, f, log)
			t.add("store", f.Store.Place(), err, "")
			if err != nil {
				t.print(c.OutOrStdout())
				return withCode(withHint(fmt.Errorf("the store cannot be used: %w", err), "everything else needs it: mend it first"), exitUnavailable)
			}
			defer func() { _ = st.close() }()
			st.dials = true
			s, err := build(f, st, log)
			if err != nil {
				return withCode(err, exitConfig)
			}
			defer func() { _ = s.close() }()
			s.check(ctx, t, f)
			t.print(c.OutOrStdout())
			if t.failed > 0 {
				return withCode(withHint(fmt.Errorf("%d of %d do not answer as they should", t.failed, len(t.rows)), "the table says which, and why"), exitUnavailable)
			}
			return nil
		},
	}
	c.Flags().BoolVar(&offline, "offline", false, "only read the file, connect to nothing")
	return c
}

func (s *system) check(ctx context.Context, t *table, f conf.File) {
	s.checkDirectories(ctx, t)
	if s.gateways != nil {
		for _, p := range s.gateways.Check(ctx) {
			t.add("sms "+p.Kind, p.Name, p.Err, strings.TrimSpace(p.Target+" "+certificateNote(p.Expires)))
		}
	}
	for i, p := range s.phones {
		c := f.Call.Provider[i]
		t.add("call "+c.Kind, p.Name(), at(c.SIP.Server, p.Check(ctx)), c.SIP.Server)
	}
	if note := s.namesNote(); note != "" {
		t.add("call", "names", nil, note)
	}
	if blocked := f.Blocked(); len(blocked) > 0 {
		t.add("numbers", "blocked", nil, strings.Join(blocked, " ")+": neither messages nor calls")
	}
	if s.email != nil {
		t.add("email", f.Email.Server, s.email.Reach(ctx), "")
	}
	off := map[string]bool{sms.Name: s.sms == nil, voice.Name: s.voice == nil, email.Name: s.email == nil}
	for i, r := range f.Rules {
		// Without providers there are no such factors.
		var without []string
		for _, name := range r.Factors {
			if off[name] {
				without = append(without, name)
			}
		}
		for _, name := range r.RemindBy {
			if off[name] {
				t.add("rule", ruleName(r, i), nil, "reminds by "+name+", which has no provider: nobody is reminded by it")
			}
		}
		switch {
		case len(without) == 0:
		case len(without) == len(r.Factors):
			t.add("rule", ruleName(r, i), errors.New("allows only factors without a provider: add an [[sms.provider]], a [[call.provider]] or a server in [email], or allow another factor"), "")
		default:
			t.add("rule", ruleName(r, i), nil, "allows "+strings.Join(without, " and ")+", which has no provider: nobody is offered it")
		}
	}
	if at := f.Server.RadSec.Listen; len(at) > 0 {
		expires, err := f.Server.RadSec.Check()
		t.add("radsec", strings.Join(at, " "), err, certificateNote(expires))
	}
	if len(f.Clients) == 0 {
		t.add("clients", "none", errors.New("nobody may ask: add a [[client]] block"), "")
	}
	for _, c := range f.Clients {
		note := fmt.Sprint(c.Networks)
		if len(c.Networks) == 0 {
			note = "anywhere"
		}
		if c.OverTLS() {
			note += fmt.Sprintf(", over TLS with certificates %q", c.Certificates)
		}
		if short := seconds(c.Patience.Seconds()); s.voice != nil && short > 0 && short < callNeeds {
			note += fmt.Sprintf(" a patience of %s is short for a call, which needs %s: see docs/nas", short, callNeeds)
		}
		t.add("client", c.Name, unchecked(f.LDAP, c.Methods), note)
	}
	t.presets(f)
}

// members tells how each member of the store's cluster is.
func (t *table) members(all []etcd.Member) {
	for _, m := range all {
		t.add("etcd", m.Endpoint, m.Err, strings.TrimSpace(m.Note+" "+certificateNote(m.Expires)))
	}
}

// presets tells what the presets of clients have set, and where the file says
// something else.
func (t *table) presets(f conf.File) {
	for _, c := range f.Clients {
		if c.Preset == "" {
			continue
		}
		sets, overruled := []string{}, []string{}
		for _, v := range c.PresetValues() {
			if v.Overruled {
				overruled = append(overruled, v.Key+" = "+v.Value)
			} else {
				sets = append(sets, v.Key+" = "+v.Value)
			}
		}
		note := c.Preset + ": " + strings.Join(sets, ", ")
		if len(overruled) > 0 {
			note += "; the file says " + strings.Join(overruled, ", ")
		}
		t.add("preset", c.Name, nil, note)
	}
}

// checkDirectories tries what knows people, and what checks their passwords.
func (s *system) checkDirectories(ctx context.Context, t *table) {
	if s.ldap != nil {
		answers := false
		for _, d := range s.ldap.Check(ctx) {
			t.add("directory", d.URL, d.Err, certificateNote(d.Expires))
			answers = answers || d.Err == nil
		}
		if answers {
			t.lockout(s.ldap.ReadLockout(ctx))
			s.checkGroups(ctx, t)
		}
		if helper := s.file.LDAP.NTLMAuth; len(helper) > 0 {
			t.add("domain", helper[0], s.ldap.TryDomain(ctx), "answers about MS-CHAPv2")
		}
	}
	if s.upstream != nil {
		for _, u := range s.upstream.Check(ctx) {
			t.add("upstream", u.Name, u.Err, u.Address+" "+u.Note)
		}
	}
}

// checkGroups tells of groups that the directory does not have: nobody is in
// them, so a rule that denies a misspelt one denies nobody.
func (s *system) checkGroups(ctx context.Context, t *table) {
	where := map[string][]string{}
	for i, r := range s.file.Rules {
		for _, g := range append(slices.Clone(r.Groups), r.Approval) {
			where[g] = append(where[g], fmt.Sprintf("rule %q", ruleName(r, i)))
		}
	}
	for i, r := range s.file.Replies {
		for _, g := range r.Groups {
			where[g] = append(where[g], "reply "+cmp.Or(r.Name, strconv.Itoa(i+1)))
		}
	}
	for _, g := range s.file.Emergency.Groups {
		where[g] = append(where[g], "emergency")
	}
	delete(where, "") // a rule without enroll_approval
	missing, err := s.ldap.Missing(ctx, slices.Sorted(maps.Keys(where)))
	if err != nil {
		t.add("groups", "unknown", nil, oneLine(err))
	}
	for _, g := range missing {
		t.add("group", g, nil, "there is no such entry, or the service account may not read it. Without one nobody is in it: is it spelt right? "+strings.Join(slices.Compact(where[g]), ", "))
	}
}

// at says in an error which server it is about.
func at(server string, err error) error {
	if err == nil || server == "" {
		return err
	}
	return fmt.Errorf("%s: %w", server, err)
}

// unchecked is that a client may sign people in by methods that nothing checks.
func unchecked(directory ldapauth.Config, methods []string) error {
	var errs []error
	mschapv2, chap := directory.Checks()
	if slices.Contains(methods, "mschapv2") && !mschapv2 {
		errs = append(errs, errors.New("may use mschapv2, which nothing can check: set ldap.attributes.nt_hash, or ldap.ntlm_auth on a host in the domain, or leave it out of methods"))
	}
	if slices.Contains(methods, "chap") && !chap {
		errs = append(errs, errors.New("may use chap, which nothing can check: set ldap.attributes.cleartext, or leave it out of methods"))
	}
	return errors.Join(errs...)
}

// ruleName names a rule as login.NewPolicy does.
func ruleName(r login.RuleConfig, i int) string { return cmp.Or(r.Name, fmt.Sprintf("rule %d", i+1)) }

func certificateNote(expires time.Time) string {
	switch left := time.Until(expires); {
	case expires.IsZero():
		return ""
	case left < certificateWarning:
		return fmt.Sprintf("certificate ends on %s, in %d days: renew it", expires.Format(time.DateOnly), int(left.Hours()/24))
	default:
		return "certificate until " + expires.Format(time.DateOnly)
	}
}

// A table is what check prints.
type table struct {
	rows   [][4]string
	failed int
}

func (t *table) add(kind, name string, err error, note string) {
	state := "ok"
	if err != nil {
		state, note = "FAILED", err.Error()
		t.failed++
	}
	t.rows = append(t.rows, [4]string{kind, name, state, note})
}

func (t *table) print(w io.Writer) {
	tw := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	for _, r := range t.rows {
		// A last cell that is empty would leave blanks at the end of the line.
		say(tw, "%s\n", strings.TrimRight(strings.Join(r[:], "\t"), "\t"))
	}
	_ = tw.Flush()
}
