package conf

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/portvakt/portvakt/conf/secret"
)

// The sections of these tests have each type and each shape that real ones
// have.
type file struct {
	Server server    `mapstructure:"server"`
	Store  storePart `mapstructure:"store"`
	LDAP   *ldap     `mapstructure:"ldap"`
	TOTP   *totpPart `mapstructure:"totp"`
	Client []client  `mapstructure:"client"`
	Rule   []rule    `mapstructure:"rule"`
	Reply  replies   `mapstructure:"reply"`
}

type server struct {
	Listen      []netip.AddrPort `mapstructure:"listen"`
	Admin       string           `mapstructure:"admin"`
	MaxRequests int              `mapstructure:"max_requests"`
	Port        uint16           `mapstructure:"port"`
	Share       float64          `mapstructure:"share"`
	clients     []client
}

type storePart struct {
	Kind string       `mapstructure:"kind"`
	Path string       `mapstructure:"path"`
	Key  secret.Value `mapstructure:"key"`
}

type ldap struct {
	Servers    []string      `mapstructure:"servers"`
	Password   secret.Value  `mapstructure:"bind_password"`
	StartTLS   bool          `mapstructure:"starttls"`
	Timeout    time.Duration `mapstructure:"timeout"`
	Attributes struct {
		ID    string   `mapstructure:"id"`
		Phone []string `mapstructure:"phone"`
	} `mapstructure:"attributes"`
}

type totpPart struct {
	Issuer string `mapstructure:"issuer"`
}

type client struct {
	Name     string         `mapstructure:"name"`
	Networks []netip.Prefix `mapstructure:"networks"`
	Source   netip.Addr     `mapstructure:"source"`
	Secret   secret.Value   `mapstructure:"secret"`
	Methods  []string       `mapstructure:"methods"`
	Patience time.Duration  `mapstructure:"patience"`
}

type rule struct {
	Name    string    `mapstructure:"name"`
	Clients []string  `mapstructure:"clients"`
	From    time.Time `mapstructure:"from"`
}

type replyPart struct {
	Attributes map[string]string `mapstructure:"attributes"`
}

type replies []replyPart

func (f *file) Assemble() { f.Server.clients = f.Client }

func (f *file) Validate() error {
	var problems []error
	for i, r := range f.Rule {
		for _, c := range r.Clients {
			if c != "vpn" {
				problems = append(problems, fmt.Errorf("rule[%d].clients: there is no client %q", i, c))
			}
		}
	}
	return errors.Join(problems...)
}

func (s server) Validate() error {
	var problems []error
	if s.MaxRequests < 16 {
		problems = append(problems, fmt.Errorf("server.max_requests is %d: choose 16 or more", s.MaxRequests))
	}
	if s.Admin == "" {
		problems = append(problems, errors.New("admin is empty: write a path"))
	}
	names := map[string]bool{}
	for i, c := range s.clients {
		if names[c.Name] {
			problems = append(problems, fmt.Errorf("client %q: another client has this name", c.Name))
		}
		names[c.Name] = true
		at := fmt.Sprintf("client %q", c.Name)
		if c.Name == "" {
			at = fmt.Sprintf("client number %d", i+1)
			problems = append(problems, fmt.Errorf("%s: name: give it one", at))
		}
		if c.Secret.IsZero() || c.Patience < time.Second {
			var own []error
			if c.Secret.IsZero() {
				own = append(own, errors.New("secret is empty: make one"))
			}
			if c.Patience < time.Second {
				own = append(own, fmt.Errorf("patience is %v: choose 1s or more", c.Patience))
			}
			problems = append(problems, fmt.Errorf("%s: %w", at, errors.Join(own...)))
		}
	}
	return errors.Join(problems...)
}

func (rs replies) Validate() error {
	var problems []error
	for i, r := range rs {
		if len(r.Attributes) == 0 {
			problems = append(problems, fmt.Errorf("reply rule %d (%q): attributes: none", i+1, "x"))
		}
	}
	return errors.Join(problems...)
}

func (s server) Warnings() []string {
	var warnings []string
	for _, c := range s.clients {
		if !c.Secret.IsZero() && len(c.Secret.Reveal()) < 16 {
			warnings = append(warnings, fmt.Sprintf("client %q: secret has fewer than 16 characters: make one of 24", c.Name))
		}
	}
	return warnings
}

type problemOfKey struct{ key, text, hint string }

