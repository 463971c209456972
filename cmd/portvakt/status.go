package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/portvakt/portvakt/conf"
	"github.com/portvakt/portvakt/login"
	"github.com/portvakt/portvakt/radiusd"
	"github.com/portvakt/portvakt/store/socket"
)

const statusHelp = `Status asks the running daemon what it has done for each client since it began,
what it has learned of it, and what should be changed: a client that gives up
before a telephone call can be answered, or one whose replies can be forged.

It asks over the admin socket that the configuration names, as root or as the
user the daemon runs as. Exit codes: 0 when the daemon runs, 69 when it does not.`

func newStatusCommand() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use: "status", Short: "Say what the daemon does, and what should be changed", Long: statusHelp, Args: cobra.NoArgs,
		Example: "  portvakt status\n\n  # for a monitor: the advice for each client\n  portvakt status --json",
		RunE: func(c *cobra.Command, _ []string) error {
			st, raw, err := statusOf(c)
			if err != nil {
				return err
			}
			if asJSON {
				_, err := fmt.Fprintf(c.OutOrStdout(), "%s\n", raw)
				return err
			}
			st.print(c.OutOrStdout())
			return nil
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print everything as JSON")
	return c
}

// statusOf is askStatus of the daemon of the command's configuration; at the desk
// that is this process.
func statusOf(c *cobra.Command) (st status, raw []byte, err error) {
	if s := atDesk(c.Context()); s != nil {
		if raw, err = s.status(); err != nil {
			return status{}, nil, err
		}
		return readStatus(raw)
	}
	f, _, err := conf.LoadFile(configPath(c))
	if err != nil {
		return status{}, nil, err
	}
	return askStatus(c.Context(), f)
}

// askStatus asks the daemon of a configuration; raw is its answer as it came.
func askStatus(ctx context.Context, f conf.File) (st status, raw []byte, err error) {
	kv, err := socket.Dial(ctx, f.Server.Admin)
	if err != nil {
		hint := "run this command as root, or as the user the daemon runs as"
		if errors.Is(err, socket.ErrNoDaemon) {
			hint = "start it: portvakt serve; its log says why it ended"
		}
		return status{}, nil, withCode(withHint(err, hint), exitUnavailable)
	}
	raw, err = kv.Status(ctx)
	if err = errors.Join(err, kv.Close()); err != nil {
		return status{}, nil, withCode(err, exitUnavailable)
	}
	return readStatus(raw)
}

func readStatus(raw []byte) (status, []byte, error) {
	var st status
	if err := json.Unmarshal(raw, &st); err != nil {
		return status{}, nil, withCode(fmt.Errorf("read the daemon's status: %w", err), exitUnavailable)
	}
	return st, raw, nil
}

// status is what the daemon says of itself. Counters that are 0 are left out.
type status struct {
	Version   string    `json:"version"`
	Began     time.Time `json:"began"`
	Asked     time.Time `json:"asked"`
	Directory bool      `json:"directory_answers"`
	Received  uint64    `json:"received"`
	InHand    int       `json:"in_hand"`
	Held      int       `json:"held"`
	Kept      int       `json:"kept"`
	// Connections is how many connections over TLS are open, Notes what was
	// noticed of all of them and of requests.
	Connections int            `json:"connections"`
	Notes       counts         `json:"notes"`
	Lost        uint64         `json:"lost_by_kernel"`
	Unkept      uint64         `json:"attempts_not_kept"`
	Sent        counts         `json:"sent"`
	Dropped     counts         `json:"dropped"`
	Clients     []clientStatus `json:"clients"`
	// Strangers asked lately and are no client's; the latest is first.
	Strangers []strangerStatus `json:"strangers,omitempty"`
	// Accounting is nil when it is not taken.
	Accounting *accountingStatus `json:"accounting,omitempty"`
	// Emergencies are where emergency mode is on.
	Emergencies []login.Emergency `json:"emergency,omitempty"`
	// EmergencyUnread is why that is not known.
	EmergencyUnread string `json:"emergency_unread,omitempty"`
}

type strangerStatus struct {
	Address netip.Addr `json:"address"`
	At      time.Time  `json:"at"`
}

// latestStatus is when something was counted last, and an address it came from.
type latestStatus struct {
	At   time.Time  `json:"at"`
	From netip.Addr `json:"from,omitzero"`
}

