package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/portvakt/portvakt/conf"
	"github.com/portvakt/portvakt/factors/totp"
	"github.com/portvakt/portvakt/login"
	"github.com/portvakt/portvakt/radiusd"
	"github.com/portvakt/portvakt/radiusd/dictionary"
	"github.com/portvakt/portvakt/store"
)

const demoHelp = `Demo runs the whole job on this machine, with nothing to install: a directory
with four people that speaks LDAP on a loopback port, the RADIUS server, a
database in a temporary folder, text messages shown on this terminal, and a
telephone: a SIP user agent on a loopback port, which the server calls.

It plays three sign-ins through real packets: with a code by SMS, with an
authenticator app, and with a call in which # is pressed, by you when this is a
terminal. Then it stays up for you to try. Everything is gone when it ends.`

func newDemoCommand() *cobra.Command {
	var once bool
	c := &cobra.Command{
		Use: "demo", Short: "Run the whole job here, with nothing to install", Long: demoHelp, Args: cobra.NoArgs,
		Example: "  portvakt demo",
		RunE: func(c *cobra.Command, _ []string) error {
			return runDemo(c.Context(), c.OutOrStdout(), typedKeys(c.InOrStdin()), once)
		},
	}
	c.Flags().BoolVar(&once, "once", false, "end after the three sign-ins")
	return c
}

const (
	// demoClient is the name of the demonstration's client: calls say it.
	demoClient = "demo-vpn"
	// demoFraudLock is how long Dagny's password is refused after 0#.
	demoFraudLock = 30 * time.Second
	// demoDrain is how long a call may go on after Ctrl-C.
	demoDrain = time.Second
)

// A demo is one demonstration.
type demo struct {
	out    *lockedWriter
	dir    string
	secret string
	addr   string
	sms    *smsScreen
	phone  *demoPhone
	// exchange is where calls are placed: the telephone itself.
	exchange string
	*daemon
	system     *system
	dictionary *dictionary.Dictionary
	alice      totp.Token
}

// runDemo runs a demonstration. typed are the lines of the terminal, nil when
// there is none.
func runDemo(ctx context.Context, out io.Writer, typed <-chan string, once bool) (err error) {
	dir, err := os.MkdirTemp("", "portvakt-demo-*")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	screen := &lockedWriter{w: out}
	d := &demo{out: screen, dir: dir, secret: rand.Text(), sms: &smsScreen{out: screen, sent: make(chan string, 16)}}
	directory, err := startDemoDirectory(ctx, rand.Text())
	if err != nil {
		return err
	}
	defer directory.stop()
	if d.phone, err = startDemoPhone(ctx, screen, dir, typed); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.phone.stop()) }()
	d.exchange = "sip:" + d.phone.Addr()
	f, err := d.configure(ctx, directory)
	if err != nil {
		return err
	}
	if err := d.phone.attend(ctx, f.Call.Speech, demoPeople()[3].language); err != nil {
		return err
	}
	stop, err := d.start(ctx, f)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stop()) }()
	d.say("An LDAP directory listens on %s, RADIUS on %s, a telephone on %s; everything lies in %s.\n", directory.url, d.addr, d.exchange, dir)
	if err := d.play(ctx); err != nil {
		return err
	}
	if once {
		return nil
	}
	if err := d.invite(); err != nil {
		return err
	}
	<-ctx.Done()
	d.say("\nBye.\n")
	return nil
}

func (d *demo) say(format string, args ...any) { say(d.out, format, args...) }

