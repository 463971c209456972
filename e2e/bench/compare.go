package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// A comparison is what to compare, and how long.
type comparison struct {
	out       io.Writer
	progress  io.Writer
	dir       string
	self      string // this program
	binary    string // portvakt; empty to leave it out
	suites    string
	mode      mode
	users     int
	under     int
	rounds    int
	window    time.Duration
	warm      time.Duration
	flood     int
	processes []*process
}

// perServer is what a server might do in a second at most, to size the
// population by when it is not given.
const perServer = 10000

const (
	suiteAll       = "all"
	suiteDirectory = "directory"
	suiteAlone     = "alone"
)

func compareCommand(ctx context.Context, fs *flag.FlagSet, args []string, out io.Writer) (err error) {
	c := comparison{out: out, progress: os.Stderr}
	var m string
	fs.StringVar(&c.binary, "portvakt", "bin/portvakt", "the binary to measure; empty to leave it out")
	fs.StringVar(&c.suites, "suite", suiteAll, "directory: with LDAP, beside FreeRADIUS; alone: without; all")
	fs.StringVar(&m, "mode", string(modeLogin), "load of the suite with LDAP: login, reject, accept, flood or storm")
	fs.IntVar(&c.users, "users", 0, fmt.Sprintf("people, at most %d; each logs in once in 30 s; 0: for %d a second", maxPeople, perServer))
	fs.IntVar(&c.under, "c", 64, "logins under way")
	fs.IntVar(&c.rounds, "rounds", 5, "turns of each server")
	fs.DurationVar(&c.window, "for", 5*time.Second, "the window of a turn")
	fs.DurationVar(&c.warm, "warm", time.Second, "before each window")
	fs.IntVar(&c.flood, "flood", 20000, "bad packets a second, in a flood")
	if err := fs.Parse(args); err != nil {
		return err
	}
	c.mode = mode(m)
	if c.users == 0 {
		c.users = min(int((c.warm+c.window).Seconds()*perServer), maxPeople)
	}
	if err := checkUsers(c.users); err != nil {
		return err
	}
	if c.rounds < 1 || (c.suites != suiteAll && c.suites != suiteDirectory && c.suites != suiteAlone) {
		return errors.New("choose one round or more, and a -suite of all, directory or alone")
	}
	if c.self, err = os.Executable(); err != nil {
		return err
	}
	if c.dir, err = os.MkdirTemp("", "bench"); err != nil {
		return err
	}
	defer func() {
		c.stopAll()
		err = errors.Join(err, os.RemoveAll(c.dir))
	}()
	return c.run(ctx)
}

func (c *comparison) run(ctx context.Context) error {
	fmt.Fprintf(c.out, "%s; %d people, %d logins under way, medians of %d turns of %v.\n",
		machine(), c.users, c.under, c.rounds, c.window)
	if c.suites != suiteDirectory {
		if err := c.alone(ctx); err != nil {
			return fmt.Errorf("without a directory: %w", err)
		}
		c.stopAll()
	}
	if c.suites != suiteAlone {
		if err := c.directory(ctx); err != nil {
			return fmt.Errorf("with LDAP: %w", err)
		}
	}
	return nil
}

func (c *comparison) say(format string, args ...any) {
	fmt.Fprintf(c.progress, "bench: "+format+"\n", args...)
}

func (c *comparison) keep(p *process, err error) error {
	if p != nil {
		c.processes = append(c.processes, p)
	}
	return err
}

// stopAll ends every process, the last first.
func (c *comparison) stopAll() {
	for len(c.processes) > 0 {
		last := len(c.processes) - 1
		c.processes[last].stop()
		c.processes = c.processes[:last]
	}
}

// alone compares what needs nothing but this program.
func (c *comparison) alone(ctx context.Context) error {
	var all []*contender
	for _, s := range []struct {
		name, server string
		mode         mode
	}{
		{"floor", "floor", modeLogin},
		{"Portvakt's packages, people in memory", "flow", modeLogin},
		{"UDP echo", "echo", modeEcho},
		{"Portvakt's RADIUS server, refusing at once", "refuse", modeReject},
		{"Portvakt's packages, people in memory", "flow", modeReject},
	} {
		p, address, err := c.startSelf(ctx, s.server)
		if c.keep(p, err) != nil {
			return err
		}
		k, err := c.contend(ctx, s.name, p, address, s.mode, true)
		if err != nil {
			return err
		}
		k.order.people.again = s.server == "floor" // it takes any code
		k.acquaint = s.server == "flow" && s.mode.asks()
		all = append(all, k)
	}
	if err := c.turns(ctx, all); err != nil {
		return err
	}
	writeTable(c.out, "Without a directory: password, challenge, TOTP, accept", all[:2])
	writeRatios(c.out, []ratio{{all[1], all[0]}})
	writeTable(c.out, "Without a directory: a wrong password, refused", all[2:])
	writeRatios(c.out, []ratio{{all[3], all[2]}, {all[4], all[2]}})
	return nil
}

