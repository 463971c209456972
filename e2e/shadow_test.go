package e2e_test

import (
	"strings"
	"testing"

	"github.com/portvakt/portvakt/e2e/peer"
	"github.com/portvakt/portvakt/e2e/server"
)

// Copies of what FreeRADIUS answers are decided and reported: who would be asked,
// and who would be kept out, before anybody is.
func TestCopiesOfAnotherServersTraffic(t *testing.T) {
	t.Parallel()
	_, d, seed := enrolled(t, peer.SlapdOptions{}, server.Config{
		More: "[[rule]]\nname = \"everybody\"\nclients = [\"vpn\"]\nsecond_factor = \"required\"\n",
	})
	c := d.Config()
	c.Client = `shadow = "rule"`
	d.Configure(t, c)
	if !d.Reload(t) {
		t.Fatal("the configuration is not taken")
	}
	freeradius := peer.FreeRADIUSReplicating(t, peer.FreeRADIUSTarget{Addr: d.Addr, Secret: server.Secret})
	r := peer.Radclient{Server: freeradius.Addr, Secret: freeradius.Secret}
	for _, user := range []string{"alice", "bob", "mallory"} {
		// What it answers is its own, and is not what we would say.
		got := r.Send(t, "User-Name = "+user, "User-Password = \""+peer.FreeRADIUSPassword+"\"", "Calling-Station-Id = 203.0.113.7")
		if got.Code != "Access-Accept" {
			t.Fatalf("FreeRADIUS answers %s by %q", user, got.Code)
		}
	}
	d.AwaitLog(t, `"outcome":"shadow"`, `"user":"alice"`, "would be asked by totp")
	d.AwaitLog(t, `"outcome":"shadow"`, `"user":"bob"`, "not_enrolled", "would be refused")
	d.AwaitLog(t, `"outcome":"shadow"`, "unknown_user", "would be refused")

	// What the daemon keeps is written at the latest when it ends.
	d.Stop(t)
	// Without us it answers as before.
	if got := r.Send(t, "User-Name = alice", "User-Password = \""+peer.FreeRADIUSPassword+"\"").Code; got != "Access-Accept" {
		t.Errorf("FreeRADIUS, whose copies reach nobody, answers by %q", got)
	}
	report := d.Must(t, "report")
	for _, want := range []string{`rule "everybody" would refuse 1, ask 1 and let 0 in`, "refuse  bob", "ask     alice  totp"} {
		if !strings.Contains(report, want) {
			t.Errorf("the report lacks %q:\n%s", want, report)
		}
	}
	attempts := d.Must(t, "attempts", "alice")
	if !strings.Contains(attempts, "not answered (shadow)") || !strings.Contains(attempts, "would be asked by totp") || strings.Contains(attempts, peer.FreeRADIUSPassword) {
		t.Errorf("the attempts of alice are:\n%s", attempts)
	}

	// The same server, asked itself, has used nothing up.
	c.Client = ""
	d.Configure(t, c)
	again := d.Start(t)
	real := peer.Radclient{Server: again.Addr, Secret: server.Secret}
	asked := real.Send(t, "User-Name = alice", "User-Password = secret")
	if asked.Code != "Access-Challenge" {
		t.Fatalf("asked itself, it answers by %q", asked.Code)
	}
	if got := real.Send(t, "User-Name = alice", "User-Password = "+seed.Code(t), "State = "+asked.Get("State")[0]); got.Code != "Access-Accept" {
		t.Errorf("the code gets %q", got.Code)
	}
}
