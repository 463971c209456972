package e2e_test

import (
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