func (p problemOfKey) Error() string { return p.text }
func (p problemOfKey) Key() string   { return p.key }
func (p problemOfKey) Hint() string  { return p.hint }

func (s storePart) Validate() error {
	if s.Key.IsZero() {
		return problemOfKey{"key", "is not set", "portvakt init makes one"}
	}
	return nil
}

func (c ldap) Validate() error {
	if len(c.Servers) == 0 {
		return errors.New("servers is empty: name one")
	}
	return nil
}

var options = []Option{
	Default(client{Methods: []string{"pap", "chap"}, Patience: 25 * time.Second}),
	Default(ldap{Timeout: 5 * time.Second}),
	Default(totpPart{Issuer: "Portvakt"}),
	Later("server.radsec", "call", "client.preset", "store.kind = papyrus", "client.methods = eap-ttls"),
}

func defaults() *file {
	return &file{
		Server: server{
			Listen:      []netip.AddrPort{netip.MustParseAddrPort("0.0.0.0:1812"), netip.MustParseAddrPort("[::]:1812")},
			Admin:       "/run/portvakt/admin.sock",
			MaxRequests: 1024,
		},
		Store: storePart{Kind: "bolt", Key: secret.New("a key of the tests")},
	}
}

// secrets that the test files name. Each begins with "hush", which must not
// appear in any problem.
const hush = "hush"

