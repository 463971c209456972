package e2e_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/portvakt/portvakt/e2e/peer"
	"github.com/portvakt/portvakt/e2e/server"
)

// strongSwan sends a password as PAP for IKEv1 with XAuth, and then does no
// challenges: the code stands behind the password, or the telephone rings while
// the gateway waits. All else of it is EAP, which Portvakt refuses.
func TestStrongSwanByXAuth(t *testing.T) {
	t.Parallel()
	if !peer.OwnNetwork(t) {
		return
	}
	g := newGateway(t, "challenge = false\nappend = \"comma\"\npatience = \"20s\"")
	computer := peer.NewComputer(t)
	vpn := peer.StartStrongSwan(t, g.Addr, server.Secret, time.Second, 25)
	if up, said := vpn.Connect(t, computer, "alice", peer.UserPassword+","+g.seed.Wrong(t)); up {
		t.Errorf("a wrong code was let in: %s", said)
	}
	if up, said := vpn.Connect(t, computer, "alice", peer.UserPassword+","+g.seed.Code(t)); !up {
		t.Fatalf("the right code was refused: %s", said)
	}
	g.phone.listen(2 * time.Second)
	for i := range taught {
		if up, said := vpn.Connect(t, computer, "bob", peer.UserPassword); !up {
			t.Fatalf("the call was not let in: %s", said)
		}
		g.rung(t, i+1)
	}
	g.AwaitLog(t, `"msg":"login"`, `"user":"bob"`, `"outcome":"accept"`, `"station":"`+peer.ComputerAddress+`"`)
	seen := g.seen(t)
	seen.sendsAgain(t, time.Second, "same")
	seen.signs(t, "yes")
}

// What strongSwan accounts for can be ended and changed from here, by hand and by
// 0# at a call.
func TestStrongSwanEndsSessions(t *testing.T) {
	t.Parallel()
	if !peer.OwnNetwork(t) {
		return
	}
	g := newGatewayAt(t, "127.0.0.1", peer.SlapdOptions{}, server.Config{
		Server: "reject_delay = \"0s\"\naccounting = [\"127.0.0.1:1813\"]\n",
		Client: "challenge = false\nappend = \"comma\"\npatience = \"20s\"",
	})
	computer := peer.NewComputer(t)
	vpn := peer.StartStrongSwanTold(t, g.Addr, server.Secret, time.Second, 25)
	active := func() string { return g.Must(t, "sessions", "--active") }
	gone := func(how, user string) {
		t.Helper()
		g.Await(t, "the end of the tunnel "+how, func() bool { return !strings.Contains(vpn.Connected(t), user) })
		g.Await(t, "the end of the session "+how, func() bool { return !strings.Contains(active(), user) })
	}

	up, said, end := vpn.Stay(t, computer, "alice", peer.UserPassword+","+g.seed.Code(t))
	if !up || !strings.Contains(vpn.Connected(t), "alice") {
		t.Fatalf("the right code was refused: %s", said)
	}
	g.Await(t, "the session", func() bool { return strings.Contains(active(), "alice") })
	session := strings.Fields(active())[3]
	if out := g.Must(t, "coa", session, "--set", "Session-Timeout=600"); !strings.Contains(out, ": changed") {
		t.Errorf("coa: %s", out)
	}
	if r := g.Run(t, "", "coa", session, "--set", "Filter-Id=quarantine"); r.Code != 1 || !strings.Contains(r.Stderr, "refused") {
		t.Errorf("coa of what it cannot change: exit code %d, %s", r.Code, r.Stderr)
	}
	if out := g.Must(t, "disconnect", "alice"); !strings.Contains(out, ": ended") {
		t.Errorf("disconnect: %s", out)
	}
	gone("by hand", "alice")
	end() // or two would have one port
	if r := g.Run(t, "", "disconnect", "alice"); r.Code != 1 || !strings.Contains(r.Stderr, "alice has no session") {
		t.Errorf("a second time: exit code %d, %s", r.Code, r.Stderr)
	}

	up, said, end = vpn.Stay(t, computer, "bob", peer.UserPassword)
	if !up {
		t.Fatalf("the call was not let in: %s", said)
	}
	g.rung(t, 1)
	g.Await(t, "the session", func() bool { return strings.Contains(active(), "bob") })
	g.phone.press("0#")
	nas := g.Radclient()
	nas.Timeout = 60 * time.Second
	if got := nas.Send(t, `User-Name = "bob"`, fmt.Sprintf("User-Password = %q", peer.UserPassword),
		`Calling-Station-Id = "203.0.113.66"`, `NAS-Identifier = "strongswan"`, "Message-Authenticator = 0x00"); got.Code != "Access-Reject" {
		t.Errorf("0#: %s", got.Output)
	}
	g.AwaitLog(t, `"msg":"session ended"`, `"reason":"fraud_reported"`, `"user":"bob"`)
	gone("by 0#", "bob")
	end()

	// It says that they have ended it themselves, and goes by the name alone.
	if out := g.Must(t, "sessions", "--json"); strings.Count(out, `"cause":"user_request"`) != 2 {
		t.Errorf("sessions: %s", out)
	}
	up, said, endAlice := vpn.Stay(t, computer, "alice", peer.UserPassword+","+g.seed.Next(t))
	defer endAlice()
	if !up {
		t.Fatalf("alice again: %s", said)
	}
	dae := peer.Radclient{Server: "127.0.0.1:3799", Secret: server.Secret, Command: "disconnect"}
	for user, want := range map[string]string{"alice": "Disconnect-ACK", "nobody": "Disconnect-NAK"} {
		if got := dae.Send(t, fmt.Sprintf("User-Name = %q", user), `Acct-Session-Id = "of-another-session"`); got.Code != want {
			t.Errorf("%s: got %s", user, got.Output)
		}
	}
	gone("by name", "alice")
}
