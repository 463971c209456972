package sip

import (
	"log/slog"
	"net/netip"
	"strings"
	"testing"

	"github.com/portvakt/portvakt/conf/secret"
)

func mustAddr(t testing.TB, s string) netip.Addr {
	t.Helper()
	a, err := netip.ParseAddr(s)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestValidateTellsEveryProblem(t *testing.T) {
	t.Parallel()
	yes := true
	good := Config{Name: "pbx", Server: "sip:pbx.example.org", User: "mfa", Password: secret.New("x")}
	for _, row := range []struct {
		rule   string
		change func(*Config)
		want   string // "" for none
	}{
		{"as it is", func(*Config) {}, ""},
		{"a trunk known by its address", func(c *Config) { c.User, c.Password = "", secret.Value{} }, ""},
		{"everything", func(c *Config) {
			c.Server, c.OutboundProxy, c.Domain, c.AuthUser = "sips:pbx.example.org:5061", "sip:10.0.0.1;transport=tls", "example.org", "auth"
			c.From, c.Local, c.PublicIP, c.RTPPorts, c.SRTP = "+4722000000@example.org", "10.0.0.7:5060", "192.0.2.7", "20000-20099", "required"
			c.Number, c.Country, c.TrunkPrefix, c.DialPrefix, c.ServerName = "national", "SE", "0", "9", "pbx"
		}, ""},
		{"no name", func(c *Config) { c.Name = "" }, "name"},
		{"no exchange", func(c *Config) { c.Server = "" }, "server"},
		{"an exchange that is none", func(c *Config) { c.Server = "https://pbx" }, "server"},
		{"an exchange with a user", func(c *Config) { c.Server = "sip:me@pbx" }, "server"},
		{"an unknown transport", func(c *Config) { c.Server = "sip:pbx;transport=sctp" }, "server"},
		{"sips over udp", func(c *Config) { c.Server = "sips:pbx;transport=udp" }, "server"},
		{"a proxy in the clear before TLS", func(c *Config) { c.Server, c.OutboundProxy = "sips:pbx", "sip:proxy" }, "outbound_proxy"},
		{"a domain with a port", func(c *Config) { c.Domain = "pbx:5060" }, "domain"},
		{"a user with a line break", func(c *Config) { c.User = "a\r\nTo: b" }, "user"},
		{"a caller with a line break", func(c *Config) { c.From = "a\r\nb" }, "from"},
		{"a user without a password", func(c *Config) { c.Password = secret.Value{} }, "password"},
		{"a password without a user", func(c *Config) { c.User = "" }, "user"},
		{"a password with a line break", func(c *Config) { c.Password = secret.New("x\n") }, "password"},
		{"a registration of nobody", func(c *Config) { c.User, c.Password, c.Register = "", secret.Value{}, &yes }, "register"},
		{"a name as the local address", func(c *Config) { c.Local = "eth0" }, "local"},
		{"a name as the public address", func(c *Config) { c.PublicIP = "me.example.org" }, "public_ip"},
		{"no range", func(c *Config) { c.RTPPorts = "16384" }, "rtp_ports"},
		{"a range of privileged ports", func(c *Config) { c.RTPPorts = "100-200" }, "rtp_ports"},
		{"an unknown encryption", func(c *Config) { c.SRTP = "yes" }, "srtp"},
		{"keys in the clear", func(c *Config) { c.SRTP = "required" }, "srtp"},
		{"a CA for nothing", func(c *Config) { c.CA = "/x.pem" }, "ca"},
		{"an unknown format", func(c *Config) { c.Number = "e.164" }, "number"},
		{"national of no country", func(c *Config) { c.Number = "national" }, "country"},
		{"an unknown country", func(c *Config) { c.Number, c.Country = "national", "XX" }, "country"},
		{"a trunk prefix for nothing", func(c *Config) { c.TrunkPrefix = "0" }, "trunk_prefix"},
		{"a prefix before a plus sign", func(c *Config) { c.DialPrefix = "0" }, "dial_prefix"},
		{"a prefix that is a message", func(c *Config) { c.Number, c.DialPrefix = "00", "0;x" }, "dial_prefix"},
		{"a registration of seconds", func(c *Config) { c.Expires = 1 }, "expires"},
		{"no time at all", func(c *Config) { c.Timeout = 1 }, "timeout"},
		{"too many calls", func(c *Config) { c.MaxCalls = maxCalls + 1 }, "max_calls"},
	} {
		t.Run(row.rule, func(t *testing.T) {
			t.Parallel()
			c := good
			row.change(&c)
			err := c.Validate()
			switch {
			case row.want == "" && err != nil:
				t.Errorf("got %v, want no problem", err)
			case row.want != "" && (err == nil || !strings.HasPrefix(err.Error(), row.want+":") || strings.Contains(err.Error(), "\n")):
				t.Errorf("got %v, want one problem of %s", err, row.want)
			}
			if row.want == "" {
				return
			}
			if _, err := New(c, slog.New(slog.DiscardHandler)); err == nil {
				t.Error("New takes it")
			}
		})
	}
	if err := (Config{}).Validate(); strings.Count(err.Error(), "\n") != 1 {
		t.Errorf("of an empty one: %v, want name and server", err)
	}
}

func TestNumbersForTheExchange(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		cfg          Config
		number, want string
	}{
		{Config{}, number, "+4741234567"},
		{Config{Number: "00", DialPrefix: "0"}, number, "0004741234567"},
		{Config{Number: "digits"}, number, "4741234567"},
		{Config{Number: "national", Country: "NO", DialPrefix: "0"}, number, "041234567"},
		{Config{Number: "national", Country: "SE", TrunkPrefix: "0"}, "+46701234567", "0701234567"},
		{Config{Number: "national", Country: "SE", TrunkPrefix: "0", DialPrefix: "9"}, number, "9004741234567"},
	} {
		if got := row.cfg.dialled(to(t, row.number)); got != row.want {
			t.Errorf("%+v: dialled %s, want %s", row.cfg, got, row.want)
		}
	}
}

