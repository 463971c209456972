package email

import (
	"strings"
	"testing"

	"github.com/go-viper/mapstructure/v2"

	"github.com/portvakt/portvakt/conf/secret"
	"github.com/portvakt/portvakt/login/logintest"
)

func TestValidateSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		what   string
		change func(*Config)
		want   string // the keys with problems
	}{
		{"a whole section", func(*Config) {}, ""},
		{"no section: the factor is off", func(c *Config) { *c = DefaultConfig() }, ""},
		{"a section without a server", func(c *Config) { c.Server = "" }, "server"},
		{"a server without a port", func(c *Config) { c.Server = "mail.example.org" }, "server"},
		{"a server without a name", func(c *Config) { c.Server = ":25" }, "server"},
		{"a port by name", func(c *Config) { c.Server = "mail.example.org:smtp" }, "server"},
		{"TLS from the first octet", func(c *Config) { c.TLS = "tls" }, ""},
		{"no TLS on this machine", func(c *Config) { c.TLS, c.Server = "none", "127.0.0.1:25" }, ""},
		{"no TLS to another", func(c *Config) { c.TLS = "none" }, "tls"},
		{"no TLS to another, knowingly", func(c *Config) { c.TLS, c.Insecure = "none", true }, ""},
		{"a password without TLS", func(c *Config) {
			c.TLS, c.Server, c.User, c.Password = "none", "127.0.0.1:25", "u", secret.New("mail-password")
		}, "user"},
		{"TLS when it is offered", func(c *Config) { c.TLS = "opportunistic" }, "tls"},
		{"a user without a password", func(c *Config) { c.User = "u" }, "password"},
		{"a password without a user", func(c *Config) { c.Password = secret.New("mail-password") }, "user"},
		{"no sender", func(c *Config) { c.From = "" }, "from"},
		{"a sender that is none", func(c *Config) { c.From = "Portvakt" }, "from"},
		{"a sender with a header", func(c *Config) { c.From = "a@example.org\r\nBcc: b@example.org" }, "from"},
		{"a name with a line break", func(c *Config) { c.From = "HELO\nx <a@example.org>" }, "from"},
		{"a greeting with a line break", func(c *Config) { c.HELO = "x\r\nMAIL FROM:<>" }, "helo"},
		{"a domain that is an address", func(c *Config) { c.Domains = []string{"example.org", "anna@example.org"} }, "domains[1]"},
		{"caps that are off", func(c *Config) { c.PerUserHour, c.PerDay = 0, -1 }, "per_user_hour per_day"},
		{"patience without end", func(c *Config) { c.Timeout = 1 << 50 }, "timeout"},
		{"a question later than the message", func(c *Config) { c.AskAfter = c.Timeout + 1 }, "ask_after"},
	} {
		c := config(row.change)
		var keys []string
		err := c.Validate()
		if joined, ok := err.(interface{ Unwrap() []error }); ok {
			for _, e := range joined.Unwrap() {
				keys = append(keys, strings.SplitN(e.Error(), ":", 2)[0])
			}
		} else if err != nil {
			keys = []string{strings.SplitN(err.Error(), ":", 2)[0]}
		}
		if got := strings.Join(keys, " "); got != row.want {
			t.Errorf("%s: problems of %q, want %q: %v", row.what, got, row.want, err)
		}
		if err != nil {
			leaksNothing(t, strings.ReplaceAll(err.Error(), "anna@example.org\" is no domain", ""))
		}
		f, err := New(c, new(logintest.Records), idKey, new(logintest.Log).Logger(), words{})
		if (err == nil) != (row.want == "" && c.Enabled()) || (f == nil) == (err == nil) {
			t.Errorf("%s: New: %v", row.what, err)
		}
	}
}

func TestWarningsAreToldAtEachStart(t *testing.T) {
	t.Parallel()
	if w := DefaultConfig().Warnings(); len(w) != 0 {
		t.Errorf("off: %q", w)
	}
	if w := config().Warnings(); len(w) != 1 || !strings.Contains(w[0], "SP 800-63B") {
		t.Errorf("on: %q", w)
	}
	if w := config(func(c *Config) { c.TLS = tlsNone }).Warnings(); len(w) != 2 {
		t.Errorf("without TLS: %q", w)
	}
}

func TestConfigIsReadByItsKeys(t *testing.T) {
	t.Parallel()
	c := DefaultConfig()
	d, err := mapstructure.NewDecoder(&mapstructure.DecoderConfig{Result: &c, ErrorUnused: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Decode(map[string]any{
		"server": "mail.example.org:465", "tls": "tls", "ca": "ca.pem", "insecure": true, "user": "u", "from": "a@example.org",
		"helo": "vpn.example.org", "domains": []string{"example.org"}, "per_user_hour": 1, "per_day": 2,
	}); err != nil {
		t.Error(err)
	}
	if c.TLS != "tls" || c.PerDay != 2 || c.Domains[0] != "example.org" {
		t.Errorf("%+v", c)
	}
	c.CA = "/nowhere/ca.pem"
	c.Password = secret.New("x")
	if _, err := New(c, new(logintest.Records), idKey, new(logintest.Log).Logger(), words{}); err == nil || !strings.HasPrefix(err.Error(), "email.ca: ") {
		t.Errorf("a CA that is not there: %v", err)
	}
}
