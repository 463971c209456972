package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/portvakt/portvakt/internal/slack"
)

// benchSecret is the shared secret of everything here.
const benchSecret = "bench-secret-of-24-octets"

const usage = `bench measures what a login costs a RADIUS server.

  bench [compare] [flags]              take turns between servers, print a table
  bench MODE -server ADDRESS [flags]   one load: login, reject, accept, flood, storm, echo
  bench floor|echo|flow|refuse         serve until a signal
  bench people [-users N] [-as csv]    print the population: csv, freeradius or ldif

Each takes -h.
`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := command(ctx, os.Args[1:], os.Stdout)
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "bench: error:", err)
		os.Exit(1)
	}
}

func command(ctx context.Context, args []string, out io.Writer) error {
	name := "compare"
	if len(args) > 0 && !strings.HasPrefix(args[0], "-") {
		name, args = args[0], args[1:]
	} else if len(args) > 0 && (args[0] == "-h" || args[0] == "--help") {
		fmt.Fprint(out, usage)
	}
	fs := flag.NewFlagSet("bench "+name, flag.ContinueOnError)
	switch {
	case name == "compare":
		return compareCommand(ctx, fs, args, out)
	case name == "people":
		return peopleCommand(fs, args, out)
	case slices.Contains(servers, name) && !isLoad(args):
		if name == "flow" {
			slack.Allow() // as "portvakt serve" does
		}
		return serveCommand(ctx, fs, name, args, out)
	case slices.Contains(modes, mode(name)):
		return loadCommand(ctx, fs, mode(name), args, out)
	}
	return fmt.Errorf("no command %q:\n%s", name, usage)
}

// isLoad tells the load "echo" from the server "echo".
func isLoad(args []string) bool {
	return slices.ContainsFunc(args, func(a string) bool {
		return strings.HasPrefix(strings.TrimLeft(a, "-"), "server")
	})
}

// pids is a flag: name=PID,name=PID.
type pids []watched

func (p *pids) String() string { return fmt.Sprint(*p) }

func (p *pids) Set(text string) error {
	for part := range strings.SplitSeq(text, ",") {
		name, number, ok := strings.Cut(part, "=")
		if !ok {
			name, number = "server", part
		}
		pid, err := strconv.Atoi(number)
		if err != nil {
			return err
		}
		*p = append(*p, watched{name, pid})
	}
	return nil
}

func loadCommand(ctx context.Context, fs *flag.FlagSet, m mode, args []string, out io.Writer) error {
	o := order{mode: m}
	var watch pids
	users := fs.Int("users", 10000, fmt.Sprintf("how many people there are, at most %d; each logs in once in 30 s", maxPeople))
	fs.StringVar(&o.server, "server", "", "address and port, on loopback")
	fs.StringVar(&o.secret, "secret", benchSecret, "shared secret")
	fs.IntVar(&o.under, "c", 64, "logins under way")
	fs.Float64Var(&o.rate, "rate", 0, "logins begun each second at most; 0: as fast as they end")
	fs.DurationVar(&o.warm, "warm", time.Second, "before the window")
	fs.DurationVar(&o.window, "for", 5*time.Second, "the window")
	fs.BoolVar(&o.signed, "signed", true, "replies without Message-Authenticator are wrong")
	fs.IntVar(&o.copies, "copies", 5, "of each request, in a storm")
	fs.IntVar(&o.flood, "flood", 20000, "bad packets a second, in a flood")
	fs.Var(&watch, "pid", "processes to measure: PID, or server=PID,slapd=PID")
	if err := fs.Parse(args); err != nil {
		return err
	}
	if err := checkUsers(*users); err != nil {
		return err
	}
	o.people, o.watched = newPopulation(*users), watch
	r, err := run(ctx, o)
	if err == nil {
		err = r.usable()
	}
	if err != nil {
		return err
	}
	r.print(out)
	return nil
}

func checkUsers(n int) error {
	if n < 1 || n > maxPeople {
		return fmt.Errorf("-users is %d: choose 1 to %d", n, maxPeople)
	}
	return nil
}

// print writes a result for people.
func (r result) print(out io.Writer) {
	fmt.Fprintf(out, "%s: %.0f logins/s, %.0f requests/s in %v, p50 %v, p99 %v\n", r.mode, r.perSecond(),
		float64(r.requests)/r.window.Seconds(), r.window.Round(time.Millisecond), r.p50.Round(time.Microsecond), r.p99.Round(time.Microsecond))
	for _, name := range slices.Sorted(maps.Keys(r.processor)) {
		fmt.Fprintf(out, "  %s: %.1f us/login, %.2f cores, %.1f MiB\n", name,
			micro(r.each(name)), r.processor[name].Seconds()/r.window.Seconds(), mebi(r.sizes[name].resident))
	}
	if r.short {
		fmt.Fprintln(out, "  the window is short: everybody's code was used; take more -users")
	}
	if r.flooded > 0 {
		fmt.Fprintf(out, "  bad packets sent: %d\n", r.flooded)
	}
	fmt.Fprintf(out, "  lost %d, wrong %d, refused at the edge of a step %d, the same reply again %d, replies too late %d\n",
		r.lost, r.wrong, r.boundary, r.repeated, r.late)
	for _, why := range slices.Sorted(maps.Keys(r.why)) {
		fmt.Fprintf(out, "  wrong: %s: %d\n", why, r.why[why])
	}
}

func micro(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }
func mebi(octets int64) float64     { return float64(octets) / (1 << 20) }

func peopleCommand(fs *flag.FlagSet, args []string, out io.Writer) error {
	users := fs.Int("users", 10000, "how many")
	as := fs.String("as", "csv", "csv, freeradius or ldif")
	if err := fs.Parse(args); err != nil {
		return err
	}
	if err := checkUsers(*users); err != nil {
		return err
	}
	write, ok := map[string]func(io.Writer, int) error{"csv": writeCSV, "freeradius": writeFreeRADIUS, "ldif": writeLDIF}[*as]
	if !ok {
		return fmt.Errorf("-as %q: choose csv, freeradius or ldif", *as)
	}
	w := bufio.NewWriter(out)
	return errors.Join(write(w, *users), w.Flush())
}
