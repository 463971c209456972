package gateway_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/portvakt/portvakt/conf/secret"
	"github.com/portvakt/portvakt/e2e/peer"
	"github.com/portvakt/portvakt/factors/phone"
	"github.com/portvakt/portvakt/factors/sms/gateway"
	"github.com/portvakt/portvakt/factors/sms/smpp"
	"github.com/portvakt/portvakt/login/logintest"
)

// carrier is the provider as docs show it.
func carrier(s *peer.SMSC) gateway.Config {
	return gateway.Config{
		Name: "carrier", Kind: "smpp", User: s.User, Password: secret.New(s.Password), Sender: "UiT",
		SMPP: smpp.Config{Address: s.Address},
	}
}

func mobile(t *testing.T) phone.Number {
	t.Helper()
	n, err := phone.Parse("+47 412 34 567", "NO")
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// chained builds a chain, and looks at the end that its log leaked nothing.
func chained(t *testing.T, cfgs ...gateway.Config) *gateway.Chain {
	t.Helper()
	l := new(logintest.Log)
	c, err := gateway.New(cfgs, nil, l.Logger())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
		for _, cfg := range cfgs {
			for _, secret := range []string{"123456", "41234567", cfg.Password.Reveal()} {
				if secret != "" && strings.Contains(l.String(), secret) {
					t.Errorf("%q is in the log: %s", secret, l)
				}
			}
		}
	})
	return c
}

// says words what Send says.
func says(err error) string {
	switch {
	case err == nil:
		return "sent"
	case gateway.Unsent(err):
		return "not sent"
	default:
		return "unknown"
	}
}

func TestSMPPNumbersAndCodings(t *testing.T) {
	t.Parallel()
	s := peer.StartPerlSMSC(t)
	for _, row := range []struct {
		rule   string
		change func(*gateway.Config)
		text   string
		want   string
	}{
		{"by default", func(*gateway.Config) {}, "ж", "1/1 4741234567 from 5/0 UiT in 8"},
		{"e164", func(c *gateway.Config) { c.Number = "e164" }, "a", "1/1 4741234567 from 5/0 UiT in 0"},
		{"digits", func(c *gateway.Config) { c.Number = "digits" }, "a", "1/1 4741234567 from 5/0 UiT in 0"},
		{"zeros", func(c *gateway.Config) { c.Number = "00" }, "a", "0/1 004741234567 from 5/0 UiT in 0"},
		{"national", func(c *gateway.Config) { c.Number = "national" }, "a", "2/1 41234567 from 5/0 UiT in 0"},
		{"types as the carrier wants them", func(c *gateway.Config) {
			c.SMPP.SenderTONNPI, c.SMPP.ToTONNPI, c.Sender = []int{0, 1}, []int{0, 0}, "2002"
		}, "a", "0/0 4741234567 from 0/1 2002 in 0"},
		{"another sender for some", func(c *gateway.Config) { c.Senders = []string{"+47=2002", "+46=SE"} }, "a", "1/1 4741234567 from 3/0 2002 in 0"},
		{"codings as the carrier wants them", func(c *gateway.Config) { c.Coding = []string{"1", "0x18"} }, "ж", "1/1 4741234567 from 5/0 UiT in 24"},
	} {
		cfg := carrier(s)
		row.change(&cfg)
		c := chained(t, cfg)
		if err := c.Send(t.Context(), mobile(t), row.text); err != nil {
			t.Fatalf("%s: %v", row.rule, err)
		}
		m := s.Next(t)
		got := fmt.Sprintf("%d/%d %s from %d/%d %s in %d", m.ToTON, m.ToNPI, m.To, m.FromTON, m.FromNPI, m.From, m.Coding)
		if got != row.want {
			t.Errorf("%s: got %q, want %q", row.rule, got, row.want)
		}
		_ = c.Close()
	}
}