// clientStatus is what the daemon says of a client.
type clientStatus struct {
	Name                        string      `json:"name"`
	InHand                      int         `json:"in_hand"`
	Held                        int         `json:"held"`
	Sent                        counts      `json:"sent"`
	Dropped                     counts      `json:"dropped"`
	Refused                     counts      `json:"refused"`
	Notes                       counts      `json:"notes"`
	RequireMessageAuthenticator string      `json:"require_message_authenticator"`
	LimitProxyState             string      `json:"limit_proxy_state"`
	Clock                       clockStatus `json:"clock"`
	// OverTLS is whether it may come over TLS, OnlyTLS whether so alone.
	OverTLS     bool     `json:"over_tls,omitempty"`
	OnlyTLS     bool     `json:"only_tls,omitempty"`
	Connections int      `json:"connections,omitempty"`
	Advice      []string `json:"advice"`
	// Latest is when each of the counters counted last.
	Latest map[string]latestStatus `json:"latest"`
}

// clockStatus is a client's clock; 0 and "" are unknown.
type clockStatus struct {
	Resend     seconds `json:"resend_seconds"`
	GivesUp    seconds `json:"gives_up_seconds"`
	Waits      seconds `json:"waits_seconds"`
	Sends      int     `json:"sends"`
	Identifier string  `json:"identifier"`
	Seen       int     `json:"seen"`
	Patience   seconds `json:"patience_seconds"`
	Learned    bool    `json:"patience_learned"`
}

type counts map[string]uint64

// seconds are a duration as programs like to read it.
type seconds float64

func (s seconds) String() string {
	return fmt.Sprintf("%g s", math.Round(float64(s)*10)/10)
}

// status describes the daemon for the admin socket.
func (d *daemon) status() ([]byte, error) {
	r := d.current.Load()
	s := newStatus(d.radius.Stats(), d.began, r.up())
	s.Accounting = d.accounting.status()
	s.Unkept = d.recorder.Dropped()
	var err error
	if s.Emergencies, err = d.emergencies(context.Background()); err != nil {
		s.EmergencyUnread = err.Error()
	}
	return json.Marshal(s)
}

func newStatus(st radiusd.Stats, began time.Time, directory bool) status {
	s := status{
		Version: cmp.Or(version, "unreleased"), Began: began, Asked: time.Now(), Directory: directory,
		Received: st.Received, InHand: st.InHand, Held: st.Held, Kept: st.Kept, Lost: st.KernelDrops,
		Connections: st.Connections, Notes: some(st.Notes),
		Sent: some(st.Sent), Dropped: some(st.Dropped), Clients: []clientStatus{},
	}
	for _, name := range slices.Sorted(maps.Keys(st.Clients)) {
		c := st.Clients[name]
		if c.RequireMessageAuthenticator == "" {
			continue // it is configured no more
		}
		k := c.Clock
		cs := clientStatus{
			Name: name, InHand: c.InHand, Held: c.Held,
			OverTLS: c.OverTLS, OnlyTLS: c.OnlyTLS, Connections: c.Connections,
			Sent: some(c.Sent), Dropped: some(c.Dropped), Refused: some(c.Refused), Notes: some(c.Notes),
			RequireMessageAuthenticator: c.RequireMessageAuthenticator, LimitProxyState: c.LimitProxyState,
			Clock: clockStatus{
				Resend: seconds(k.Resend.Seconds()), GivesUp: seconds(k.GivesUp.Seconds()), Waits: seconds(k.Waits.Seconds()),
				Sends: k.Sends, Identifier: k.Identifier, Seen: k.Seen,
				Patience: seconds(k.Patience.Seconds()), Learned: k.Learned,
			},
		}
		cs.Advice = advice(cs)
		cs.Latest = map[string]latestStatus{}
		for what, l := range c.Latest {
			cs.Latest[what] = latestStatus{l.At, l.From}
		}
		s.Clients = append(s.Clients, cs)
	}
	for _, stranger := range st.Strangers {
		s.Strangers = append(s.Strangers, strangerStatus{stranger.Address, stranger.At})
	}
	return s
}

