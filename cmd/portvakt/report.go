package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/portvakt/portvakt/conf"
	"github.com/portvakt/portvakt/internal/logging"
	"github.com/portvakt/portvakt/store"
	"github.com/portvakt/portvakt/store/attempts"
)

const reportHelp = `Report lists the people whom a rule that is not in force yet (from, with before =
"report" or "remind") has let in, with what it would have done: refused, as she
has nothing enrolled or the client cannot ask; asked, by which methods; or let in.

The list grows while people sign in, and says how each stood at her last sign-in:
who has enrolled meanwhile moves from "refuse" to "ask". It is kept until it is
cleared. Copies of another server's requests (shadow) are in it in the same way.`

func newReportCommand() *cobra.Command {
	var rule string
	var asJSON, clean bool
	c := &cobra.Command{
		Use: "report", Short: "List whom a rule will ask or refuse from its date on", Long: reportHelp, Args: cobra.NoArgs,
		Example: "  portvakt report --rule \"staff on the VPN\"\n\n  # whom to write to before the date\n  portvakt report --json",
		RunE: func(c *cobra.Command, _ []string) error {
			return withFile(c, func(ctx context.Context, f conf.File, st *storage) error {
				if clean {
					n, err := attempts.Clear(ctx, st.kv, rule)
					if _, other := store.Unopened(err); other == nil {
						say(c.OutOrStdout(), "%d forgotten\n", n)
					}
					return err
				}
				all, unread, err := attempts.Reports(ctx, st.kv, rule)
				if err != nil {
					return err
				}
				if len(all) == 0 { // else it may be of a rule that was there then
					if err := knownRule(f, rule); err != nil {
						return err
					}
				}
				if unread > 0 {
					tell(c.ErrOrStderr(), "warning", fmt.Sprintf("%d records cannot be read", unread))
				}
				if asJSON {
					for _, r := range all {
						if err := json.NewEncoder(logging.Escaping(c.OutOrStdout())).Encode(r); err != nil {
							return err
						}
					}
					return nil
				}
				printReports(c.OutOrStdout(), all)
				if len(all) == 0 {
					tell(c.ErrOrStderr(), "hint", `nobody has signed in under a rule with from in the future and before = "report" or "remind"`)
				}
				return nil
			})
		},
	}
	f := c.Flags()
	f.StringVar(&rule, "rule", "", "only this rule")
	f.BoolVar(&asJSON, "json", false, "one JSON object a line")
	f.BoolVar(&clean, "clear", false, "forget the list")
	return c
}

// knownRule refuses the name of no rule, unless it is empty.
func knownRule(f conf.File, name string) error {
	var names []string
	for i, r := range f.Rules {
		names = append(names, strconv.Quote(ruleName(r, i)))
	}
	if name == "" || slices.Contains(names, strconv.Quote(name)) {
		return nil
	}
	return withCode(withHint(fmt.Errorf("there is no rule %q", name), "the rules are "+strings.Join(names, ", ")), exitUsage)
}

func printReports(out io.Writer, all []attempts.Report) {
	for i := 0; i < len(all); {
		end, sum := i, counts{}
		for end < len(all) && all[end].Rule == all[i].Rule {
			sum[all[end].Outcome]++
			end++
		}
		if i > 0 {
			say(out, "\n")
		}
		say(out, "rule %q would refuse %d, ask %d and let %d in\n", all[i].Rule, sum["reject"], sum["ask"], sum["accept"])
		tw := tabwriter.NewWriter(out, 0, 8, 2, ' ', 0)
		for _, r := range all[i:end] {
			what := map[string]string{"reject": "refuse", "ask": "ask", "accept": "let in"}[r.Outcome]
			how := strings.Join(r.Methods, ", ")
			if r.Outcome != "ask" {
				how = string(r.Reason)
			}
			say(tw, "  %s\t%s\t%s\t%s, last %s at %s\n", what, shown(r.User), shown(how), times(r.Count), r.Last.Local().Format(time.DateTime), shown(r.Client))
		}
		_ = tw.Flush()
		i = end
	}
}
