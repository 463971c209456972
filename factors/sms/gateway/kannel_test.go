package gateway_test

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"

	"github.com/portvakt/portvakt/conf/secret"
	"github.com/portvakt/portvakt/e2e/peer"
	"github.com/portvakt/portvakt/factors/phone"
	"github.com/portvakt/portvakt/factors/sms/gateway"
)

// kannel is the provider as docs would show it.
func kannel(k *peer.Kannel) gateway.Config {
	return gateway.Config{
		Name: "kannel", Kind: "http", Method: "GET", URL: k.URL,
		Query: []string{
			"username=" + k.User, "password={secret}", "from={sender}", "to={to}", "text={text}", "charset=UTF-8", "coding={coding}",
		},
		Secret: secret.New(k.Password), Sender: "UiT", OK: []int{202}, OKMatch: `^0: Accepted for delivery`,
	}
}

func TestKannel(t *testing.T) {
	k := peer.StartKannel(t)
	to, err := phone.Parse("+47 412 34 567", "NO")
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	chain := func(cfg gateway.Config) *gateway.Chain {
		c, err := gateway.New([]gateway.Config{cfg}, nil, slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})))
		if err != nil {
			t.Fatal(err)
		}
		return c
	}

	good := chain(kannel(k))
	if st := good.Check(t.Context()); st[0].Err != nil {
		t.Errorf("check: %v", st[0].Err)
	}
	for _, row := range []struct{ name, text, coding string }{
		{"ASCII", "123456 is your code for vpn.", "text"},
		{"Nordic letters stay in GSM 7-bit", "123456 er koden, så skriv den nå: æøå ÆØÅ äöü", "text"},
		{"characters of the extension table", "123456 €[]{}|~^\\", "text"},
		{"signs of queries are text", "123456 & text=evil &to=+1900 %41 #", "text"},
		{"Cyrillic arrives as UCS-2", "123456 – код для входу", "ucs-2"},
	} {
		if err := good.Send(t.Context(), to, row.text); err != nil {
			t.Fatalf("%s: %v", row.name, err)
		}
		want := peer.KannelMessage{From: "UiT", To: "+4741234567", Coding: row.coding, Text: row.text}
		if got := k.Next(t); got != want {
			t.Errorf("%s: %+v, want %+v", row.name, got, want)
		}
	}

	bad := kannel(k)
	bad.Secret = secret.New("wrong")
	err = chain(bad).Send(t.Context(), to, "123456 with a wrong password")
	if !gateway.Unsent(err) {
		t.Errorf("wrong password: %v, want certainly not sent", err)
	}
	k.Silent(t)
	for _, secret := range []string{"123456", "41234567", k.Password, "wrong"} {
		if strings.Contains(log.String(), secret) {
			t.Errorf("%q is in the log: %s", secret, &log)
		}
	}
}
