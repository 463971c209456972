package e2e_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/portvakt/portvakt/e2e/peer"
	"github.com/portvakt/portvakt/e2e/server"
)

// radsecBlocks are the parts of docs/radsec.md that an operator copies, by the
// language of their fence.
func radsecBlocks(t *testing.T) map[string]string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "docs", "radsec.md"))
	if err != nil {
		t.Fatal(err)
	}
	blocks := map[string]string{}
	for i, part := range strings.Split(string(text), "```") {
		if kind, body, _ := strings.Cut(part, "\n"); i%2 == 1 {
			blocks[kind] = body
		}
	}
	return blocks
}

// A radsecSite is a daemon that takes RADIUS over TLS from the client "box", set
// up as docs/radsec.md says; alice has a token.
type radsecSite struct {
	*server.Daemon

	addr   string // of RADIUS over TLS
	certs  string // the folder of the certificates
	seed   server.Seed
	blocks map[string]string
	// here is how the document's names are written on this machine.
	here *strings.Replacer
}

func radsec(t *testing.T, configure func(site *server.Site, c *server.Config)) *radsecSite {
	t.Helper()
	peer.Need(t, "openssl")
	blocks, dir := radsecBlocks(t), t.TempDir()
	// The server's certificate is for the address of the test, too.
	commands := strings.ReplaceAll(blocks["sh"], "subjectAltName=DNS:$name", "subjectAltName=DNS:$name,IP:127.0.0.1")
	shell := exec.CommandContext(t.Context(), "sh", "-ec", commands)
	shell.Dir = dir
	if out, err := shell.CombinedOutput(); err != nil {
		t.Fatalf("the authority of docs/radsec.md: %v\n%s", err, out)
	}
	port := fmt.Sprint(peer.FreePort(t))
	here := strings.NewReplacer(
		`["0.0.0.0:2083", "[::]:2083"]`, fmt.Sprintf("[%q]", "127.0.0.1:"+port), "2083", port, "127.0.0.1:1812", "LISTEN",
		"host          radius.example.org", "host          127.0.0.1", "ipaddr = radius.example.org", "ipaddr = 127.0.0.1",
		"/etc/portvakt", dir, "/etc/radsecproxy", dir, "/etc/freeradius", dir, `"vpn"`, `"box"`,
	)
	slapd := peer.StartSlapd(t, peer.SlapdOptions{})
	c := server.Config{LDAP: server.LDAP(slapd), More: here.Replace(blocks["toml"])}
	site := server.New(t, c)
	if configure != nil {
		configure(site, &c)
		site.Configure(t, c)
	}
	seed := server.NewSeed()
	site.Enroll(t, "alice", seed)
	return &radsecSite{site.Start(t), "127.0.0.1:" + port, dir, seed, blocks, here}
}

// asDevice is "portvakt ask" with one of the certificates.
func (s *radsecSite) asDevice(name string, more ...string) []string {
	return append([]string{
		"ask", "--server", s.addr, "--tls-ca", filepath.Join(s.certs, "ca.pem"),
		"--tls-cert", filepath.Join(s.certs, name+".pem"), "--tls-key", filepath.Join(s.certs, name+".key"),
	}, more...)
}

// signIn has alice sign in by radclient, and returns what came of it.
func (s *radsecSite) signIn(t *testing.T, addr, secret, code string) string {
	t.Helper()
	r := peer.Radclient{Server: addr, Secret: secret}
	first := r.Send(t, `User-Name = "alice"`, `User-Password = "secret"`)
	if first.Code != "Access-Challenge" {
		return first.Code
	}
	return r.Send(t, `User-Name = "alice"`, fmt.Sprintf("User-Password = %q", code), "State = "+first.Get("State")[0]).Code
}

// The document's own authority, server and radsecproxy: password and code pass,
// and a reload closes nothing.
func TestRadsecproxyInFront(t *testing.T) {
	t.Parallel()
	s := radsec(t, nil)
	proxy := peer.StartRadsecproxy(t, s.here.Replace(s.blocks["radsecproxy"]))
	const secret = "testing123"
	if got := s.signIn(t, proxy.Addr, secret, s.seed.Wrong(t)); got != "Access-Challenge" {
		t.Errorf("a wrong code: got %q, want another question", got)
	}
	if got := s.signIn(t, proxy.Addr, secret, s.seed.Code(t)); got != "Access-Accept" {
		t.Errorf("got %q, want Access-Accept\n%s", got, proxy.Log())
	}
	s.AwaitLog(t, `"client":"box"`, `"outcome":"accept"`)
	account(t, proxy.Addr, secret, "Start", "one", `User-Name = "alice"`) // nobody records it, and the proxy is told so (RFC 6614, section 2.5)
	if out := s.Must(t, "status"); !strings.Contains(out, "over TLS   1 connections\n") || !strings.Contains(out, "declined 1") {
		t.Errorf("status:\n%s", out)
	}
	if out := s.Must(t, "check"); !strings.Contains(out, "certificate until ") {
		t.Errorf("check:\n%s", out)
	}
	if !s.Reload(t) {
		t.Fatal("the reload was refused")
	}
	if got := s.signIn(t, proxy.Addr, secret, s.seed.Wrong(t)); got != "Access-Challenge" {
		t.Errorf("after a reload: got %q, want a question\n%s", got, proxy.Log())
	}
	if out := s.Must(t, "status"); !strings.Contains(out, "over TLS   1 connections\n") || strings.Contains(out, "connection_stalled") {
		t.Errorf("status after a reload:\n%s", out)
	}
}