// some leaves out what is 0.
func some(all map[string]uint64) counts {
	c := counts{}
	for name, n := range all {
		if n > 0 {
			c[name] = n
		}
	}
	return c
}

// of are those with these names.
func (c counts) of(names ...string) counts {
	some := counts{}
	for _, name := range names {
		if c[name] > 0 {
			some[name] = c[name]
		}
	}
	return some
}

func (c counts) String() string {
	if len(c) == 0 {
		return "nothing"
	}
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(c)) {
		parts = append(parts, fmt.Sprintf("%s %d", name, c[name]))
	}
	return strings.Join(parts, ", ")
}

func (s status) print(out io.Writer) {
	directory := "the directory answers"
	if !s.Directory {
		directory = "the directory does not answer"
	}
	say(out, "portvakt %s serves since %s (%s); %s\n", s.Version, s.Began.Format(time.DateTime), s.Asked.Sub(s.Began).Round(time.Second), directory)
	for _, e := range s.Emergencies {
		say(out, "%s\n", emergencyText(e))
	}
	if s.EmergencyUnread != "" {
		say(out, "it is not known whether emergency mode is on: %s\n", s.EmergencyUnread)
	}
	say(out, "%-10s received %d, in hand %d, of them held %d; lost by the kernel %d\n", "requests", s.Received, s.InHand, s.Held, s.Lost)
	say(out, "%-10s %s\n%-10s %s\n", "sent", s.Sent, "dropped", s.Dropped)
	if n := s.Notes.of("tls_handshake_failed", "unknown_certificate", "too_many_connections", "connection_stalled"); s.Connections > 0 || len(n) > 0 {
		also := ""
		if len(n) > 0 {
			also = ", noticed " + n.String()
		}
		say(out, "%-10s %d connections%s\n", "over TLS", s.Connections, also)
	}
	if a := s.Accounting; a != nil {
		say(out, "%-10s %d sessions kept, %d active; requests received %d, sent %s, dropped %s\n", "accounting", a.Sessions, a.Active, a.Received, a.Sent, a.Dropped)
	}
	if s.Unkept > 0 {
		say(out, "%-10s %d dropped: portvakt attempts does not show them, the log does\n", "attempts", s.Unkept)
	}
	for _, c := range s.Clients {
		c.print(out)
	}
}

func (c clientStatus) print(out io.Writer) {
	say(out, "\nclient %s\n", c.Name)
	line := func(name, format string, args ...any) {
		say(out, "  %-10s %s\n", name, fmt.Sprintf(format, args...))
	}
	line("in hand", "%d, of them held %d", c.InHand, c.Held)
	line("sent", "%s", c.Sent)
	for _, more := range []struct {
		name string
		counts
	}{{"dropped", c.Dropped}, {"refused", c.Refused}, {"noticed", c.Notes}} {
		if len(more.counts) > 0 {
			line(more.name, "%s", more.counts)
		}
	}
	if c.OverTLS {
		also := ""
		if !c.OnlyTLS {
			also = "; it may come over UDP, too"
		}
		line("over TLS", "%d connections%s", c.Connections, also)
	}
	if !c.OnlyTLS { // TLS proves whose packets are
		line("signature", "Message-Authenticator required: %s; Proxy-State without it refused: %s", c.RequireMessageAuthenticator, c.LimitProxyState)
	}
	line("clock", "%s", c.Clock)
	for _, a := range c.Advice {
		line("advice", "%s", a)
	}
}

func (k clockStatus) String() string {
	var parts []string
	if k.Resend > 0 {
		again := "sends again after " + k.Resend.String()
		switch k.Identifier {
		case "same":
			again += " with the same identifier"
		case "new":
			again += " with a new identifier"
		case "new port":
			again += " with a new identifier from a new port"
		}
		parts = append(parts, again)
	}
	switch {
	case k.GivesUp > 0:
		parts = append(parts, fmt.Sprintf("gives up after %s, sent %s", k.GivesUp, times(k.Sends)))
	case k.Waits > 0:
		parts = append(parts, "still waits after "+k.Waits.String())
	}
	if len(parts) == 0 {
		parts = append(parts, "not seen sending again")
	}
	how := "not learned"
	if k.Learned {
		how = "learned"
	}
	return fmt.Sprintf("%s; patience %s (%s)", strings.Join(parts, ", "), k.Patience, how)
}
