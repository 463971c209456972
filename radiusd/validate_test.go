package radiusd

import (
	"strings"
	"testing"
	"time"

	"github.com/portvakt/portvakt/conf/secret"
)

// TestDefaultsAreValid: with one client named, nothing else needs to be
// written, and nothing is warned about.
func TestDefaultsAreValid(t *testing.T) {
	t.Parallel()
	cfg := DefaultConfig()
	cfg.Clients = []ClientConfig{testClient("vpn", "10.1.0.0/24", "2001:db8:1::/64", "10.2.0.1")}
	if err := cfg.Validate(); err != nil {
		t.Fatal(err)
	}
	if w := cfg.Warnings(); len(w) != 0 {
		t.Fatalf("warnings: %q", w)
	}
}

// TestEachProblemIsToldWithItsKey: each row breaks one thing in a good
// configuration.
func TestEachProblemIsToldWithItsKey(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		want  string
		spoil func(c *Config, cl *ClientConfig)
	}{
		{"server.listen is empty", func(c *Config, _ *ClientConfig) { c.Listen = nil }},
		{`server.listen: "radius.example.org:1812"`, func(c *Config, _ *ClientConfig) { c.Listen = []string{"radius.example.org:1812"} }},
		{`server.listen: "127.0.0.1:1812" is there twice`, func(c *Config, _ *ClientConfig) { c.Listen = []string{"127.0.0.1:1812", "127.0.0.1:1812"} }},
		{"server.max_requests is 1", func(c *Config, _ *ClientConfig) { c.MaxRequests = 1 }},
		{"server.max_replies is 1", func(c *Config, _ *ClientConfig) { c.MaxReplies = 1 }},
		{"max_requests and max_held together (36384)", func(c *Config, _ *ClientConfig) { c.MaxReplies = 36383 }},
		{"server.max_held is -1", func(c *Config, _ *ClientConfig) { c.MaxHeld = -1 }},
		{"server.reject_delay is 1m", func(c *Config, _ *ClientConfig) { c.RejectDelay = time.Minute }},
		{"server.status_server_rate is -1", func(c *Config, _ *ClientConfig) { c.StatusServerRate = -1 }},
		{"server.drain is 0s", func(c *Config, _ *ClientConfig) { c.Drain = 0 }},
		{"another client has this name", func(c *Config, _ *ClientConfig) { c.Clients = append(c.Clients, testClient("VPN", "10.9.0.0/16")) }},
		{`client "vpn" has 10.1.0.0/24 too`, func(c *Config, _ *ClientConfig) { c.Clients = append(c.Clients, testClient("twin", "10.1.0.0/24")) }},
		{"client number 1: name", func(_ *Config, cl *ClientConfig) { cl.Name = "" }},
		{"name: give it a printable name", func(_ *Config, cl *ClientConfig) { cl.Name = "v\npn" }},
		{"networks is empty", func(_ *Config, cl *ClientConfig) { cl.Networks = nil }},
		{`networks: "10.1.0" is not a network`, func(_ *Config, cl *ClientConfig) { cl.Networks = []string{"10.1.0"} }},
		{`write "10.1.0.0/24"`, func(_ *Config, cl *ClientConfig) { cl.Networks = []string{"10.1.0.7/24"} }},
		{"IPv4 network in IPv6 form", func(_ *Config, cl *ClientConfig) { cl.Networks = []string{"::ffff:10.0.0.0/104"} }},
		{"0.0.0.0/0 lets the whole world guess", func(_ *Config, cl *ClientConfig) { cl.Networks = []string{"0.0.0.0/0"} }},
		{"::/0 lets the whole world guess", func(_ *Config, cl *ClientConfig) { cl.Networks = []string{"::/0"} }},
		{"secret is empty", func(_ *Config, cl *ClientConfig) { cl.Secret = secret.Value{} }},
		{"old_secret is the same", func(_ *Config, cl *ClientConfig) { cl.OldSecret = cl.Secret }},
		{`preset "toaster" is unknown`, func(_ *Config, cl *ClientConfig) { cl.Preset = "toaster" }},
		{"methods is empty", func(_ *Config, cl *ClientConfig) { cl.Methods = nil }},
		{`"peap" is not in this version yet`, func(_ *Config, cl *ClientConfig) { cl.Methods = []string{"pap", "peap"} }},
		{`"pop" is unknown`, func(_ *Config, cl *ClientConfig) { cl.Methods = []string{"pop"} }},
		{`append is "semicolon"`, func(_ *Config, cl *ClientConfig) { cl.Append = "semicolon" }},
		{`require_message_authenticator is "true"`, func(_ *Config, cl *ClientConfig) { cl.RequireMessageAuthenticator = "true" }},
		{`limit_proxy_state is ""`, func(_ *Config, cl *ClientConfig) { cl.LimitProxyState = "" }},
		{`on_error is "accept"`, func(_ *Config, cl *ClientConfig) { cl.OnError = "accept" }},
		{"patience is 1h", func(_ *Config, cl *ClientConfig) { cl.Patience = time.Hour }},
		{"patience is 10ms", func(_ *Config, cl *ClientConfig) { cl.Patience = 10 * time.Millisecond }},
		{"group: give it a printable name", func(_ *Config, cl *ClientConfig) { cl.Group = "a\nb" }},
		{"max_held is -2", func(_ *Config, cl *ClientConfig) { cl.MaxHeld = -2 }},
		{"max_requests is -1", func(_ *Config, cl *ClientConfig) { cl.MaxRequests = -1 }},
		{"server.radsec.listen is empty: name", func(c *Config, _ *ClientConfig) { c.RadSec.Cert = "radsec.pem" }},
		{"server.radsec.listen is empty, and a client has certificates", func(_ *Config, cl *ClientConfig) {
			cl.Certificates, cl.Secret = []string{"vpn.example.org"}, secret.Value{}
		}},
		{`server.radsec.listen: "2083" is not an address`, func(c *Config, _ *ClientConfig) { radsecOn(c).Listen = []string{"2083"} }},
		{`server.radsec.listen: "[::]:2083" is there twice`, func(c *Config, _ *ClientConfig) { radsecOn(c).Listen = []string{"[::]:2083", "[::]:2083"} }},
		{"server.radsec.cert is empty", func(c *Config, _ *ClientConfig) { radsecOn(c).Cert = "" }},
		{"server.radsec.key is empty", func(c *Config, _ *ClientConfig) { radsecOn(c).Key = "" }},
		{"server.radsec.ca is empty", func(c *Config, _ *ClientConfig) { radsecOn(c).CA = "" }},
		{"server.radsec.max_connections is 1:", func(c *Config, _ *ClientConfig) { radsecOn(c).MaxConnections = 1 }},
		{`certificates: "*.example.org" is neither`, func(c *Config, cl *ClientConfig) { radsecOn(c); cl.Certificates = []string{"*.example.org"} }},
		{`certificates: "" is neither`, func(c *Config, cl *ClientConfig) { radsecOn(c); cl.Certificates = []string{""} }},
		{`certificates: "sha256:00:11" is not a SHA-256`, func(c *Config, cl *ClientConfig) { radsecOn(c); cl.Certificates = []string{"sha256:00:11"} }},
		{`certificates: "a.example.org" is there twice`, func(c *Config, cl *ClientConfig) {
			radsecOn(c)
			cl.Certificates = []string{"a.example.org", "a.example.org"}
		}},
		{`client "vpn" has "A.example.org" too`, func(c *Config, cl *ClientConfig) {
			radsecOn(c)
			cl.Certificates = []string{"a.example.org"}
			c.Clients = append(c.Clients, overTLS("twin", "A.example.org"))
		}},
		{"old_secret has no meaning", func(c *Config, cl *ClientConfig) {
			radsecOn(c)
			cl.Certificates, cl.OldSecret, cl.Secret = []string{"a.example.org"}, cl.Secret, secret.Value{}
		}},
		{"coa_secret is empty", func(c *Config, cl *ClientConfig) {
			radsecOn(c)
			cl.Certificates, cl.COA, cl.Secret = []string{"a.example.org"}, "10.1.0.1:3799", secret.Value{}
		}},
		{"max_reply_message is 5000", func(_ *Config, cl *ClientConfig) { cl.MaxReplyMessage = 5000 }},
	} {
		cfg := DefaultConfig()
		cfg.Clients = []ClientConfig{testClient("vpn", "10.1.0.0/24")}
		row.spoil(&cfg, &cfg.Clients[0])
		err := cfg.Validate()
		if err == nil || !strings.Contains(err.Error(), row.want) {
			t.Errorf("got %v, want %q", err, row.want)
		} else if n := strings.Count(err.Error(), "\n") + 1; n != 1 {
			t.Errorf("%q: %d problems told, want 1: %v", row.want, n, err)
		}
	}
	cfg := Config{Clients: []ClientConfig{{}, {}}}
	if n := strings.Count(cfg.Validate().Error(), "\n") + 1; n < 12 {
		t.Errorf("an empty configuration has %d problems told at once, want all", n)
	}
}

