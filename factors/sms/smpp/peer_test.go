package smpp

import (
	"context"
	"encoding/hex"
	"strings"
	"testing"
	"time"

	"github.com/portvakt/portvakt/conf/secret"
	"github.com/portvakt/portvakt/e2e/peer"
	"github.com/portvakt/portvakt/login/logintest"
)

// to is a client of a real SMSC, and what it is told of messages.
func to(t *testing.T, s *peer.SMSC, change ...func(*Config, *Options)) (*Client, <-chan Receipt, *logintest.Log) {
	t.Helper()
	cfg := Config{Address: s.Address}
	opt := Options{Name: "carrier", User: s.User, Password: secret.New(s.Password), Sender: "UiT", Timeout: 10 * time.Second}
	for _, f := range change {
		f(&cfg, &opt)
	}
	receipts, log := make(chan Receipt, 16), new(logintest.Log)
	c, err := New(cfg, opt, log.Logger(), func(r Receipt) { receipts <- r })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = c.Close()
		assertLeaksNothing(t, log.String())
		if t.Failed() {
			t.Log(log)
		}
	})
	return c, receipts, log
}

func say(t *testing.T, c *Client, text string) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	id, err := c.Send(ctx, Message{To: International(markNumber), Text: text})
	if err != nil {
		assertLeaksNothing(t, err.Error())
	}
	return id, err
}

// receipt waits for one of the message.
func receipt(t *testing.T, receipts <-chan Receipt, id string) {
	t.Helper()
	select {
	case r := <-receipts:
		if r.MessageID != id || r.State != Delivered || !r.Final || id == "" {
			t.Errorf("got %+v for %q", r, id)
		}
	case <-time.After(10 * time.Second):
		t.Error("no receipt came")
	}
}

func TestPerlSMSC(t *testing.T) {
	t.Parallel()
	s := peer.StartPerlSMSC(t)
	c, receipts, _ := to(t, s, func(cfg *Config, _ *Options) { cfg.ServiceType = "OTP" })
	if _, err := c.Check(t.Context()); err != nil {
		t.Errorf("check: %v", err)
	}
	for _, row := range []struct {
		rule, text string
		coding     int
		octets     string
	}{
		{"ASCII", "code 123456", 0, hex.EncodeToString([]byte("code 123456"))},
		{"Nordic letters and the euro sign", "æøåÆØÅ €@", 0, "1d0c0f1c0b0e" + "20" + "1b6500"},
		{"Cyrillic", "код", 8, "043a043e0434"},
	} {
		id, err := say(t, c, row.text)
		if err != nil {
			t.Fatalf("%s: %v", row.rule, err)
		}
		want := peer.SMSCMessage{
			From: "UiT", FromTON: 5, To: markNumber, ToTON: 1, ToNPI: 1, Coding: row.coding, Registered: 1,
			Validity: "000000000500000R", Service: "OTP", Message: row.octets, ID: id,
		}
		if got := s.Next(t); got != want {
			t.Errorf("%s: got %+v, want %+v", row.rule, got, want)
		}
		receipt(t, receipts, id)
	}
	s.Await(t, "got 0x80000005 status 0x0", 6)
	s.Await(t, "got 0x80000015 status 0x0", 3)

	id, err := say(t, c, strings.Repeat("long ", 40))
	if err != nil {
		t.Fatal(err)
	}
	first, second := s.Next(t), s.Next(t)
	if len(first.Header) != 12 || first.Header[:6] != "050003" || first.Header[8:] != "0201" || second.Header != first.Header[:8]+"0202" {
		t.Errorf("headers %s and %s, want 050003RR0201 and …02", first.Header, second.Header)
	}
	b, _ := hex.DecodeString(first.Message + second.Message)
	if got := string(b); got != strings.Repeat("long ", 40) || len(first.Message) != 2*153 || first.Registered != 0 || second.ID != id {
		t.Errorf("got %+v and %+v", first, second)
	}
	receipt(t, receipts, id)

	if got := outcome(say(t, c, "NUMBER")); !strings.HasPrefix(got, "not sent: status 0xb") {
		t.Error(got)
	}
	_ = c.Close()
	s.Await(t, "unbind", 2) // of Check and of Close
}

func TestPerlSMSCThatFails(t *testing.T) {
	t.Parallel()
	s := peer.StartPerlSMSC(t)
	c, _, log := to(t, s)
	if got := outcome(say(t, c, "DIE 123456")); !strings.HasPrefix(got, "unknown: the connection broke") {
		t.Errorf("it dies behind the request: %s", got)
	}
	s.Next(t)
	// A session that ended at once is opened again after a moment.
	ready(t, c)
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if got := outcome(c.Send(ctx, Message{To: International(markNumber), Text: "MUTE 123456"})); got != "unknown: no answer in time" {
		t.Error(got)
	}
	s.Next(t)
	if got := outcome(say(t, c, "THROTTLE 123456")); !strings.HasPrefix(got, "not sent, down: status 0x58") {
		t.Error(got)
	}
	s.Next(t)
	if got := outcome(say(t, c, "not at once 123456")); !strings.HasPrefix(got, "not sent, down: paused") {
		t.Error(got)
	}
	s.Silent(t)

	wrong, _, _ := to(t, s, func(_ *Config, o *Options) { o.Password = secret.New(markPassword) })
	if got := outcome(say(t, wrong, "123456")); !strings.HasPrefix(got, "not sent, down: no session with the SMSC: bind: status 0xe") {
		t.Errorf("wrong password: %s", got)
	}
	if _, err := wrong.Check(t.Context()); err == nil || !strings.Contains(err.Error(), "wrong password") {
		t.Errorf("check: %v", err)
	}
	s.Silent(t)
	if strings.Contains(log.String(), s.Password) {
		t.Error("the password is in the log")
	}
}

