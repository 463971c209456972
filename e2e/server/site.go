package server

import (
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/portvakt/portvakt/conf/secret"
	"github.com/portvakt/portvakt/e2e/peer"
	"github.com/portvakt/portvakt/radiusd/client"
	"github.com/portvakt/portvakt/store"
)

// Secret is shared with every client of a test.
const Secret = "shared-secret-of-the-end-to-end-tests"

// Config is what a test's configuration file has beside the usual.
type Config struct {
	// LDAP is the [ldap] section and its subsections, see [LDAP] and [AD].
	LDAP string
	// Server are lines of [server]. Refusals are not delayed unless it says so.
	Server string
	// Client are lines of the one [[client]] "vpn", which is all of
	// 127.0.0.0/8 and ::1, and of Network if it is set.
	Client  string
	Network string
	// More is the rest of the file: [[rule]], [[reply]], [sms], …
	More string
	// Store is the folder of the database; the site's own if empty.
	Store string
	// Cluster has the database instead, shared with the sites of [Site.Beside].
	Cluster *peer.Etcd
}

// A Site is a folder with a configuration, a key, and the database.
type Site struct {
	// Dir is the folder, File the configuration in it.
	Dir, File string
	// Addr is where the daemon listens for RADIUS.
	Addr string
	// Database is the file of the store, Key its key ring.
	Database, Key string

	config Config
}

// New makes a site.
func New(t testing.TB, c Config) *Site {
	t.Helper()
	dir := t.TempDir()
	if c.Store == "" {
		c.Store = dir
	}
	s := &Site{
		Dir: dir, File: filepath.Join(dir, "portvakt.toml"), Addr: freeAddr(t),
		Database: filepath.Join(c.Store, "portvakt.db"), Key: filepath.Join(dir, "store.key"),
	}
	if err := store.NewRingFile(s.Key); err != nil {
		t.Fatal(err)
	}
	s.Configure(t, c)
	return s
}

const siteFile = `
[server]
listen = [%q]
admin = %q
%s
[store]
%s
key = { file = %q }
%s
[[client]]
name = "vpn"
networks = [%s]
secret = %q
%s
%s
`

// Configure writes the configuration file anew. The store stays where it is.
func (s *Site) Configure(t testing.TB, c Config) {
	t.Helper()
	s.config = c
	if c.Server == "" {
		c.Server = `reject_delay = "0s"`
	}
	networks := `"127.0.0.0/8", "::1/128"`
	if c.Network != "" {
		networks += fmt.Sprintf(", %q", c.Network)
	}
	place := fmt.Sprintf("path = %q", s.Database)
	if c.Cluster != nil {
		place = c.Cluster.Config()
	}
	s.Write(t, fmt.Sprintf(siteFile, s.Addr, filepath.Join(s.Dir, "admin.sock"), c.Server,
		place, s.Key, c.LDAP, networks, Secret, c.Client, c.More))
}

// Beside makes a site that differs from s in its folder and address only: another
// node, where s is one of a cluster.
func (s *Site) Beside(t testing.TB) *Site {
	t.Helper()
	other := New(t, s.config)
	ring, err := os.ReadFile(s.Key)
	if err != nil {
		t.Fatal(err)
	}
	WriteFile(t, other.Key, string(ring))
	return other
}

// Write puts a text in the place of the configuration file.
func (s *Site) Write(t testing.TB, text string) {
	t.Helper()
	WriteFile(t, s.File, text)
}

// Config is what the file was last made of.
func (s *Site) Config() Config { return s.config }

// Run runs a command of the program with the site's configuration.
func (s *Site) Run(t testing.TB, stdin string, args ...string) Result {
	t.Helper()
	return run(t, s.Dir, stdin, append([]string{"--config", s.File}, args...)...)
}

