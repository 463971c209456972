package cloud_test

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/go-viper/mapstructure/v2"

	"github.com/portvakt/portvakt/conf/secret"
	"github.com/portvakt/portvakt/factors/voice/cloud"
	"github.com/portvakt/portvakt/login/logintest"
)

func twilioConfig() cloud.Config {
	return cloud.Config{
		Name: "twilio", Kind: "twilio", Account: "AC0123456789abcdef0123456789abcdef", Token: secret.New("mark-token"),
		From: "+4777644000", CallbackListen: netip.MustParseAddrPort("127.0.0.1:8445"), CallbackURL: "https://vpn.example.org/call",
	}
}

func telnyxConfig() cloud.Config {
	return cloud.Config{Name: "telnyx", Kind: "telnyx", Token: secret.New("mark-token"), Profile: "12ade33a-21c0-473b-b055-b3c836e1c292"}
}

func TestValidateSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		what   string
		base   func() cloud.Config
		change func(*cloud.Config)
		want   string // the keys with problems
	}{
		{"a whole twilio", twilioConfig, func(*cloud.Config) {}, ""},
		{"a whole telnyx", telnyxConfig, func(*cloud.Config) {}, ""},
		{"with an API key", twilioConfig, func(c *cloud.Config) {
			c.APIKey, c.APISecret = "SK0123456789abcdef0123456789abcdef", secret.New("x")
		}, ""},
		{"with a certificate, for everybody", twilioConfig, func(c *cloud.Config) {
			c.CallbackListen = netip.MustParseAddrPort("0.0.0.0:8445")
			c.CallbackCert, c.CallbackKey = "c", "k"
		}, ""},
		{"nothing", func() cloud.Config { return cloud.Config{} }, func(*cloud.Config) {}, "name kind token"},
		{"an unknown kind", twilioConfig, func(c *cloud.Config) { c.Kind = "pigeon" }, "kind"},
		{"an empty twilio", func() cloud.Config { return cloud.Config{Name: "x", Kind: "twilio"} }, func(*cloud.Config) {}, "token account from callback_listen callback_url"},
		{"an empty telnyx", func() cloud.Config { return cloud.Config{Name: "x", Kind: "telnyx"} }, func(*cloud.Config) {}, "token profile"},
		{"an account that is an API key", twilioConfig, func(c *cloud.Config) { c.Account = "SK0123456789abcdef0123456789abcdef" }, "account"},
		{"an account that leaves the path", twilioConfig, func(c *cloud.Config) { c.Account = "AC/../../../0123456789abcdef01234567" }, "account"},
		{"half an API key", twilioConfig, func(c *cloud.Config) { c.APIKey = "SK0123456789abcdef0123456789abcdef" }, "api_secret"},
		{"a name that calls", twilioConfig, func(c *cloud.Config) { c.From = "EXAMPLE" }, "from"},
		{"a callback in the clear", twilioConfig, func(c *cloud.Config) { c.CallbackURL = "http://vpn.example.org/" }, "callback_url"},
		{"a callback with a password", twilioConfig, func(c *cloud.Config) { c.CallbackURL = "https://a:b@vpn.example.org/" }, "callback_url"},
		{"a callback with a query", twilioConfig, func(c *cloud.Config) { c.CallbackURL = "https://vpn.example.org/?a=b" }, "callback_url"},
		{"a callback that is too long", twilioConfig, func(c *cloud.Config) { c.CallbackURL += strings.Repeat("x", 300) }, "callback_url"},
		{"keys in the clear to everybody", twilioConfig, func(c *cloud.Config) { c.CallbackListen = netip.MustParseAddrPort("0.0.0.0:80") }, "callback_listen"},
		{"a port to be found", twilioConfig, func(c *cloud.Config) { c.CallbackListen = netip.MustParseAddrPort("127.0.0.1:0") }, "callback_listen"},
		{"a certificate without a key", twilioConfig, func(c *cloud.Config) { c.CallbackCert = "c" }, "callback_cert"},
		{"a service in the clear", telnyxConfig, func(c *cloud.Config) { c.URL = "http://api.example.org" }, "url"},
		{"a service that is no address", telnyxConfig, func(c *cloud.Config) { c.URL = "api.example.org" }, "url"},
		{"a token with the end of its line", telnyxConfig, func(c *cloud.Config) { c.Token = secret.New("mark-token\n") }, "token"},
		{"a profile that leaves the path", telnyxConfig, func(c *cloud.Config) { c.Profile = "../x" }, "profile"},
		{"a time-out of an hour", telnyxConfig, func(c *cloud.Config) { c.Timeout = 1 << 42 }, "timeout"},
		{"keys of the other kind", twilioConfig, func(c *cloud.Config) { c.Profile = "x" }, "profile"},
		{"keys of the other kind too", telnyxConfig, func(c *cloud.Config) {
			w := twilioConfig()
			c.Account, c.From, c.CallbackListen, c.CallbackURL = w.Account, w.From, w.CallbackListen, w.CallbackURL
		}, "account from callback_listen callback_url"},
	} {
		c := row.base()
		row.change(&c)
		var keys []string
		err := c.Validate()
		if joined, ok := err.(interface{ Unwrap() []error }); ok {
			for _, e := range joined.Unwrap() {
				key, _, _ := strings.Cut(e.Error(), ":")
				keys = append(keys, key)
				leaksNothing(t, e.Error())
			}
		}
		if got := strings.Join(keys, " "); got != row.want {
			t.Errorf("%s: problems of %q, want %q: %v", row.what, got, row.want, err)
		}
		if _, err := cloud.New(c, new(logintest.Log).Logger()); (err == nil) != (row.want == "") {
			t.Errorf("%s: New: %v", row.what, err)
		}
	}
}

func TestConfigIsReadByItsKeys(t *testing.T) {
	t.Parallel()
	var c cloud.Config
	d, err := mapstructure.NewDecoder(&mapstructure.DecoderConfig{Result: &c, ErrorUnused: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Decode(map[string]any{
		"name": "a", "kind": "twilio", "account": "AC", "from": "+1", "callback_url": "https://x", "callback_cert": "c", "callback_key": "k",
		"api_key": "SK", "profile": "p", "url": "u", "ca": "f",
	}); err != nil {
		t.Error(err)
	}
	if c.CallbackCert != "c" || c.APIKey != "SK" || c.Profile != "p" {
		t.Errorf("%+v", c)
	}
}

func TestACAThatIsNoneIsRefused(t *testing.T) {
	t.Parallel()
	for _, base := range []func() cloud.Config{twilioConfig, telnyxConfig} {
		c := base()
		c.CA = "/nowhere/ca.pem"
		if _, err := cloud.New(c, new(logintest.Log).Logger()); err == nil || !strings.HasPrefix(err.Error(), "ca: ") {
			t.Errorf("%s: %v", c.Kind, err)
		}
	}
}
