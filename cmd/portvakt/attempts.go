package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/portvakt/portvakt/conf"
	"github.com/portvakt/portvakt/internal/logging"
	"github.com/portvakt/portvakt/login"
	"github.com/portvakt/portvakt/store/attempts"
)

const attemptsHelp = `Attempts shows what became of sign-ins, the newest last: every request and every
answer of one, how long the directory took, what was asked and how it ended. USER
is a login name; REFERENCE is what stands in brackets behind the text of a
refusal. Without either it shows the last of everybody.

What is kept, and for how long, says [attempts] in the configuration. The last
two seconds may be missing. Nothing shown is a secret.`

const attemptsExamples = `  # why could alice not get in?
  portvakt attempts alice

  # the person read "Access denied. [7GQ2-MX4D]" from her screen
  portvakt attempts 7GQ2-MX4D

  # everybody who tried at the client "vpn" in the last hour
  portvakt attempts --since 1h --client vpn`

const defaultAttempts = 20

func newAttemptsCommand() *cobra.Command {
	q := attempts.Query{}
	var since time.Duration
	var asJSON bool
	c := &cobra.Command{
		Use: "attempts [USER|REFERENCE]", Short: "Show what became of sign-ins", Long: attemptsHelp, Example: attemptsExamples,
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if since <= 0 {
				return withCode(withHint(fmt.Errorf("--since %s is no time to look back", since), "write it like --since 1h"), exitUsage)
			}
			if len(args) > 0 {
				q.Who = args[0]
			}
			return withFile(c, func(ctx context.Context, f conf.File, st *storage) error {
				now := time.Now()
				q.Since = now.Add(-since)
				found, err := attempts.Find(ctx, st.kv, q, now)
				if err != nil {
					return err
				}
				if len(found.Attempts) == 0 { // else it may be of a client that was there then
					if err := knownClient(f, q.Client); err != nil {
						return err
					}
				}
				if err := showAttempts(c, found, asJSON); err != nil {
					return err
				}
				return hintOfOutage(ctx, c, st.kv, q, now)
			})
		},
	}
	f := c.Flags()
	f.DurationVar(&since, "since", 7*24*time.Hour, "how far to look back")
	f.StringVar(&q.Client, "client", "", "only at this client")
	f.IntVar(&q.Limit, "limit", defaultAttempts, "how many, at most 1000")
	f.BoolVar(&asJSON, "json", false, "one JSON object a line, the newest first")
	return c
}

// outage is how far back an outage is told of beside somebody's sign-ins.
const outage = time.Hour

// hintOfOutage tells who looks for somebody of sign-ins that nobody could
// decide. While the directory is down a name cannot be told from a password in
// the wrong field, so they are kept without one and are found by none.
func hintOfOutage(ctx context.Context, c *cobra.Command, kv attempts.Scanner, q attempts.Query, now time.Time) error {
	if q.Who == "" {
		return nil
	}
	q.Who, q.Limit = "", 0
	if recent := now.Add(-outage); q.Since.Before(recent) {
		q.Since = recent
	}
	found, err := attempts.Find(ctx, kv, q, now)
	undecided := 0
	for _, a := range found.Attempts {
		if a.Account == "" && a.Last().Reason == login.ReasonUnavailable {
			undecided++
		}
	}
	if undecided > 0 {
		tell(c.ErrOrStderr(), "hint", fmt.Sprintf("sign-ins of the last hour that could not be decided: %d; whose they are is not known, portvakt attempts --since 1h says what did not answer", undecided))
	}
	return err
}

func showAttempts(c *cobra.Command, found attempts.Found, asJSON bool) error {
	out, notes := c.OutOrStdout(), c.ErrOrStderr()
	if found.Unread > 0 {
		tell(notes, "warning", fmt.Sprintf("%d pages of attempts cannot be read: they were damaged, or sealed with another key", found.Unread))
	}
	if asJSON {
		for _, a := range found.Attempts {
			if err := json.NewEncoder(logging.Escaping(out)).Encode(newAttemptJSON(a)); err != nil {
				return err
			}
		}
		return nil
	}
	// The newest stands at the end, where a terminal is.
	for i, a := range slices.Backward(found.Attempts) {
		printAttempt(out, a)
		if i > 0 {
			say(out, "\n")
		}
	}
	switch {
	case len(found.Attempts) == 0:
		tell(notes, "hint", "nothing was found: look further back with --since, and at portvakt status, which says whether requests of the client are dropped")
	case found.More:
		tell(notes, "hint", "there are more: --limit and --since say how many")
	}
	return nil
}

// printAttempt is the view of one attempt: who and where, then line by line
// what happened, and what that means.
func printAttempt(out io.Writer, a attempts.Attempt) {
	last := a.Last()
	say(out, "%s  %s at %s, %s\n", shown(a.Reference), shown(a.User), shown(a.Client), verdict(last))
	if a.Station != "" {
		say(out, "  %-9s %s\n", "from", shown(a.Station))
	}
	rule := ""
	for _, e := range a.Events {
		if e.Rule != "" && e.Rule != rule {
			rule = e.Rule
			say(out, "  %-9s %q\n", "rule", rule)
		}
	}
	day := ""
	for _, e := range a.Events {
		if d := e.Time.Format(time.DateOnly); d != day {
			day = d
			say(out, "  %-9s %s\n", "on", day)
		}
		say(out, "  %s  %s\n", e.Time.Format("15:04:05.000"), strings.Join(happening(e), "; "))
	}
	say(out, "  %-9s %s\n", "that is", meaning(last))
}

