package e2e_test

import (
	"testing"

	"github.com/portvakt/portvakt/e2e/peer"
	"github.com/portvakt/portvakt/e2e/server"
	"github.com/portvakt/portvakt/radiusd/client"
)

// Who has nothing that a rule will ask for gets one message about it, also when
// she signs in again, after a restart, and while the gateway does not answer.
func TestPeopleAreRemindedByMessage(t *testing.T) {
	t.Parallel()
	slapd := peer.StartSlapd(t, peer.SlapdOptions{})
	gateway := server.NewGateway(t)
	site := server.New(t, server.Config{LDAP: server.LDAP(slapd), More: server.SMS(gateway) + `
[[rule]]
name      = "soon"
from      = 2099-12-24T00:00:00Z
before    = "remind"
remind_by = ["sms"]
factors   = ["totp"]
`})
	site.Enroll(t, "alice", server.NewSeed())
	site.Must(t, "phone", "add", "bob", bobsTelephone)
	site.Must(t, "phone", "add", "umlaut", telephone)
	d := site.Start(t)
	gateway.Stall()
	want(t, "bob, while the gateway is slow", exchange(t, d.Client(), "bob", peer.UserPassword, nil), client.AccessAccept)
	d.AwaitLog(t, `"outcome":"reminded"`, `"user":"bob"`)
	gateway.Answer(200)
	want(t, "alice, who has the app", exchange(t, d.Client(), "alice", peer.UserPassword, nil), client.AccessAccept)
	want(t, "umlaut", exchange(t, d.Client(), "umlaut", peer.UmlautPassword, nil), client.AccessAccept)
	m := gateway.Next(t)
	if m.Text != "From 2099-12-24, vpn asks for a second factor, and you have none. Please enroll in time." || m.To != "+4790000042" {
		t.Errorf("got %+v", m)
	}
	d.Stop(t)
	d = site.Start(t)
	for _, name := range []string{"bob", "alice"} {
		want(t, name, exchange(t, d.Client(), name, peer.UserPassword, nil), client.AccessAccept)
	}
	d.Stop(t) // what was begun is finished
	if n := gateway.Requests(); n != 2 {
		t.Errorf("%d messages, want one to bob and one to umlaut", n)
	}
}