// startSelf starts this program as a server, which tells its address.
func (c *comparison) startSelf(ctx context.Context, server string, flags ...string) (p *process, address string, err error) {
	log := filepath.Join(c.dir, fmt.Sprintf("%s-%d", server, len(c.processes)))
	p, err = start(ctx, server, log, c.self, append([]string{server, "-leash", "-users", fmt.Sprint(c.users)}, flags...)...)
	if err != nil {
		return nil, "", err
	}
	err = p.ready(ctx, func() error {
		b, err := os.ReadFile(log)
		line, _, ok := strings.Cut(string(b), "\n")
		if err == nil && !ok {
			err = errors.New("no address yet")
		}
		address = line
		return err
	})
	return p, address, err
}

// directory compares servers in front of the same slapd.
func (c *comparison) directory(ctx context.Context) error {
	if err := c.lookForPrograms(); err != nil {
		return err
	}
	c.say("loading slapd with %d people", c.users)
	d, err := startDirectory(ctx, c.dir, c.users)
	if err != nil {
		return err
	}
	c.processes = append(c.processes, d.process)
	all, err := c.contenders(ctx, d)
	if err != nil {
		return err
	}
	all[0].order.people.again = true // the floor takes any code
	for _, k := range all {
		k.order.watched = append(k.order.watched, watched{directoryName, d.pid()})
	}
	if err := c.turns(ctx, all); err != nil {
		return err
	}
	writeTable(c.out, "With LDAP: "+describe[c.mode], all)
	var ratios []ratio
	for _, k := range all[3:] {
		ratios = append(ratios, ratio{k, all[1]}, ratio{k, all[2]}, ratio{k, all[0]})
	}
	writeRatios(c.out, ratios)
	return nil
}

// describe says what a login of a mode is.
var describe = map[mode]string{
	modeLogin:  "password, challenge, TOTP, accept",
	modeReject: "a wrong password, refused",
	modeAccept: "the password is enough",
	modeFlood:  "logins beside a flood of bad packets",
	modeStorm:  "logins, each request five times at once",
}

// contenders are the floor, FreeRADIUS twice, and Portvakt twice.
func (c *comparison) contenders(ctx context.Context, d *slapd) (all []*contender, err error) {
	add := func(name string, signed bool, p *process, address string, err error) error {
		if c.keep(p, err) != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		k, err := c.contend(ctx, name, p, address, c.mode, signed)
		all = append(all, k)
		return err
	}
	challenge := c.mode.asks()
	p, address, err := c.startSelf(ctx, "floor", fmt.Sprint("-ask=", challenge))
	if err := add("floor, no directory", true, p, address, err); err != nil {
		return nil, err
	}
	for _, f := range []freeradius{{Search: true}, {}} {
		name, dir := "FreeRADIUS, bind only", "bind"
		if f.Search {
			name, dir = "FreeRADIUS, search and bind", "search"
		}
		f.LDAPPort, f.Challenge = d.port, challenge
		p, address, err := startFreeRADIUS(ctx, filepath.Join(c.dir, "freeradius-"+dir), f, c.users)
		if err := add(name, false, p, address, err); err != nil {
			return nil, err
		}
	}
	if c.binary == "" {
		return all, nil
	}
	prepared := filepath.Join(c.dir, "store")
	c.say("enrolling %d people", c.users)
	if err := prepareStore(ctx, prepared, c.binary, portvakt{LDAP: d.url(), Cache: "0s", SecondFactor: "required"}, c.users); err != nil {
		return nil, err
	}
	for i, s := range []struct{ name, cache string }{
		{"Portvakt, search and bind", "0s"}, {"Portvakt, accounts cached", "15m"},
	} {
		pv := portvakt{LDAP: d.url(), Cache: s.cache, SecondFactor: "required"}
		if !challenge {
			pv.SecondFactor = "none"
		}
		p, address, err := startPortvakt(ctx, filepath.Join(c.dir, fmt.Sprintf("portvakt-%d", i)), c.binary, pv, prepared)
		if err := add(s.name, true, p, address, err); err != nil {
			return nil, err
		}
		all[len(all)-1].acquaint = true
	}
	return all, nil
}

// lookForPrograms finds what is missing before anything is started.
func (c *comparison) lookForPrograms() error {
	var errs []error
	for _, name := range []string{"slapd", "slapadd", "freeradius"} {
		if _, err := program(name); err != nil {
			errs = append(errs, fmt.Errorf("%w: install slapd, freeradius and freeradius-ldap (make peers), or use -suite alone", err))
		}
	}
	if c.binary != "" {
		if _, err := os.Stat(c.binary); err != nil {
			errs = append(errs, fmt.Errorf("%w: make build, or -portvakt \"\" to leave it out", err))
		}
	}
	return errors.Join(errs...)
}