// happening is one event in parts of a sentence.
func happening(e login.Event) []string {
	var parts []string
	if e.Copies > 0 {
		parts = append(parts, "the client sent it "+times(e.Copies+1))
	}
	// Less is an account that was known from a moment ago.
	if took := e.Directory.Round(100 * time.Microsecond); took > 0 {
		parts = append(parts, "the directory took "+took.String())
	}
	if e.Elsewhere > 0 {
		parts = append(parts, fmt.Sprintf("was asked by %s for %s", cmp.Or(shown(e.Method), "no method"), e.Elsewhere.Round(100*time.Millisecond)))
	}
	end := verdict(e)
	if e.Method != "" && e.Elsewhere == 0 {
		end += " by " + shown(e.Method)
	}
	parts = append(parts, fmt.Sprintf("%s after %s", end, e.Took.Round(100*time.Microsecond)))
	if e.Gone && e.Outcome != "left" {
		parts = append(parts, "the client had given up")
	}
	if e.Reason != login.ReasonOK {
		parts = append(parts, string(e.Reason))
	}
	if e.Emergency != "" {
		parts = append(parts, "emergency mode of "+shown(e.Emergency))
	}
	if e.Detail != "" {
		parts = append(parts, shown(e.Detail))
	}
	return parts
}

func verdict(e login.Event) string {
	switch e.Outcome {
	case "accept":
		return "let in"
	case "reject":
		return "refused"
	case "ask":
		return "asked"
	case "left":
		return "the client had gone"
	case "reminded":
		return "reminded of the date"
	case "answered":
		return "answered, and no request waited"
	case "changed":
		return "the password was changed"
	case "enrolled":
		return "enrolled"
	case "error":
		return "not decided"
	case "shadow":
		return "not answered (shadow)"
	case "export":
		return "wrote tokens down"
	}
	return shown(e.Outcome)
}

func meaning(e login.Event) string {
	switch {
	case e.Gone && e.Outcome == "accept":
		return "the client had given up when she was let in: she tries again, and its time-out is too short (portvakt status)"
	case e.Outcome == "ask" && e.Reason == login.ReasonOK:
		return "no answer to the question has come"
	case e.Outcome == "left":
		return "the client no longer waited: it asked again, or its time-out is too short (portvakt status)"
	case e.Outcome == "shadow" && e.Reason == login.ReasonOK:
		return "a copy: another server answered, and nobody was asked"
	case e.Outcome == "export":
		return "who has the file can make the codes of these people"
	case e.Outcome == "reminded" && e.Reason == login.ReasonOK:
		return "she has no second factor yet, and was sent a message about it"
	case e.Outcome == "reminded":
		return "she has no second factor yet, and no message could be sent to her"
	case e.Outcome == "answered" && e.Reason == login.ReasonOK:
		return "she approved, and her next try within seconds is let in"
	}
	return cmp.Or(meanings[e.Reason], string(e.Reason))
}

// attemptJSON is an attempt for programs.
type attemptJSON struct {
	Attempt string      `json:"attempt"`
	User    string      `json:"user"`
	Account string      `json:"account,omitempty"`
	Client  string      `json:"client"`
	Station string      `json:"station,omitempty"`
	Events  []eventJSON `json:"events"`
}

type eventJSON struct {
	Time      time.Time    `json:"time"`
	Outcome   string       `json:"outcome"`
	Reason    login.Reason `json:"reason"`
	Detail    string       `json:"detail,omitempty"`
	Rule      string       `json:"rule,omitempty"`
	Method    string       `json:"method,omitempty"`
	Took      string       `json:"took"`
	Directory string       `json:"directory,omitempty"`
	Elsewhere string       `json:"elsewhere,omitempty"`
	Copies    int          `json:"copies,omitempty"`
	Gone      bool         `json:"gone,omitempty"`
	Alarm     bool         `json:"alarm,omitempty"`
	Emergency string       `json:"emergency,omitempty"`
}

func newAttemptJSON(a attempts.Attempt) attemptJSON {
	j := attemptJSON{Attempt: a.Reference, User: a.User, Account: a.Account, Client: a.Client, Station: a.Station}
	some := func(d time.Duration) string {
		if d == 0 {
			return ""
		}
		return d.String()
	}
	for _, e := range a.Events {
		j.Events = append(j.Events, eventJSON{
			e.Time.UTC(), e.Outcome, e.Reason, e.Detail, e.Rule, e.Method, e.Took.String(), some(e.Directory), some(e.Elsewhere), e.Copies, e.Gone, e.Alarm, e.Emergency,
		})
	}
	return j
}
