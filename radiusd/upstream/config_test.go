package upstream_test

import (
	"strings"
	"testing"
	"time"

	"github.com/portvakt/portvakt/conf/secret"
	"github.com/portvakt/portvakt/login"
	"github.com/portvakt/portvakt/login/logintest"
	"github.com/portvakt/portvakt/radiusd/upstream"
)

func TestValidate(t *testing.T) {
	t.Parallel()
	good := func() upstream.Config { return config(server("one", "192.0.2.1:1812", "a secret of 24 characters")) }
	if err := good().Validate(); err != nil {
		t.Errorf("a good one: %v", err)
	}
	if err := upstream.DefaultConfig().Validate(); err != nil {
		t.Errorf("none: %v", err)
	}
	for want, change := range map[string]func(c *upstream.Config){
		"server: there is none":                    func(c *upstream.Config) { c.Server = nil },
		"server: there are 9":                      func(c *upstream.Config) { c.Server = make([]upstream.ServerConfig, 9) },
		"server[0].name: give it":                  func(c *upstream.Config) { c.Server[0].Name = "" },
		"server[1].name: \"ONE\" is there twice":   func(c *upstream.Config) { c.Server = append(c.Server, server("ONE", "192.0.2.2:1812", "x")) },
		"server[0].address: write":                 func(c *upstream.Config) { c.Server[0] = server("one", "0.0.0.0:1812", "x") },
		"server[0].secret: is empty":               func(c *upstream.Config) { c.Server[0].Secret = secret.Value{} },
		"server[0].timeout: 0s is not":             func(c *upstream.Config) { c.Server[0].Timeout = 0 },
		"server[0].timeout: 1m0s is not":           func(c *upstream.Config) { c.Server[0].Timeout = time.Minute },
		"server[0].tries: 0 is not":                func(c *upstream.Config) { c.Server[0].Tries = 0 },
		"server[0].source: ::1 cannot reach":       func(c *upstream.Config) { c.Server[0].Source = server("x", "[::1]:1", "x").Address.Addr() },
		"nas_identifier: write 1 to":               func(c *upstream.Config) { c.NASIdentifier = "" },
		`domains: "EXAMPLE\\" is no domain`:        func(c *upstream.Config) { c.Domains = []string{`EXAMPLE\`} },
		"pass: no attribute is called \"Klass\"":   func(c *upstream.Config) { c.Pass = []string{"Klass"} },
		"pass: State: is good between":             func(c *upstream.Config) { c.Pass = []string{"State"} },
		"pass: Proxy-State: is good between":       func(c *upstream.Config) { c.Pass = []string{"Proxy-State"} },
		"pass: Message-Authenticator: is good":     func(c *upstream.Config) { c.Pass = []string{"Message-Authenticator"} },
		"pass: MS-MPPE-Send-Key: is good":          func(c *upstream.Config) { c.Pass = []string{"MS-MPPE-Send-Key"} },
		"pass: MS-MPPE-Encryption-Policy: is good": func(c *upstream.Config) { c.Pass = []string{"MS-MPPE-Encryption-Policy"} },
		"pass: Tunnel-Password: is good":           func(c *upstream.Config) { c.Pass = []string{"Tunnel-Password"} },
		"pass: NAS-IP-Address: is sent by devices": func(c *upstream.Config) { c.Pass = []string{"NAS-IP-Address"} },
	} {
		c := good()
		change(&c)
		if err := c.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
	weak := good()
	weak.Server[0].Secret, weak.Server[0].RequireMessageAuthenticator = secret.New("short"), false
	if got := strings.Join(weak.Warnings(), "\n"); !strings.Contains(got, "can be guessed") || !strings.Contains(got, "CVE-2024-3596") || strings.Contains(got, "short\n") {
		t.Errorf("warnings: %q", got)
	}
	if got := good().Warnings(); len(got) > 0 {
		t.Errorf("warnings about a good one: %q", got)
	}
}

// Without a directory one person has one name, whatever she types in front of or
// behind it.
func TestNamesWithoutADirectory(t *testing.T) {
	t.Parallel()
	c := config(server("one", "127.0.0.1:1812", shared))
	c.Domains = []string{"EXAMPLE", "example.org"}
	d := open(t, c, nil)
	for typed, id := range map[string]string{
		"alice": "name:alice", "Alice": "name:alice", `example\alice`: "name:alice", "ALICE@Example.Org": "name:alice",
		"a.b_c-d+1": "name:a.b_c-d+1", strings.Repeat("x", 60): "name:" + strings.Repeat("x", 60),
		`OTHER\alice`: "", "alice@example.com": "", `EXAMPLE\`: "", "@example.org": "", `EXAMPLE\alice@example.org`: "",
		"": "", "alice ": "", " alice": "", "al ice": "", "alicé": "", "ａｌｉｃｅ": "", "alice\u200d": "", "alice\x00": "", "a/b": "", `a\b\c`: "",
		strings.Repeat("x", 61): "",
	} {
		a, err := d.Lookup(t.Context(), typed, 0)
		if id == "" {
			refused(t, typed, err, login.ReasonUnknownUser)
			continue
		}
		if err != nil || a.ID != id || !strings.EqualFold(idPrefix+a.Name, id) {
			t.Errorf("%q: got %+v, %v, want %s", typed, a, err, id)
		}
	}
}

const idPrefix = "name:"

// With one, it knows who is meant.
func TestNamesWithADirectory(t *testing.T) {
	t.Parallel()
	people := &logintest.Directory{}
	people.Add(login.Account{ID: "id-1", Name: "Åse Ås"}, "")
	d := open(t, config(server("one", "127.0.0.1:1812", shared)), people)
	if a, err := d.Lookup(t.Context(), "Åse Ås", time.Minute); err != nil || a.ID != "id-1" {
		t.Errorf("got %+v, %v", a, err)
	}
	_, err := d.Lookup(t.Context(), "alice", time.Minute)
	refused(t, "a name it does not have", err, login.ReasonUnknownUser)
}
