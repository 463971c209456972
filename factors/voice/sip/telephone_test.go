package sip

import (
	"log/slog"
	"testing"
	"time"

	"github.com/portvakt/portvakt/e2e/peer"
	"github.com/portvakt/portvakt/factors/voice/prompts"
)

// A real telephone hears the words of the prompt in the language of the call,
// and presses the key: once in the clear and once with everything encrypted,
// which it insists on.
func TestATelephone(t *testing.T) {
	if !peer.OwnNetwork(t) {
		return
	}
	set, err := prompts.Open(prompts.DefaultConfig(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ca := peer.NewCA(t)
	for _, row := range []struct {
		how      string
		secure   bool
		language string
	}{
		{"in the clear", false, "en"},
		{"TLS and SRTP", true, "nb"},
	} {
		t.Run(row.how, func(t *testing.T) {
			phone := peer.StartBaresip(t, peer.BaresipOptions{
				User: number, TLS: row.secure, Cert: ca.Issue(t, peer.CertRequest{Hosts: []string{peer.NetworkAddress}}),
			})
			server := "sip:" + phone.Addr
			if row.secure {
				server = "sips:" + phone.Addr
			}
			p, _ := provider(t, server, func(c *Config) {
				c.Local = peer.NetworkAddress
				if row.secure {
					c.CA = ca.File
				}
			})
			var alice person
			c := alice.call(t)
			c.Language, c.Prompt = row.language, set.Approve(row.language, prompts.Details{Service: "vpn"})
			c.Ending, c.Talk = nil, 2*time.Minute
			during(t, func() {
				phone.Await(t, "CALL_ESTABLISHED")
				phone.AwaitSpeech(t, c.Prompt.Audio)
				phone.Press(t, "#")
				phone.Await(t, "CALL_CLOSED")
			}, func() {
				if got, _ := place(t, p, c); got != "approved" {
					t.Errorf("got %s, want approved", got)
				}
			})
			if c.Trace.Keys != "rfc4733" {
				t.Errorf("the key came by %q", c.Trace.Keys)
			}
		})
	}
}

// Whoever has another certificate is not the exchange, and gets no number.
func TestAnExchangeThatCannotProveWhoItIs(t *testing.T) {
	if !peer.OwnNetwork(t) {
		return
	}
	ca := peer.NewCA(t)
	phone := peer.StartBaresip(t, peer.BaresipOptions{
		User: number, TLS: true, Cert: ca.Issue(t, peer.CertRequest{Name: "other.example.test", Hosts: []string{"other.example.test"}}),
	})
	for _, row := range []struct {
		rule, name, ca string
		want           string
	}{
		{"a certificate of another name", "", ca.File, "unavailable unrung"},
		{"an authority that nobody knows", "other.example.test", peer.NewCA(t).File, "unavailable unrung"},
		{"the name that was told", "other.example.test", ca.File, "approved"},
	} {
		t.Run(row.rule, func(t *testing.T) {
			p, _ := provider(t, "sips:"+phone.Addr, func(c *Config) {
				c.Local, c.CA, c.ServerName = peer.NetworkAddress, row.ca, row.name
			})
			var alice person
			during(t, func() {
				if row.want == "approved" {
					phone.Await(t, "CALL_ESTABLISHED")
					<-time.After(short)
					phone.Press(t, "#")
				}
			}, func() {
				if got, _ := place(t, p, alice.call(t)); got != row.want {
					t.Errorf("got %s, want %s", got, row.want)
				}
			})
		})
	}
}
