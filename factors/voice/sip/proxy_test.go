package sip

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/portvakt/portvakt/conf/secret"
	"github.com/portvakt/portvakt/e2e/peer"
)

// request returns the first of a kind that the exchange got.
func request(exchange *peer.SIPp, method string) string {
	return regexp.MustCompile(`(?s)\n(` + method + ` sip:.*?)\r?\n\r?\n`).FindString(exchange.Messages())
}

// A proxy asks for the password, and everything in the call goes through it.
func TestThroughAProxy(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name     string
		tcp      bool
		outbound bool
	}{{"UDP", false, false}, {"TCP", true, false}, {"as outbound proxy", false, true}} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			exchange := peer.StartSIPp(t, peer.SIPpOptions{}, answers(
				peer.SIPpPause(short), peer.SIPpRequest("INFO", 2, "Content-Type: application/dtmf\n\n#"), `<recv response="200"/>`, ended)...)
			proxy := peer.StartKamailio(t, exchange.Addr)
			server := "sip:" + proxy.Addr
			if row.tcp {
				server += ";transport=tcp"
			}
			p, _ := provider(t, server, func(c *Config) {
				if row.outbound {
					c.Server, c.OutboundProxy = "sip:exchange.invalid", server
				}
			})
			if err := p.Check(t.Context()); err != nil {
				t.Errorf("Check: %v", err)
			}
			var alice person
			if got, _ := place(t, p, alice.call(t)); got != "approved" {
				t.Errorf("got %s, want approved", got)
			}
			exchange.Wait(t)
			for _, method := range []string{"INVITE", "ACK", "BYE"} {
				if msg := request(exchange, method); strings.Count(msg, "Via: ") != 2 {
					t.Errorf("the %s did not come through the proxy:\n%s", method, msg)
				}
			}
		})
	}
}

func TestACancelGoesThroughTheProxy(t *testing.T) {
	t.Parallel()
	for _, outbound := range []bool{false, true} {
		exchange := peer.StartSIPp(t, peer.SIPpOptions{}, peer.SIPpRecv("INVITE", "", ""), peer.SIPpReply("180 Ringing", ""),
			peer.SIPpRecv("CANCEL", "", ""), peer.SIPpReplyInDialog("200 OK"),
			peer.SIPpReplyTo("CSeq: 2 INVITE", "487 Request Terminated", ""), peer.SIPpRecv("ACK", "", ""))
		proxy := peer.StartKamailio(t, exchange.Addr)
		p, _ := provider(t, "sip:"+proxy.Addr, func(c *Config) {
			if outbound {
				c.Server, c.OutboundProxy = "sip:exchange.invalid", "sip:"+proxy.Addr
			}
		})
		var alice person
		c := alice.call(t)
		c.Ring = 2 * time.Second
		if got, _ := place(t, p, c); got != "no_answer" {
			t.Errorf("outbound=%v: got %s, want no_answer", outbound, got)
		}
		exchange.Wait(t)
	}
}

func TestAProxyThatDoesNotTakeThePassword(t *testing.T) {
	t.Parallel()
	proxy := peer.StartKamailio(t, "127.0.0.1:9")
	p, _ := provider(t, "sip:"+proxy.Addr, func(c *Config) { c.Password = secret.New("wrong") })
	var alice person
	if got, took := place(t, p, alice.call(t)); got != "refused unrung" || took > 3*time.Second {
		t.Errorf("got %s after %v, want refused at once", got, took)
	}
}
