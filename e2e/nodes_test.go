package e2e_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/portvakt/portvakt/e2e/peer"
	"github.com/portvakt/portvakt/e2e/server"
)

// Somebody has just changed her password, and the directory's first server has
// not heard of it: her new one is refused there, and however often her device
// tries it, it counts once, so that she is let in when the server has.
func TestADirectoryWhoseServersDiffer(t *testing.T) {
	t.Parallel()
	ca := peer.NewCA(t)
	first := peer.StartSlapd(t, peer.SlapdOptions{CA: ca})
	second := peer.StartSlapd(t, peer.SlapdOptions{CA: ca, Of: first})
	site := server.New(t, server.Config{LDAP: strings.Replace(server.LDAP(first),
		fmt.Sprintf("servers = [%q]", first.LDAPSURL), fmt.Sprintf("servers = [%q, %q]", first.LDAPSURL, second.LDAPSURL), 1)})
	seed := server.NewSeed()
	site.Enroll(t, "alice", seed)
	d := site.Start(t)
	nas := d.Radclient()
	from := func(station, password string) string {
		return nas.Send(t, `User-Name = "alice"`, fmt.Sprintf("User-Password = %q", password),
			fmt.Sprintf("Calling-Station-Id = %q", station), "Message-Authenticator = 0x00").Code
	}
	const fresh = "changed a moment ago"
	change := "dn: " + peer.UserDN("alice") + "\nchangetype: modify\nreplace: userPassword\nuserPassword: " + fresh + "\n"
	second.Modify(t, change)

	const tries = 2 * peer.SlapdLocksAfter
	for range tries {
		if got := from("198.51.100.7", fresh); got != "Access-Reject" {
			t.Fatalf("by a server that has the old password: %s", got)
		}
	}
	d.AwaitLog(t, `"reason":"bad_password"`, "said by "+first.LDAPSURL)
	if n := strings.Count(first.Log(), `BIND dn="`+peer.UserDN("alice")); n != 1 {
		t.Errorf("the first server was asked %d times, want once", n)
	}
	if strings.Contains(second.Log(), `BIND dn="`+peer.UserDN("alice")) {
		t.Error("the second server was asked, though the first had answered")
	}
	if out := d.Must(t, "explain", "alice", "--client", "vpn"); !strings.Contains(out, "standing   free") {
		t.Errorf("she is locked: %s", out)
	}
	first.Modify(t, change)
	if got := from("198.51.100.8", fresh); got != "Access-Challenge" {
		t.Errorf("when the server has heard of it: %s", got)
	}
	if got := from("198.51.100.8", peer.UserPassword); got != "Access-Reject" {
		t.Errorf("the old password: %s", got)
	}
}
