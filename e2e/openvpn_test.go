package e2e_test

import (
	"testing"
	"time"

	"github.com/portvakt/portvakt/e2e/peer"
	"github.com/portvakt/portvakt/e2e/server"
)

// OpenVPN's server with openvpn-auth-radius takes a challenge for a no, so the
// code stands behind the password, or the telephone rings while OpenVPN waits.
func TestOpenVPNWithItsRadiusPlugin(t *testing.T) {
	t.Parallel()
	if !peer.OwnNetwork(t) {
		return
	}
	g := newGateway(t, "challenge = false\nappend = \"comma\"\npatience = \"20s\"")
	computer := peer.NewComputer(t)
	vpn := peer.StartOpenVPN(t, peer.OpenVPNOptions{Radius: g.Addr, Secret: server.Secret, Wait: time.Second, Retries: 20})

	login := func(user, password string) *peer.Terminal { return vpn.Connect(t, computer, user, password) }
	if x := login("alice", peer.UserPassword+","+g.seed.Wrong(t)); vpn.Up(t, x) {
		t.Error("a wrong code was let in")
	}
	x := login("alice", peer.UserPassword+","+g.seed.Code(t))
	if !vpn.Up(t, x) || !computer.Reaches(t, vpn.Inside) {
		t.Fatal("the code behind the password was not let in")
	}
	// Whoever is connected goes on while somebody else's telephone rings. Without
	// useauthcontrolfile the whole server stands still.
	g.phone.listen(3 * time.Second)
	y := login("bob", peer.UserPassword)
	g.ringing(t, 0)
	if reaches := computer.Reaches(t, vpn.Inside); !reaches || !g.held() {
		t.Errorf("during the call: reaches the gateway %v, call goes on %v", reaches, g.held())
	}
	if !vpn.Up(t, y) {
		t.Error("the first call was not let in")
	}
	y.Close()
	x.Close()
	g.rung(t, 1)

	g.phone.listen(2 * time.Second)
	for i := 1; i < taught; i++ {
		x = login("bob", peer.UserPassword)
		if !vpn.Up(t, x) || !computer.Reaches(t, vpn.Inside) {
			t.Fatal("the call was not let in")
		}
		x.Close()
		g.rung(t, i+1)
	}
	// Each copy comes from another port; its answer is one all the same.
	seen := g.seen(t)
	seen.sendsAgain(t, time.Second, "new port")
	seen.signs(t, "no")
	g.AwaitLog(t, `"msg":"login"`, `"user":"bob"`, `"outcome":"accept"`, `"station":"`+peer.ComputerAddress+`"`)
}

// OpenVPN asks for the password again each time it makes new keys, and has only
// the old code to give. A token of its own keeps the session.
func TestOpenVPNMakesNewKeys(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, token string
		stays       bool
	}{
		{"with a token", "auth-gen-token 3600 600", true},
		{"without one", "", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if !peer.OwnNetwork(t) {
				return
			}
			g := newGateway(t, "challenge = false\nappend = \"comma\"")
			computer := peer.NewComputer(t)
			vpn := peer.StartOpenVPN(t, peer.OpenVPNOptions{
				Radius: g.Addr, Secret: server.Secret, Wait: 2 * time.Second, Retries: 1,
				More: "reneg-sec 3 3\n" + c.token,
			})
			x := vpn.Connect(t, computer, "alice", peer.UserPassword+","+g.seed.Code(t), "reneg-sec 0")
			if !vpn.Up(t, x) {
				t.Fatal("the right code was refused")
			}
			if !c.stays {
				g.AwaitLog(t, `"msg":"login"`, `"outcome":"reject"`, `"user":"alice"`)
				x.Await(t, "AUTH_FAILED")
				return
			}
			const newKeys = "Control Channel: TLS"
			x.Await(t, newKeys)
			x.Await(t, newKeys)
			if !computer.Reaches(t, vpn.Inside) {
				t.Error("the session is over")
			}
			if n := g.Count(`"msg":"login"`); n != 1 {
				t.Errorf("%d sign-ins, want 1", n)
			}
		})
	}
}

// OpenVPN's auth-pam with pam_radius puts the password and what was typed as the
// answer into one dialogue of two rounds.
func TestOpenVPNThroughPAM(t *testing.T) {
	t.Parallel()
	if !peer.OwnNetwork(t) {
		return
	}
	g := newGateway(t, "patience = \"20s\"")
	computer := peer.NewComputer(t)
	pam := peer.PAM(t, g.Addr, server.Secret)
	vpn := peer.StartOpenVPN(t, peer.OpenVPNOptions{PAM: pam})
	login := func(user, answer string) *peer.Terminal {
		x := vpn.Connect(t, computer, user, peer.UserPassword, `static-challenge "One-time code" 0`)
		x.Answer(t, "One-time code", answer)
		return x
	}
	if x := login("alice", g.seed.Wrong(t)); vpn.Up(t, x) {
		t.Error("a wrong code was let in")
	}
	x := login("alice", g.seed.Code(t))
	if !vpn.Up(t, x) || !computer.Reaches(t, vpn.Inside) {
		t.Fatal("the right code was refused")
	}
	x.Close()
	// Whoever is called types nothing, and others need not wait for her. Without
	// deferred_auth_pam the whole server stands still.
	g.phone.listen(8 * time.Second)
	x = login("bob", "")
	g.ringing(t, 0)
	if y := login("alice", g.seed.Next(t)); !vpn.Up(t, y) || !g.held() {
		t.Errorf("alice was not let in during the call of bob, which goes on: %v", g.held())
	}
	if !vpn.Up(t, x) {
		t.Error("the call was not let in")
	}
	g.seen(t).signs(t, "no")
}
