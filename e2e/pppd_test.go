package e2e_test

import (
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/portvakt/portvakt/e2e/peer"
	"github.com/portvakt/portvakt/e2e/server"
)

const dialledIn = "dialled-in" // the Class of sessions

// newPPPD makes a gateway that pppd is, with carol and dave, who sign in by
// MS-CHAPv2. She has a telephone, and he an app. rules come before the usual one.
func newPPPD(t *testing.T, rules string) (*peer.PPPD, *gatewayCase) {
	t.Helper()
	vpn := peer.StartPPPD(t, server.Secret, time.Second, 25)
	g := newGatewayAt(t, peer.PPPDServer, peer.SlapdOptions{
		Config: hashSchema, Data: hashed("carol", peer.UserPassword, "[U]") + hashed("dave", peer.UserPassword, "[U]"),
	}, server.Config{
		LDAP:    "nt_hash = \"sambaNTPassword\"\n",
		Server:  fmt.Sprintf("reject_delay = \"0s\"\naccounting = [%q]\n", net.JoinHostPort(peer.PPPDServer, "1813")),
		Network: peer.PPPDNetwork,
		Client:  "methods = [\"pap\", \"mschapv2\"]\nchallenge = false\nappend = \"comma\"\npatience = \"20s\"",
		More: rules + fmt.Sprintf("\n[[reply]]\nclients = [\"vpn\"]\nattributes = { Framed-IP-Address = %q, Class = %q }\n",
			peer.PPPDPerson, dialledIn),
	})
	g.Must(t, "phone", "add", "carol", bobsTelephone)
	g.Enroll(t, "dave", server.NewSeed())
	return vpn, g
}

// pppd with radius.so takes the keys of MPPE from an Accept by MS-CHAPv2: when
// both sides have the same ones, a connection through it carries data.
func TestPPPDByMSCHAPv2(t *testing.T) {
	t.Parallel()
	if !peer.OwnNetwork(t) {
		return
	}
	vpn, g := newPPPD(t, "")
	login := func(user, password string) *peer.PPPDSession { return vpn.Dial(t, peer.PPPDByMSCHAPv2, user, password) }

	x := login("carol", "wrong")
	if x.Up(t) {
		t.Error("a wrong password was let in")
	}
	// The plug-in has no ear for MS-CHAP-Error; the reference gets through.
	if !strings.Contains(x.Person(), "MS-CHAP authentication failed: Sign-in failed. [") {
		t.Error("the person is not told the reference")
	}
	g.AwaitLog(t, `"msg":"login"`, `"user":"carol"`, `"reason":"bad_password"`)
	if login("dave", peer.UserPassword).Up(t) {
		t.Error("an app was not asked for, and its owner was let in")
	}
	if n, _ := g.phone.calls(); n > 0 {
		t.Errorf("rang %d times for nobody", n)
	}

	g.phone.listen(2 * time.Second)
	for i := range taught {
		x = login("carol", peer.UserPassword)
		if !x.Up(t) || !x.Reaches(t) {
			t.Fatal("the call was not let in")
		}
		const encrypted = "MPPE 128-bit stateless compression enabled"
		if !strings.Contains(x.Gateway(), encrypted) || !strings.Contains(x.Person(), encrypted) {
			t.Error("the connection is not encrypted")
		}
		if !strings.Contains(x.Person(), "local  IP address "+peer.PPPDPerson) {
			t.Errorf("the person's address is not %s", peer.PPPDPerson)
		}
		g.connected(t)
		x.HangUp(t)
		g.disconnected(t, i+1)
		g.rung(t, i+1)
	}
	g.AwaitLog(t, `"msg":"login"`, `"user":"carol"`, `"outcome":"accept"`, `"station":"`+peer.PPPDStation+`"`)
	seen := g.seen(t)
	seen.sendsAgain(t, time.Second, "same")
	seen.signs(t, "no")
}

// A connection that is made again by MS-CHAPv2 rings nobody while the device is
// remembered, and has keys of its own.
func TestPPPDConnectsAgainWithoutACall(t *testing.T) {
	t.Parallel()
	if !peer.OwnNetwork(t) {
		return
	}
	vpn, g := newPPPD(t, "\n[[rule]]\nname = \"remembered\"\nusers = [\"carol\"]\nfactors = [\"call\"]\ncall = \"approve\"\nremember = \"12h\"\n")
	g.phone.listen(2 * time.Second)
	for i := range 3 {
		x := vpn.Dial(t, peer.PPPDByMSCHAPv2, "carol", peer.UserPassword)
		if !x.Up(t) || !x.Reaches(t) || !strings.Contains(x.Person(), "MPPE 128-bit stateless compression enabled") {
			t.Fatalf("time %d: no encrypted connection", i+1)
		}
		x.HangUp(t)
		g.disconnected(t, i+1)
		g.rung(t, 1)
		g.AwaitCount(t, i, `"msg":"login"`, `"user":"carol"`, `"outcome":"accept"`, `"reason":"remembered_device"`)
	}
}

// connected waits for the one session under way, and checks what was told of it.
func (g *gatewayCase) connected(t *testing.T) {
	t.Helper()
	var all []map[string]any
	g.Await(t, "session", func() bool { all = sessions(t, g.Site, "--active"); return len(all) == 1 })
	s := all[0]
	if s["user"] != "carol" || s["account"] == nil || s["station"] != peer.PPPDStation || s["address"] != peer.PPPDPerson ||
		fmt.Sprint(s["class"]) != fmt.Sprintf("[%x]", dialledIn) {
		t.Errorf("accounted for as %v", s)
	}
}

// disconnected waits until n sessions have ended, and checks how.
func (g *gatewayCase) disconnected(t *testing.T, n int) {
	t.Helper()
	var all []map[string]any
	g.Await(t, "end of the session", func() bool {
		all = sessions(t, g.Site)
		return len(all) == n && !slices.ContainsFunc(all, func(s map[string]any) bool { return s["state"] != "ended" })
	})
	for _, s := range all {
		if in, _ := s["in_octets"].(float64); s["cause"] != "user_request" || in == 0 {
			t.Errorf("accounted for as %v", s)
		}
	}
}

// By PAP the code stands behind the password.
func TestPPPDByPAP(t *testing.T) {
	t.Parallel()
	if !peer.OwnNetwork(t) {
		return
	}
	vpn, g := newPPPD(t, "")
	login := func(code string) *peer.PPPDSession {
		return vpn.Dial(t, peer.PPPDByPAP, "alice", peer.UserPassword+","+code)
	}
	if login(g.seed.Wrong(t)).Up(t) {
		t.Error("a wrong code was let in")
	}
	if x := login(g.seed.Code(t)); !x.Up(t) || !x.Reaches(t) {
		t.Error("the right code was not let in")
	}
}