// configure writes the demonstration's configuration file and reads it as
// serve does.
func (d *demo) configure(ctx context.Context, directory *demoDirectory) (conf.File, error) {
	d.addr = freeRadiusPort(ctx)
	key := filepath.Join(d.dir, "store.key")
	if err := store.NewRingFile(key); err != nil {
		return conf.File{}, err
	}
	text := fmt.Sprintf(`[server]
listen       = [%q]
admin        = %q
reject_delay = "300ms"

[store]
path = %q
key  = { file = "store.key" }

[ldap]
servers       = [%q]
insecure      = true   # for this demonstration only: it never leaves this machine
bind_dn       = %q
bind_password = %q
base          = %q

[[client]]
name     = %q
networks = ["127.0.0.0/8"]
secret   = %q
patience = "55s"    # it waits for a telephone call

[[rule]]
name    = "who is on call, by telephone"
groups  = [%q]
factors = ["call", "totp", "sms"]
call = "approve"

[[rule]]
name    = "everybody, on the VPN"
clients = [%q]
factors = ["totp", "sms"]

[[reply]]
clients    = [%q]
groups     = [%q]
attributes = { Class = "staff", Filter-Id = "full" }

[totp]
issuer = "Portvakt demo"

[sms]
countries        = ["NO"]
per_number_10min = 100         # calls count as well
per_user_hour    = 100

[[sms.provider]]
name = "this terminal"
kind = "log"

[call]
countries        = ["NO"]
fraud_lock       = "%ds"    # short, so that you can try again
per_number_10min = 100
per_user_hour    = 100

[[call.provider]]
name   = "this telephone"
kind   = "sip"
server = %q
local  = "127.0.0.1"
`, d.addr, filepath.Join(d.dir, "admin.sock"), filepath.Join(d.dir, "portvakt.db"), directory.url, demoService, directory.password, demoBase, demoClient, d.secret, demoOnCall, demoClient, demoClient, demoStaff, demoFraudLock/time.Second, d.exchange)
	path := filepath.Join(d.dir, "portvakt.toml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		return conf.File{}, err
	}
	f, _, err := conf.LoadFile(path) // what it warns of is what a demonstration is
	return f, err
}

// start runs the server of a file, and enrolls Alice's app.
func (d *demo) start(ctx context.Context, f conf.File) (stop func() error, err error) {
	log := slog.New(slog.DiscardHandler)
	st, err := openOwnStorage(ctx, f, log)
	if err != nil {
		return nil, err
	}
	st.codes, st.dials = d.sms, true
	d.daemon = &daemon{log: log, store: st}
	if d.system, err = build(f, st, log); err != nil { //nolint:contextcheck // what it makes lives until it is closed
		return nil, errors.Join(err, st.close())
	}
	d.current.Store(newRunning(d.system, login.NewFlow(d.system.flowConfig(d.audit))))
	if err := d.system.listenForCalls(ctx, nil); err != nil {
		return nil, err
	}
	if d.dictionary, err = dictionary.Load(); err != nil {
		return nil, err
	}
	d.alice = totp.NewToken()
	cred, err := totp.NewCredential("phone", d.alice)
	if err != nil {
		return nil, err
	}
	people := demoPeople()
	if err := d.system.addCredential(ctx, login.Account{ID: people[0].id, Name: people[0].uid}, cred, nil); err != nil {
		return nil, err
	}
	f.Server.Drain = demoDrain
	server, err := radiusd.New(f.Server.Config, d, radiusd.Options{Log: log, Records: d, Reply: d.reply}) //nolint:contextcheck // it reads with a limit of its own
	if err != nil {
		return nil, err
	}
	if err := server.Listen(ctx); err != nil {
		return nil, err
	}
	serving, cancel := context.WithCancel(context.WithoutCancel(ctx))
	var wg sync.WaitGroup
	var served error
	wg.Go(func() { served = server.Serve(serving) })
	return func() error {
		cancel()
		wg.Wait()
		// Calls end before their lines do.
		return errors.Join(served, d.current.Load().flow.Close(), d.system.close(), st.close())
	}, nil
}

// freeRadiusPort is RADIUS's own port on loopback when nobody has it, so that
// the commands printed are the usual ones.
func freeRadiusPort(ctx context.Context) string {
	const usual = "127.0.0.1:1812"
	for _, addr := range []string{usual, "127.0.0.1:0"} {
		conn, err := (&net.ListenConfig{}).ListenPacket(ctx, "udp", addr)
		if err != nil {
			continue
		}
		got := conn.LocalAddr().String()
		_ = conn.Close()
		return got
	}
	return usual
}

// A smsScreen is where the demonstration's text messages appear.
type smsScreen struct {
	out  io.Writer
	sent chan string
}

// Write shows one message.
func (s *smsScreen) Write(p []byte) (int, error) {
	text := string(bytes.TrimSpace(p))
	say(s.out, "\n    ┌─ text message ─────────────────────────────────────────────\n    │ %s\n    └────────────────────────────────────────────────────────────\n", text)
	select {
	case s.sent <- text:
	default: // nobody is waiting for it but the person at the terminal
	}
	return len(p), nil
}

// message waits for the next text message.
func (s *smsScreen) message(ctx context.Context) (string, error) {
	select {
	case text := <-s.sent:
		return text, nil
	case <-time.After(5 * time.Second):
		return "", errors.New("no text message came")
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

// A lockedWriter keeps what two goroutines print apart.
type lockedWriter struct {
	mu sync.Mutex
	w  io.Writer
}

// Write writes.
func (l *lockedWriter) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(p)
}
