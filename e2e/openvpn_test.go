package e2e_test

import (
	"strings"
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

// Where the device is remembered, the old code behind the password is not looked
// at, and nobody is called: the session goes on, and one answer does for a day.
// A client uses its old key for half its own reneg-sec more, and an OpenVPN that
// waits for the plug-in looks each ten seconds whether it has answered: shorter
// times leave gaps that no hour has.
func TestOpenVPNMakesNewKeysOnARememberedDevice(t *testing.T) {
	t.Parallel()
	for _, user := range []string{"alice", "bob"} {
		t.Run(user, func(t *testing.T) {
			t.Parallel()
			if !peer.OwnNetwork(t) {
				return
			}
			g := newGateway(t, "challenge = false\nappend = \"comma\"\npatience = \"20s\"")
			c := g.Config()
			c.More = strings.Replace(c.More, "call = \"approve\"\n", "call = \"approve\"\nremember = \"2h\"\nremember_max = \"24h\"\n", 1)
			g.Configure(t, c)
			if !g.Reload(t) {
				t.Fatal("the rule is not taken")
			}
			computer := peer.NewComputer(t)
			vpn := peer.StartOpenVPN(t, peer.OpenVPNOptions{
				Radius: g.Addr, Secret: server.Secret, Wait: 2 * time.Second, Retries: 10, More: "reneg-sec 20 20",
			})
			password := peer.UserPassword
			if user == "alice" {
				password += "," + g.seed.Code(t)
			}
			x := vpn.Connect(t, computer, user, password, "reneg-sec 40")
			if !vpn.Up(t, x) {
				t.Fatal("the first sign-in was refused")
			}
			for n := range 2 { // each waits for itself
				g.AwaitCount(t, n+1, `"msg":"login"`, `"outcome":"accept"`, `"reason":"remembered_device"`)
			}
			if !computer.Reaches(t, vpn.Inside) {
				t.Error("the session is over")
			}
			if ok, no := g.Count(`"msg":"login"`, `"reason":"ok"`), g.Count(`"msg":"login"`, `"outcome":"reject"`); ok != 1 || no != 0 {
				t.Errorf("a second factor was proven %d times, want once; %d refusals", ok, no)
			}
			if n, _ := g.phone.calls(); n > 1 {
				t.Errorf("the telephone rang %d times", n)
			}
			if out := g.Must(t, "user", "devices", user); !strings.Contains(out, peer.ComputerAddress) {
				t.Errorf("the device is not listed:\n%s", out)
			}
			x.Close()
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