// ready waits until the client is bound.
func ready(t *testing.T, c *Client) {
	t.Helper()
	for late := time.After(20 * time.Second); ; {
		c.links[0].mu.Lock()
		bound, changed := c.links[0].session != nil && !c.links[0].session.isOver(), c.links[0].changed
		c.links[0].mu.Unlock()
		if bound {
			return
		}
		select {
		case <-changed:
		case <-late:
			t.Fatal("not bound again")
		}
	}
}

func TestNodeSMSC(t *testing.T) {
	t.Parallel()
	ca := peer.NewCA(t)
	cert := ca.Issue(t, peer.CertRequest{})
	s := peer.StartNodeSMSC(t, &cert)
	for i, row := range []struct{ bind, sender, binds string }{
		{"transceiver", "+4799999999", "bind 0x9 version 0x34 ok"},
		{"pair", "2002", "bind 0x1 version 0x34 ok"},
	} {
		c, receipts, _ := to(t, s, func(cfg *Config, o *Options) {
			cfg.TLS, cfg.Bind, cfg.Concatenation, o.CA, o.Sender = true, row.bind, "sar", ca.File, row.sender
		})
		c.Start()
		s.Await(t, row.binds, 1)
		if expires, err := c.Check(t.Context()); err != nil || time.Until(expires) < time.Hour {
			t.Errorf("check: %v, %v", expires, err)
		}
		for _, text := range []string{"code 123456", "æøåÆØÅäö €[]{}|~^\\ @£$_ ΔΦ", "код 123456", "😀"} {
			id, err := say(t, c, text)
			if err != nil {
				t.Fatalf("%s: %v", text, err)
			}
			got := s.Next(t)
			want := peer.SMSCMessage{
				From: c.from.Number, FromTON: int(c.from.TON), FromNPI: int(c.from.NPI), To: markNumber, ToTON: 1, ToNPI: 1,
				Coding: got.Coding, Registered: 1, Text: text, ID: id,
			}
			if got != want {
				t.Errorf("got %+v, want %+v", got, want)
			}
			receipt(t, receipts, id)
		}
		long := strings.Repeat("ж", 100)
		id, err := say(t, c, long)
		if err != nil {
			t.Fatal(err)
		}
		first, second := s.Next(t), s.Next(t)
		if first.Text+second.Text != long || first.Total != 2 || second.Total != 2 || first.Part != 1 || second.Part != 2 ||
			first.Reference == 0 || first.Reference != second.Reference || second.ID != id || first.Header != "" {
			t.Errorf("got %+v and %+v", first, second)
		}
		receipt(t, receipts, id)
		s.Await(t, "got 0x80000103 status 0x66", 5*(i+1)) // data_sm is refused
		s.Await(t, "got 0x80000015 status 0x0", 5*(i+1))
		if got := outcome(say(t, c, "DIE")); !strings.HasPrefix(got, "unknown: ") {
			t.Error(got)
		}
		s.Next(t)
		_ = c.Close()
	}
}

func TestTLSToAPlainSMSC(t *testing.T) {
	t.Parallel()
	s := peer.StartNodeSMSC(t, nil)
	plain, _, _ := to(t, s)
	if id, err := say(t, plain, "123456"); err != nil || s.Next(t).ID != id {
		t.Errorf("%q, %v", id, err)
	}
	secured, _, _ := to(t, s, func(cfg *Config, o *Options) { cfg.TLS, o.Timeout = true, time.Second })
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
	defer cancel()
	if got := outcome(secured.Send(ctx, Message{To: International(markNumber), Text: "123456"})); !strings.HasPrefix(got, "not sent, down: no session") {
		t.Error(got)
	}
	s.Silent(t)
}

func TestStoppedSMSCIsFoundAgain(t *testing.T) {
	t.Parallel()
	s := peer.StartPerlSMSC(t)
	c, _, log := to(t, s)
	if _, err := say(t, c, "before 123456"); err != nil {
		t.Fatal(err)
	}
	s.Stop()
	// The end of the connection was seen, or writing found it, or it came behind what was written.
	if got := outcome(say(t, c, "meanwhile 123456")); !strings.HasPrefix(got, "not sent, down: ") && !strings.HasPrefix(got, "unknown: ") {
		t.Error(got)
	}
	if got := outcome(say(t, c, "later 123456")); !strings.HasPrefix(got, "not sent, down: no session") {
		t.Error(got)
	}
	if !strings.Contains(log.String(), "no session with the SMSC") {
		t.Errorf("the log does not tell: %s", log)
	}
}
