package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/portvakt/portvakt/conf"
	"github.com/portvakt/portvakt/radiusd"
	"github.com/portvakt/portvakt/radiusd/preset"
)

const doctorHelp = `Doctor looks at a client, or at all of them: at what the running daemon has
counted and learned of it, at its block in the configuration, and at what is
known of its product (the key preset). When this machine is a client itself, it
sends the daemon test requests as well. It says what it has seen, what that
means, and what to change, on the product or in the file.

With --secret-env or --secret-file it tells whether the secret that was typed on
the device is the one in the configuration. With --user it signs somebody in;
the password and the answers are asked for.

Exit codes: 0 when nothing is to be changed, 1 when something is, 69 when the
daemon does not run.`

const doctorExamples = `  # all clients
  portvakt doctor

  # one of them, and the secret that somebody has copied to it
  portvakt doctor vpn --secret-file secret.typed

  # a sign-in of a test user, too
  printf 'wonderland\n123456\n' | portvakt doctor vpn --user alice`

type doctorOptions struct {
	askOptions
	user   string
	asJSON bool
}

func newDoctorCommand() *cobra.Command {
	var o doctorOptions
	c := &cobra.Command{
		Use: "doctor [CLIENT]", Short: "Say what is wrong with a client, and how to mend it", Long: doctorHelp, Example: doctorExamples,
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error { return o.run(c, args) },
	}
	f := c.Flags()
	f.StringVar(&o.server, "server", "", "address and port to send test requests to (default: the first of server.listen)")
	f.StringVar(&o.secretFile, "secret-file", "", "file with the shared secret as it is on the device")
	f.StringVar(&o.secretEnv, "secret-env", "", "environment variable with the same")
	f.StringVar(&o.user, "user", "", "login name of a test user to sign in")
	f.BoolVar(&o.asJSON, "json", false, "print everything as JSON")
	return c
}

// A finding is something that an administrator should change.
type finding struct {
	// ID is the same for the same kind of trouble, for programs.
	ID    string `json:"id"`
	Seen  string `json:"seen"`
	Means string `json:"means"`
	// Change are the ways to mend it; with several, each says which it is.
	Change []string `json:"change"`
}

// A checkup is what was found about a client, or about the daemon itself when
// it has no name.
type checkup struct {
	Client   string    `json:"client,omitempty"`
	Preset   string    `json:"preset,omitempty"`
	Product  string    `json:"product,omitempty"`
	Page     string    `json:"page,omitempty"`
	Findings []finding `json:"findings"`
	// Notes are what was seen and needs no change.
	Notes []string `json:"notes,omitempty"`
}

func (r *checkup) find(id, seen, means string, change ...string) {
	r.Findings = append(r.Findings, finding{id, seen, means, slices.DeleteFunc(change, func(c string) bool { return c == "" })})
}

func (r *checkup) note(format string, args ...any) {
	r.Notes = append(r.Notes, fmt.Sprintf(format, args...))
}

func (o *doctorOptions) run(c *cobra.Command, args []string) error {
	f, _, err := conf.LoadFile(configPath(c))
	if err != nil {
		return err
	}
	clients := f.Clients
	if len(args) > 0 {
		one, err := clientNamed(f, args[0])
		if err != nil {
			return err
		}
		clients = []radiusd.ClientConfig{one}
	}
	// Before the test requests, which the daemon counts as well.
	st, _, err := askStatus(c.Context(), f)
	if err != nil {
		return err
	}
	own, err := o.probe(c, f, args)
	if err != nil {
		return err
	}
	if len(args) == 0 {
		examineDaemon(own, f, st)
	}
	reports := []*checkup{own}
	for _, cc := range clients {
		reports = append(reports, examine(cc, f, st))
	}
	findings := 0
	for _, r := range reports {
		findings += len(r.Findings)
	}
	if o.asJSON {
		e := json.NewEncoder(c.OutOrStdout())
		e.SetEscapeHTML(false)
		if err := e.Encode(map[string]any{"version": st.Version, "asked": st.Asked.UTC().Format(time.RFC3339), "findings": findings, "reports": reports}); err != nil {
			return err
		}
	} else {
		for i, r := range reports {
			if i > 0 {
				say(c.OutOrStdout(), "\n")
			}
			r.print(c.OutOrStdout())
		}
	}
	if findings > 0 {
		what := "1 thing"
		if findings > 1 {
			what = fmt.Sprintf("%d things", findings)
		}
		return withCode(withHint(errors.New(what+" should be changed"), "change them one at a time, sign in, and ask the doctor again"), exitFailed)
	}
	return nil
}

// probe sends test requests and says what came of them.
func (o *doctorOptions) probe(c *cobra.Command, f conf.File, args []string) (*checkup, error) {
	r := &checkup{Findings: []finding{}}
	p := &probe{checkup: r, file: f, server: o.server}
	if o.secretFile != "" || o.secretEnv != "" {
		typed, err := o.secret()
		if err != nil {
			return nil, err
		}
		p.typed = typed
	}
	if len(args) > 0 {
		p.client = args[0]
	}
	ctx, cancel := context.WithTimeout(c.Context(), probeTime)
	defer cancel()
	if !p.begin(ctx) || !p.status(ctx) || o.user == "" {
		return r, nil
	}
	in := newPrompter(c.InOrStdin(), c.ErrOrStderr())
	if err := p.signIn(ctx, o.user, in); errors.Is(err, errNoAnswer) {
		return nil, err
	}
	return r, nil
}

func (r *checkup) print(out io.Writer) {
	switch {
	case r.Client == "":
		say(out, "this server\n")
	case r.Product != "":
		say(out, "client %s: %s, docs/nas/%s.md\n", r.Client, r.Product, r.Page)
	default:
		say(out, "client %s\n", r.Client)
	}
	for i, f := range r.Findings {
		say(out, "  %d. %-7s %s\n     %-7s %s\n", i+1, "seen", f.Seen, "means", f.Means)
		for _, change := range f.Change {
			say(out, "     %-7s %s\n", "change", change)
		}
	}
	for _, n := range r.Notes {
		say(out, "  note       %s\n", n)
	}
	if len(r.Findings) == 0 {
		say(out, "  nothing to change\n")
	}
}

// newCheckup begins the checkup about a client.
func newCheckup(cc radiusd.ClientConfig) (*checkup, preset.Preset) {
	p, _ := preset.Find(cc.Preset)
	return &checkup{Client: cc.Name, Preset: cc.Preset, Product: p.Product, Page: p.Page, Findings: []finding{}}, p
}