// radsecOn serves TLS, and returns the section to be spoiled.
func radsecOn(c *Config) *RadSecConfig {
	c.RadSec = RadSecConfig{Listen: []string{"0.0.0.0:2083"}, Cert: "radsec.pem", Key: "radsec.key", CA: "clients.pem", MaxConnections: 1024}
	return &c.RadSec
}

// TestAClientOverTLSNeedsNoSecret, nor networks; with both it comes both ways.
func TestAClientOverTLSNeedsNoSecret(t *testing.T) {
	t.Parallel()
	cfg := DefaultConfig()
	radsecOn(&cfg)
	both := testClient("both", "10.1.0.0/24")
	both.Certificates = []string{"sha256:" + strings.Repeat("AB:", 31) + "ab", "both.example.org"}
	narrow := overTLS("narrow", "narrow.example.org")
	narrow.Networks = []string{"10.1.0.0/24"} // as another's over UDP
	narrow.Methods = []string{methodPAP, methodMSCHAPv2}
	cfg.Clients = []ClientConfig{both, narrow, overTLS("tls", "tls.example.org")}
	if err := cfg.Validate(); err != nil {
		t.Fatal(err)
	}
	if w := cfg.Warnings(); len(w) != 0 {
		t.Errorf("warnings: %q", w)
	}
	cfg.Listen = nil
	if err := cfg.Validate(); err != nil {
		t.Errorf("TLS alone: %v", err)
	}
	off := DefaultConfig()
	off.Clients = []ClientConfig{both}
	if w := off.Warnings(); len(w) != 1 || !strings.Contains(w[0], "nobody is served over TLS") || off.Validate() != nil {
		t.Errorf("without the section: %q, %v", w, off.Validate())
	}
	cfg.Clients = []ClientConfig{testClient("vpn", "10.1.0.0/24")}
	if w := cfg.Warnings(); len(w) != 1 || !strings.Contains(w[0], "no client may come") {
		t.Errorf("nobody may come over TLS: %q", w)
	}
}

// TestWarnings names the client and the key, never the secret.
func TestWarnings(t *testing.T) {
	t.Parallel()
	cfg := DefaultConfig()
	c := testClient("old", "0.0.0.0/0")
	c.AllowAny, c.SendMessageAuthenticator = true, false
	c.Group = "vpns"
	c.Methods = []string{methodPAP, methodMSCHAPv2}
	c.RequireMessageAuthenticator, c.LimitProxyState = no, no
	c.Secret, c.OldSecret = secret.New("hunter2"), secret.New("hunter1")
	cfg.Clients = []ClientConfig{c}
	if err := cfg.Validate(); err != nil {
		t.Fatal(err)
	}
	got := strings.Join(cfg.Warnings(), "\n")
	for _, want := range []string{
		`client "old": secret has fewer than 16`, "old_secret has fewer than 16",
		"require_message_authenticator and limit_proxy_state are both off",
		`no other client is in the group "vpns"`, "methods has more than pap", "send_message_authenticator is off", "networks has 0.0.0.0/0",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no warning %q in %s", want, got)
		}
	}
	if strings.Contains(got, "hunter") {
		t.Errorf("a warning tells a secret: %s", got)
	}
}
