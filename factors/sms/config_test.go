package sms

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/go-viper/mapstructure/v2"

	"github.com/portvakt/portvakt/conf/secret"
	"github.com/portvakt/portvakt/factors/code"
	"github.com/portvakt/portvakt/factors/phone/caps"
	"github.com/portvakt/portvakt/factors/sms/gateway"
	"github.com/portvakt/portvakt/login/logintest"
)

func TestConfigurations(t *testing.T) {
	t.Parallel()
	if err := config().Validate(); err != nil {
		t.Error(err)
	}
	if err := DefaultConfig().Validate(); err != nil || DefaultConfig().Enabled() {
		t.Errorf("without a section: %v, enabled %v", err, DefaultConfig().Enabled())
	}
	err := config(func(c *Config) {
		c.Numbers.Countries, c.Numbers.Region, c.AskAfter = []string{"no"}, "Norway", 0
		c.Caps.PerUserHour, c.Caps.PerDay = 0, caps.Max+1
		c.Provider = append(c.Provider, gateway.Config{Name: "gw", Kind: "twilio"}, gateway.Config{Kind: "http"})
	}).Validate()
	for _, want := range []string{
		`countries[0]: "no" is not a country`, `region: "Norway"`, "ask_after:", "per_user_hour: 0", "per_day: 1000001",
		`provider[1].sender: is not set`, `provider[1].name: "gw" is there twice`,
		"provider[2].name: is not set", "provider[2].url: is not set",
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not among the problems: %v", want, err)
		}
	}
	for within, want := range map[time.Duration]string{
		time.Second: "receipt_within: 1s is not 0s", code.Life: "receipt_within: 5m0s is not 0s",
		20 * time.Second: "receipt_within: no provider tells",
	} {
		if err := config(func(c *Config) { c.ReceiptWithin = within }).Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
	for listen, want := range map[string]string{
		"": "is not set, so no gateway", "127.0.0.1:0": "has no port", "0.0.0.0:80": "in the clear", "127.0.0.1:8446": "", "10.0.0.1:80": "",
	} {
		err := config(func(c *Config) {
			if listen != "" {
				c.ReceiptsListen = netip.MustParseAddrPort(listen)
			}
			c.Provider[0].IDMatch = "/id"
			c.Provider[0].Receipts = gateway.Receipts{Callback: secret.New("0123456789abcdef0123"), CallbackID: "/id", StatusFailed: "x"}
		}).Validate()
		if err == nil != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %q", listen, err, want)
		}
	}
	err = config(func(c *Config) { c.ReceiptsListen = netip.MustParseAddrPort("127.0.0.1:8446") }).Validate()
	if err == nil || !strings.Contains(err.Error(), "no provider has a callback") {
		t.Errorf("got %v, want that nobody calls", err)
	}
	err = config(func(c *Config) { c.Numbers.Countries = nil }).Validate()
	if err == nil || !strings.Contains(err.Error(), "countries: is empty") {
		t.Errorf("got %v, want that no country gets messages", err)
	}
}

func TestExampleDecodes(t *testing.T) {
	t.Parallel()
	section := map[string]any{
		"countries": []any{"NO", "SE", "DK"}, "per_user_hour": 5, "per_day": 2000,
		"provider": []any{map[string]any{
			"name": "gateway", "kind": "http", "url": "https://sms.example.org/send",
			"json": `{"to": "{to}", "text": "{text}"}`, "ok": []any{200, 201, 202},
		}},
	}
	c := DefaultConfig()
	d, err := mapstructure.NewDecoder(&mapstructure.DecoderConfig{Result: &c, ErrorUnused: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Decode(section); err != nil {
		t.Fatal(err)
	}
	if err := c.Validate(); err != nil || !c.Enabled() || c.Numbers.Countries[2] != "DK" || c.Caps.PerNumberDay != 10 {
		t.Errorf("got %v, %+v", err, c)
	}
}

func TestShortKeyIsRefused(t *testing.T) {
	t.Parallel()
	if _, err := New(config(), new(sink), nil, []byte("short"), new(logintest.Log).Logger(), words{}); err == nil {
		t.Error("numbers could be read out of IDs")
	}
	if _, err := New(config(func(c *Config) { c.Caps.PerDay = 0 }), new(sink), nil, idKey, new(logintest.Log).Logger(), words{}); err == nil {
		t.Error("an invalid configuration passes")
	}
}
