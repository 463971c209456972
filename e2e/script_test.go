package e2e_test

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/portvakt/portvakt/e2e/peer"
	"github.com/portvakt/portvakt/e2e/server"
	"github.com/portvakt/portvakt/store"
)

// The scripts are what an administrator and a client see, step by step. Beside
// testscript's own commands they have:
//
//	slapd [change-passwords] [FILE]  a directory: $LDAPS_URL, $LDAP_CA; the service
//	                    account may change passwords there; with more entries,
//	                    in which $TODAY stands for the day
//	modify FILE         changes what it has
//	gateway             an SMS gateway: $SMS_URL
//	keyring FILE        a new key ring of the store
//	config FILE         fills the variables in and makes it the configuration
//	portvakt ARGS…      a command of the program, with that configuration
//	addkey FILE         adds a key to the ring and makes it the active one
//	dropkey, oldkey FILE  leaves only the last key in the ring, only the first
//	reload              SIGHUP, until the log tells of it
//	serve, stop, kill   the daemon, in the background, at $RADIUS
//	radclient CODE A…   a request with attributes; the reply must have the code,
//	                    is on stdout, and its State is $STATE
//	totp VAR SEED [next]  what an app shows, by oathtool
//	texted VAR          the code in the next text message
//	message PATTERN     the next text message: its number and its text
//	messages N          how many there have been
//	logged PATTERN      waits for a line of the daemon's log
//	shown VAR           the key that the last reply shows, without its spaces
//	firstline VAR FILE  the first line of a file
func TestScripts(t *testing.T) {
	files, err := filepath.Glob("testdata/script/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			t.Parallel()
			s := &script{t: t}
			testscript.RunT(flat{t}, testscript.Params{
				Files: []string{file}, Setup: s.setup, RequireExplicitExec: true,
				Cmds: map[string]func(*testscript.TestScript, bool, []string){
					"slapd": s.slapd, "gateway": s.startGateway, "keyring": s.keyring, "config": s.configure,
					"portvakt": s.portvakt, "serve": s.serve, "stop": s.stop, "kill": s.kill,
					"radclient": s.radclient, "totp": s.totp, "texted": s.texted, "modify": s.modify, "shown": s.shown,
					"message": s.message, "messages": s.messages, "logged": s.logged, "firstline": s.firstline,
					"addkey": s.addkey, "dropkey": s.dropkey, "oldkey": s.oldkey, "reload": s.reload,
				},
			})
		})
	}
}

// flat is one test for each file, so that what a command starts may end it.
type flat struct{ *testing.T }

func (f flat) Run(_ string, do func(testscript.T)) { do(f) }
func (flat) Parallel()                             {}
func (flat) Verbose() bool                         { return testing.Verbose() }

// A script is one run of a file. What it starts ends with its test.
type script struct {
	t         *testing.T
	site      *server.Site
	daemon    *server.Daemon
	gateway   *server.Gateway
	directory *peer.Slapd
	reply     peer.RadclientReply
	ring      string // the key ring before addkey
}

func (s *script) setup(env *testscript.Env) error {
	s.site = server.New(s.t, server.Config{})
	host, port, err := net.SplitHostPort(s.site.Addr)
	env.Setenv("RADIUS", s.site.Addr)
	env.Setenv("RADIUS_HOST", host)
	env.Setenv("RADIUS_PORT", port)
	env.Setenv("SECRET", server.Secret)
	env.Setenv("ADMIN_SOCKET", filepath.Join(s.site.Dir, "admin.sock"))
	env.Setenv("DATABASE", s.site.Database)
	return err
}

func (s *script) slapd(ts *testscript.TestScript, _ bool, args []string) {
	o := peer.SlapdOptions{ChangePasswords: slices.Contains(args, "change-passwords")}
	args = slices.DeleteFunc(args, func(a string) bool { return a == "change-passwords" })
	if len(args) > 0 {
		o.Data = strings.ReplaceAll(ts.ReadFile(args[0]), "$TODAY", time.Now().UTC().Format("20060102"))
	}
	d := peer.StartSlapd(s.t, o)
	s.directory = d
	ts.Setenv("LDAPS_URL", d.LDAPSURL)
	ts.Setenv("LDAP_CA", d.CAFile)
}

func (s *script) startGateway(ts *testscript.TestScript, _ bool, _ []string) {
	s.gateway = server.NewGateway(s.t)
	ts.Setenv("SMS_URL", s.gateway.URL)
}

func (s *script) keyring(ts *testscript.TestScript, _ bool, args []string) {
	ts.Check(store.NewRingFile(ts.MkAbs(args[0])))
}