// inDirectory makes a directory with secrets the working directory.
func inDirectory(t testing.TB) {
	t.Helper()
	t.Chdir(t.TempDir())
	for name, mode := range map[string]os.FileMode{"vpn": 0o600, "group": 0o660, "public": 0o644, "empty": 0o600, "long": 0o600} {
		text := hush + "-" + name + "-0123456789\n"
		switch name {
		case "empty":
			text = "\n"
		case "long":
			text = strings.Repeat(hush, maxSecret)
		}
		if err := os.WriteFile(name+".secret", []byte(text), mode); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(name+".secret", mode); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("VPN_SECRET", hush+"-from-the-environment")
	t.Setenv("EMPTY", "")
	t.Setenv(credentialsVariable, mustAbs(t, "."))
}

func mustAbs(t testing.TB, path string) string {
	t.Helper()
	abs, err := filepath.Abs(path)
	if err != nil {
		t.Fatal(err)
	}
	return abs
}

// Each file of testdata makes one mistake and begins with what is to be told
// about it, one comment line for each problem, or "none".
func TestEachMistakeIsToldWithItsPlaceAndRemedy(t *testing.T) {
	paths, err := filepath.Glob("testdata/*.toml")
	if err != nil || len(paths) < 40 {
		t.Fatalf("got %d files and %v, want at least 40 files", len(paths), err)
	}
	here := mustAbs(t, ".")
	inDirectory(t)
	dir := mustAbs(t, ".")
	for _, path := range paths {
		name := filepath.Base(path)
		t.Run(strings.TrimSuffix(name, ".toml"), func(t *testing.T) {
			data, err := os.ReadFile(filepath.Join(here, path))
			if err != nil {
				t.Fatal(err)
			}
			mode := os.FileMode(0o600)
			if strings.HasPrefix(name, "public_") {
				mode = 0o644
			}
			if err := os.WriteFile(name, data, mode); err != nil {
				t.Fatal(err)
			}
			var want []string
			for line := range strings.Lines(string(data)) {
				text, ok := strings.CutPrefix(strings.TrimRight(line, "\r\n"), "# ")
				if !ok {
					break
				}
				want = append(want, text)
			}
			warnings, err := Load(name, defaults(), options...)
			var got []string
			for _, w := range warnings {
				got = append(got, "warning: "+w.String())
			}
			if err != nil {
				got = append(got, strings.Split(err.Error(), "\n")...)
			}
			if got == nil {
				got = []string{"none"}
			}
			shown := strings.ReplaceAll(strings.Join(got, "\n# "), dir+"/", "DIR/")
			if wanted := strings.Join(want, "\n# "); shown != wanted {
				t.Errorf("got\n# %s\nwant\n# %s", shown, wanted)
			}
			if strings.Contains(shown, hush) {
				t.Error("a secret is in a problem")
			}
		})
	}
}

func TestEveryTypeIsDecodedOverItsDefaults(t *testing.T) {
	inDirectory(t)
	err := os.WriteFile("portvakt.toml", []byte(`
[server]
listen = ["127.0.0.1:1812"]
share = 1
port = 65535

[ldap]
servers = ["ldaps://dc1.example.org"]
bind_password = { env = "VPN_SECRET" }
attributes = { id = "entryUUID" }

[totp]

[[client]]
name = "vpn"
networks = ["10.1.0.0/24", "2001:db8::1"]
source = "10.0.0.1"
secret = { file = "vpn.secret" }

[[client]]
name = "wifi"
secret = { credential = "vpn.secret" }
methods = ["pap"]
patience = "1m30s"

[[rule]]
from = 2018-06-13T00:00:00+02:00

[[reply]]
attributes = { Filter-Id = "full", "a.b" = "c" }
`), 0o600)
	if err != nil {
		t.Fatal(err)
	}
	got := defaults()
	warnings, err := Load("portvakt.toml", got, options...)
	if err != nil || len(warnings) > 0 {
		t.Fatalf("got warnings %v and problems %v, want none", warnings, err)
	}
	vpn := secret.New(hush + "-vpn-0123456789")
	want := defaults()
	want.Server.Listen = []netip.AddrPort{netip.MustParseAddrPort("127.0.0.1:1812")}
	want.Server.Share = 1
	want.Server.Port = 65535
	want.LDAP = &ldap{Servers: []string{"ldaps://dc1.example.org"}, Password: secret.New(hush + "-from-the-environment"), Timeout: 5 * time.Second}
	want.LDAP.Attributes.ID = "entryUUID"
	want.TOTP = &totpPart{Issuer: "Portvakt"}
	want.Client = []client{
		{
			Name: "vpn", Secret: vpn, Methods: []string{"pap", "chap"}, Patience: 25 * time.Second, Source: netip.MustParseAddr("10.0.0.1"),
			Networks: []netip.Prefix{netip.MustParsePrefix("10.1.0.0/24"), netip.MustParsePrefix("2001:db8::1/128")},
		},
		{Name: "wifi", Secret: vpn, Methods: []string{"pap"}, Patience: 90 * time.Second},
	}
	want.Server.clients = want.Client
	from := time.Date(2018, 6, 12, 22, 0, 0, 0, time.UTC)
	if len(got.Rule) != 1 || !got.Rule[0].From.Equal(from) {
		t.Errorf("got rules %v, want one from %v", got.Rule, from)
	}
	got.Rule = nil
	want.Reply = []replyPart{{map[string]string{"filter-id": "full", "a.b": "c"}}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestDefaultsOfOneBlockAreNotThoseOfTheNext(t *testing.T) {
	src := source{name: "f", data: []byte("[[client]]\nname='a'\nsecret='0123456789abcdef'\nmethods=['x','y']\n[[client]]\nname='b'\nsecret='0123456789abcdef'\n")}
	got := defaults()
	if _, err := load(src, got, options...); err != nil {
		t.Fatal(err)
	}
	if m := got.Client[1].Methods; !reflect.DeepEqual(m, []string{"pap", "chap"}) {
		t.Errorf("got methods %q of the second client, want its defaults", m)
	}
}

func TestAByteOrderMarkIsNotPartOfTheFile(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.WriteFile("f", []byte("\ufeff[store]\r\nkind = 'x'\r\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	got := defaults()
	if _, err := Load("f", got); err != nil || got.Store.Kind != "x" {
		t.Errorf("got kind %q and %v, want x", got.Store.Kind, err)
	}
}

func TestAFileThatCannotBeReadIsAProblem(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.WriteFile("huge.toml", make([]byte, maxFile+1), 0o600); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		"missing.toml": "missing.toml: there is no such file (hint: `portvakt init` writes one; --config names another)",
		".":            ".: this is not a regular file",
		"huge.toml":    "huge.toml: the file has more than 1048576 octets",
	} {
		_, err := Load(path, defaults())
		if got := fmt.Sprint(err); got != want {
			t.Errorf("%s: got %q, want %q", path, got, want)
		}
	}
}

func TestMoreProblemsThanAnybodyReadsAreCounted(t *testing.T) {
	var doc strings.Builder
	for i := range 3 * maxProblems {
		fmt.Fprintf(&doc, "k%d = 1\n", i)
	}
	_, err := load(source{name: "f", data: []byte(doc.String())}, defaults())
	var ps Problems
	if !errors.As(err, &ps) || len(ps) != maxProblems+1 || ps[maxProblems].Text != "there are 200 more problems" {
		t.Errorf("got %v, want %d problems and the number of the others", err, maxProblems)
	}
}