// Must is Run for a command that has to succeed; it returns what it printed.
func (s *Site) Must(t testing.TB, args ...string) string {
	t.Helper()
	r := s.Run(t, "", args...)
	if r.Code != 0 {
		t.Fatalf("portvakt %q: exit code %d\n%s%s", args, r.Code, r.Stdout, r.Stderr)
	}
	return r.Stdout
}

// Enroll gives somebody a TOTP token.
func (s *Site) Enroll(t testing.TB, user string, seed Seed) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "seed")
	WriteFile(t, file, string(seed)+"\n")
	s.Must(t, "user", "enroll", user, "--secret-file", file, "--no-confirm", "--label", "telephone")
}

// Client asks the daemon as a product does that requires signed replies.
func (s *Site) Client() *client.Client {
	return &client.Client{
		Server: s.Addr, Secret: secret.New(Secret), Timeout: 10 * time.Second, Tries: 1,
		RequireMessageAuthenticator: true,
	}
}

// Radclient asks the daemon as FreeRADIUS' client does.
func (s *Site) Radclient() peer.Radclient {
	return peer.Radclient{Server: s.Addr, Secret: Secret, Timeout: 10 * time.Second}
}

// LDAP is the [ldap] section for an OpenLDAP server, over TLS.
func LDAP(d *peer.Slapd) string {
	return fmt.Sprintf(`
[ldap]
kind = "openldap"
servers = [%q]
ca = %q
bind_dn = %q
bind_password = %q
base = %q
timeout = "2s"
cache = "0s"
nested = true
[ldap.attributes]
phone = ["mobile"]
`, d.LDAPSURL, d.CAFile, peer.SlapdBindDN, peer.SlapdPassword, peer.SlapdBase)
}

// Upstream is the [upstream] section for servers, asked in this order.
func Upstream(servers ...*peer.FreeRADIUS) string {
	var text strings.Builder
	text.WriteString("\n[upstream]\npass = [\"Class\", \"Filter-Id\"]\n")
	for i, s := range servers {
		fmt.Fprintf(&text, "[[upstream.server]]\nname = \"upstream %d\"\naddress = %q\nsecret = %q\n", i+1, s.Addr, s.Secret)
	}
	return text.String()
}

// AD is the [ldap] section for a Samba domain controller.
func AD(d *peer.Samba) string {
	return fmt.Sprintf(`
[ldap]
kind = "ad"
servers = [%q]
ca = %q
bind_dn = %q
bind_password = %q
base = %q
names = ["uid", "upn", "domain"]
domains = [%q, %q]
nested = true
timeout = "5s"
`, d.LDAPSURL, d.CAFile, peer.SambaBindDN, peer.SambaPassword, peer.SambaBase, peer.SambaDomain, peer.SambaRealm)
}

// WriteFile makes a file that only its owner may read.
func WriteFile(t testing.TB, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// freeAddr returns an address and UDP port that was free a moment ago. The
// address is one that no client's socket gets by itself, so that the port stays
// free while a daemon is down.
func freeAddr(t testing.TB) string {
	t.Helper()
	addr := netip.AddrFrom4([4]byte{127, 18, byte(rand.IntN(256)), byte(1 + rand.IntN(254))})
	conn, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(addr, 0)))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	return conn.LocalAddr().String()
}

// EnrollMany gives tokens to n people by "portvakt user import"; name is that of
// the ith.
func (s *Site) EnrollMany(t testing.TB, n int, name func(i int) string) []Seed {
	t.Helper()
	seeds, csv := make([]Seed, n), []byte("user,secret\n")
	for i := range seeds {
		seeds[i] = NewSeed()
		csv = fmt.Appendf(csv, "%s,%s\n", name(i), seeds[i])
	}
	s.Import(t, string(csv))
	return seeds
}

// Import enrolls people by "portvakt user import"; the first line names the
// columns.
func (s *Site) Import(t testing.TB, csv string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "people.csv")
	WriteFile(t, file, csv)
	s.Must(t, "user", "import", file)
}
