package sms_test

import (
	"log/slog"
	"regexp"
	"testing"

	"github.com/portvakt/portvakt/conf/secret"
	"github.com/portvakt/portvakt/e2e/peer"
	"github.com/portvakt/portvakt/factors/phone/caps"
	"github.com/portvakt/portvakt/factors/sms"
	"github.com/portvakt/portvakt/factors/sms/gateway"
	"github.com/portvakt/portvakt/login"
	"github.com/portvakt/portvakt/login/logintest"
)

// TestCodeFromTheTelephoneProves goes the whole way: what the SMSC got is what
// the person types.
func TestCodeFromTheTelephoneProves(t *testing.T) {
	k := peer.StartKannel(t)
	cfg := sms.DefaultConfig()
	cfg.Numbers.Countries = []string{"NO"}
	cfg.Provider = []gateway.Config{
		{Name: "dead", Kind: "http", URL: "http://127.0.0.1:1/", Form: []string{"to={to}", "text={text}"}},
		{
			Name: "kannel", Kind: "http", URL: k.URL, Method: "GET", Secret: secret.New(k.Password),
			Query: []string{"username=" + k.User, "password={secret}", "to={to}", "text={text}", "charset=UTF-8", "coding={coding}"},
		},
	}
	log := slog.New(slog.DiscardHandler)
	chain, err := gateway.New(cfg.Provider, nil, log)
	if err != nil {
		t.Fatal(err)
	}
	key := []byte("0123456789abcdef")
	f, err := sms.New(cfg, chain, caps.New(cfg.Caps, caps.SMS, new(logintest.Records), key, log), key, log, sms.TestWords{})
	if err != nil {
		t.Fatal(err)
	}
	u := login.User{
		Account:  login.Account{ID: "1", Phones: []string{"22 85 50 50", "412 34 567"}},
		Language: "nb", Client: "Østfold VPN",
	}
	m := f.Methods(u)[0]
	memo, err := f.Prompt(t.Context(), u, m)
	if err != nil {
		t.Fatal(err)
	}
	got := k.Next(t)
	form := regexp.MustCompile(`^([0-9]{6}) er koden din for Østfold VPN\. Den gjelder i 5 minutter, så skriv den nå\.$`)
	found := form.FindStringSubmatch(got.Text)
	if found == nil || got.To != "+4741234567" {
		t.Fatalf("the telephone shows %+v, want %v", got, form)
	}
	if err := f.Check(t.Context(), u, m, memo, login.Cleartext(found[1])); err != nil {
		t.Errorf("the code from the telephone: %v", err)
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
	k.Silent(t)
}