func (s *script) configure(ts *testscript.TestScript, _ bool, args []string) {
	s.site.File = ts.MkAbs(args[0])
	text := os.Expand(ts.ReadFile(args[0]), ts.Getenv)
	ts.Check(os.Remove(s.site.File)) // everybody can read it
	ts.Check(os.WriteFile(s.site.File, []byte(text), 0o600))
}

func (s *script) portvakt(ts *testscript.TestScript, neg bool, args []string) {
	err := ts.Exec(server.Program(), append([]string{"--config", s.site.File}, args...)...)
	if (err != nil) != neg {
		ts.Fatalf("portvakt %q: %v, want an error: %v", args, err, neg)
	}
}

func (s *script) serve(*testscript.TestScript, bool, []string) { s.daemon = s.site.Start(s.t) }
func (s *script) stop(*testscript.TestScript, bool, []string)  { s.daemon.Stop(s.t) }
func (s *script) kill(*testscript.TestScript, bool, []string)  { s.daemon.Kill(s.t) }

func (s *script) radclient(ts *testscript.TestScript, _ bool, args []string) {
	reply := s.site.Radclient().Send(s.t, args[1:]...)
	if reply.Code != args[0] {
		ts.Fatalf("got %q, want %q\n%s", reply.Code, args[0], reply.Output)
	}
	s.reply = reply
	for _, state := range reply.Get("State") {
		ts.Setenv("STATE", state)
	}
	for _, a := range reply.Attributes {
		fmt.Fprintf(ts.Stdout(), "%s = %s\n", a.Name, a.Value)
	}
}

func (s *script) modify(ts *testscript.TestScript, _ bool, args []string) {
	s.directory.Modify(s.t, ts.ReadFile(args[0]))
}

// appKey is what a person types into her app.
var appKey = regexp.MustCompile(`(?:[A-Z2-7]{4} ){7}[A-Z2-7]{4}`)

func (s *script) shown(ts *testscript.TestScript, _ bool, args []string) {
	key := appKey.FindString(strings.Join(s.reply.Get("Reply-Message"), ""))
	if key == "" {
		ts.Fatalf("no key in %q", s.reply.Get("Reply-Message"))
	}
	ts.Setenv(args[0], strings.ReplaceAll(key, " ", ""))
}

func (s *script) totp(ts *testscript.TestScript, _ bool, args []string) {
	seed := server.Seed(args[1])
	code := seed.Code(s.t)
	if len(args) > 2 && args[2] == "next" {
		code = seed.Next(s.t)
	}
	ts.Setenv(args[0], code)
}

func (s *script) firstline(ts *testscript.TestScript, _ bool, args []string) {
	line, _, _ := strings.Cut(ts.ReadFile(args[1]), "\n")
	ts.Setenv(args[0], line)
}

func (s *script) texted(ts *testscript.TestScript, _ bool, args []string) {
	ts.Setenv(args[0], s.gateway.Code(s.t))
}

func (s *script) message(ts *testscript.TestScript, _ bool, args []string) {
	m := s.gateway.Next(s.t)
	if text := m.To + " " + m.Text; !regexp.MustCompile(args[0]).MatchString(text) {
		ts.Fatalf("got %q, want %q", text, args[0])
	}
}

func (s *script) messages(ts *testscript.TestScript, _ bool, args []string) {
	if got := fmt.Sprint(s.gateway.Requests()); got != args[0] {
		ts.Fatalf("got %s messages, want %s", got, args[0])
	}
}

func (s *script) logged(_ *testscript.TestScript, _ bool, args []string) {
	pattern := regexp.MustCompile(args[0])
	s.daemon.Await(s.t, "a line like "+args[0], func() bool { return pattern.MatchString(s.daemon.Log()) })
}

func (s *script) addkey(ts *testscript.TestScript, _ bool, args []string) {
	path := ts.MkAbs(args[0])
	s.ring = ts.ReadFile(args[0])
	_, err := store.AddKey(path, true)
	ts.Check(err)
}

func (s *script) dropkey(ts *testscript.TestScript, _ bool, args []string) {
	lines := strings.Split(strings.TrimSpace(ts.ReadFile(args[0])), "\n")
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(lines[len(lines)-1]+"\n"), 0o600))
}

func (s *script) oldkey(ts *testscript.TestScript, _ bool, args []string) {
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(s.ring), 0o600))
}

func (s *script) reload(*testscript.TestScript, bool, []string) { s.daemon.Reload(s.t) }