func TestSoundIsEncryptedWhereMessagesAre(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		srtp   string
		secure bool
		want   string
	}{
		{"", false, "off"},
		{"auto", false, "off"},
		{"", true, "required"},
		{"auto", true, "required"},
		{"optional", false, "optional"},
		{"off", true, "off"},
	} {
		if got := (Config{SRTP: row.srtp}).srtp(row.secure); got != row.want {
			t.Errorf("srtp %q, TLS %v: got %s, want %s", row.srtp, row.secure, got, row.want)
		}
	}
}

func FuzzParseTarget(f *testing.F) {
	for _, s := range []string{"sip:pbx", "sips:pbx:5061", "sip:[2001:db8::1]:5060;transport=tcp", "sip:;", "tel:1", "sip:a?b=c"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, err := parseTarget(s)
		if err == nil && (!validHost(got.host) || strings.ContainsAny(got.host, "\r\n<>@ ")) {
			t.Errorf("parseTarget(%q) = %+v", s, got)
		}
	})
}

func FuzzInfoKey(f *testing.F) {
	for _, s := range []string{"Signal=#\r\nDuration=160", "signal= 11", "5", "", "=", "Signal=\n"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if key, ok := infoKey(s); ok && !strings.ContainsRune("0123456789*#", rune(key)) {
			t.Errorf("infoKey(%q) = %q", s, key)
		}
	})
}

func FuzzRouteURI(f *testing.F) {
	for _, s := range []string{"<sip:10.0.0.1;lr>", "\"x\" <sip:p:5060;lr;r2=on>;a=b", "sip:p;lr", "<>", "<sip:"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if uri, err := routeURI(s); err == nil && uri.Host == "" {
			t.Errorf("routeURI(%q) has no host", s)
		}
	})
}