// What the accounting port would record comes over TLS, too.
func TestAccountingThroughRadsecproxy(t *testing.T) {
	t.Parallel()
	s := radsec(t, func(site *server.Site, c *server.Config) {
		c.Server = fmt.Sprintf("reject_delay = \"0s\"\naccounting = [%q]\n", freeAddrBeside(t, site))
	})
	proxy := peer.StartRadsecproxy(t, s.here.Replace(s.blocks["radsecproxy"]))
	account(t, proxy.Addr, "testing123", "Start", "one", `User-Name = "alice"`)
	if out := s.Must(t, "sessions", "--json"); !strings.Contains(out, `"client":"box"`) || !strings.Contains(out, `"one"`) {
		t.Errorf("sessions:\n%s", out)
	}
	account(t, proxy.Addr, "testing123", "Stop", "one", `User-Name = "alice"`)
	if out := s.Must(t, "status"); !strings.Contains(out, "1 sessions kept, 0 active") {
		t.Errorf("status:\n%s", out)
	}
}

// radcli is a third implementation, which devices have in them.
func TestOcservOverTLS(t *testing.T) {
	t.Parallel()
	if !peer.OwnNetwork(t) {
		return
	}
	s := radsec(t, nil)
	computer := peer.NewComputer(t)
	vpn := peer.StartOcservOverTLS(t, s.addr, filepath.Join(s.certs, "ca.pem"), filepath.Join(s.certs, "vpn.example.org.pem"), filepath.Join(s.certs, "vpn.example.org.key"))
	x := vpn.Connect(t, computer, "alice", peer.UserPassword)
	x.Await(t, askApp)
	x.Answer(t, ":", s.seed.Code(t))
	if !vpn.Up(t, x) || !computer.Reaches(t, vpn.Inside) {
		t.Error("the right code was refused")
	}
	x.Close()
	s.AwaitLog(t, `"client":"box"`, `"outcome":"accept"`, `"station":"`+peer.ComputerAddress+`"`)
}

// FreeRADIUS as the document has it, and its certificate refused when it is
// nobody's any more.
func TestFreeRADIUSInFrontOverTLS(t *testing.T) {
	t.Parallel()
	s := radsec(t, nil)
	asked := s.Run(t, "secret\n"+s.seed.Wrong(t)+"\n", s.asDevice("vpn.example.org", "alice")...)
	if asked.Code == 0 || !strings.Contains(asked.Stderr, "code") {
		t.Errorf("ask: exit code %d\n%s%s", asked.Code, asked.Stdout, asked.Stderr)
	}
	s.Must(t, s.asDevice("vpn.example.org", "--status")...)
	if r := s.Run(t, "", s.asDevice("radius.example.org", "--status")...); r.Code != 69 {
		t.Errorf("a certificate that is nobody's: exit code %d\n%s", r.Code, r.Stderr)
	}
	s.AwaitLog(t, `"kind":"unknown_certificate"`, "radius.example.org")
	proxy := peer.FreeRADIUSOverTLS(t, s.here.Replace(s.blocks["freeradius"]))
	if got := s.signIn(t, proxy.Addr, proxy.Secret, s.seed.Code(t)); got != "Access-Accept" {
		t.Errorf("got %q, want Access-Accept", got)
	}
	c := s.Config()
	c.More = strings.ReplaceAll(c.More, `certificates = ["vpn.example.org"]`, `certificates = ["other.example.org"]`)
	s.Configure(t, c)
	if !s.Reload(t) {
		t.Fatal("the reload was refused")
	}
	r := peer.Radclient{Server: proxy.Addr, Secret: proxy.Secret, Timeout: shortly}
	if got := r.Send(t, `User-Name = "alice"`, `User-Password = "secret"`).Code; got != "" {
		t.Errorf("got %q, want silence", got)
	}
	s.AwaitLog(t, "certificate_ended")
}