// The message of an SMSC that died behind the request may be on its way.
func TestSMPPFailsOverOnlyWhenCertainlyNotSent(t *testing.T) {
	t.Parallel()
	first, second := peer.StartPerlSMSC(t), peer.StartPerlSMSC(t)
	for _, row := range []struct {
		rule   string
		text   string
		change func(*gateway.Config)
		want   string
		second bool
	}{
		{"accepted", "123456", nil, "sent", false},
		{"it dies between request and answer", "DIE 123456", nil, "unknown", false},
		{"it does not answer", "MUTE 123456", nil, "unknown", false},
		{"throttled", "THROTTLE 123456", nil, "not sent", true},
		{"refused", "NUMBER 123456", nil, "not sent", true},
		{"wrong password", "123456", func(c *gateway.Config) { c.Password = secret.New("not-the-one") }, "sent", true},
		{"nobody listens", "123456", func(c *gateway.Config) { c.SMPP.Address = "127.0.0.1:1" }, "sent", true},
		{"TLS to one that has none", "123456", func(c *gateway.Config) { c.SMPP.TLS = true }, "sent", true},
	} {
		one, two := carrier(first), carrier(second)
		one.Timeout, two.Name = 4*time.Second, "other"
		if row.change != nil {
			row.change(&one)
		}
		c := chained(t, one, two)
		if got := says(c.Send(t.Context(), mobile(t), row.text)); got != row.want {
			t.Errorf("%s: %s, want %s", row.rule, got, row.want)
		}
		if row.change == nil {
			first.Next(t)
		}
		if row.second {
			second.Next(t)
		}
		first.Silent(t)
		second.Silent(t)
		_ = c.Close()
	}
}

func TestSMPPCheckAndStart(t *testing.T) {
	t.Parallel()
	s := peer.StartPerlSMSC(t)
	wrong := carrier(s)
	wrong.Password = secret.New("not-the-one")
	good, bad := chained(t, carrier(s)).Check(t.Context())[0], chained(t, wrong).Check(t.Context())[0]
	if good.Err != nil || good.Target != s.Address || good.Kind != "smpp" {
		t.Errorf("got %+v", good)
	}
	if bad.Err == nil || !strings.Contains(bad.Err.Error(), "wrong password") {
		t.Errorf("wrong password: got %v", bad.Err)
	}
	s.Await(t, "unbind", 1)
	c := chained(t, carrier(s))
	s.Await(t, "bind 0x9 version 0x34 ok", 1) // of the check, and no other
	c.Start()
	s.Await(t, "bind 0x9 version 0x34 ok", 2)
	_ = c.Close()
	s.Await(t, "unbind", 2)
}

func TestSMPPReceipts(t *testing.T) {
	t.Parallel()
	s := peer.StartPerlSMSC(t)
	p := provider(t, carrier(s))
	reporter, ok := p.(gateway.Reporter)
	if !ok {
		t.Fatalf("%T tells no receipts", p)
	}
	receipts := make(chan gateway.Receipt, 1)
	reporter.Report(func(r gateway.Receipt) { receipts <- r })
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	id, err := p.Send(ctx, mobile(t), "123456")
	if err != nil || id == "" {
		t.Fatalf("%q, %v", id, err)
	}
	select {
	case got := <-receipts:
		if want := (gateway.Receipt{Provider: "carrier", ID: id, State: gateway.Delivered, Detail: "delivered"}); got != want {
			t.Errorf("got %+v, want %+v", got, want)
		}
	case <-ctx.Done():
		t.Error("no receipt came")
	}
	s.Next(t)

	transmitter := carrier(s)
	transmitter.SMPP.Bind = "transmitter"
	if !carrier(s).Reports() || transmitter.Reports() {
		t.Error("the configuration does not tell who has receipts")
	}
	if p := provider(t, transmitter); isReporter(p) {
		t.Error("who is bound to send only tells receipts")
	}
	if err := chained(t, transmitter).Send(t.Context(), mobile(t), "123456"); err != nil {
		t.Error(err)
	}
	if m := s.Next(t); m.Registered != 0 {
		t.Error("a receipt is asked for that cannot come")
	}
}

func isReporter(p gateway.Provider) bool {
	_, ok := p.(gateway.Reporter)
	return ok
}

// provider is one without a chain around it.
func provider(t *testing.T, cfg gateway.Config) gateway.Provider {
	t.Helper()
	p, err := gateway.Build(cfg, nil, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if c, ok := p.(io.Closer); ok {
			_ = c.Close()
		}
	})
	return p
}
