package e2e_test

import (
	"testing"
	"time"

	"github.com/portvakt/portvakt/e2e/peer"
	"github.com/portvakt/portvakt/e2e/server"
)

// ocserv shows the question of a challenge and takes an answer, and its radcli
// waits for a call.
func TestOcservAsksForTheCode(t *testing.T) {
	t.Parallel()
	if !peer.OwnNetwork(t) {
		return
	}
	g := newGateway(t, "patience = \"25s\"")
	computer := peer.NewComputer(t)
	vpn := peer.StartOcserv(t, g.Addr, server.Secret, time.Second, 25)

	x := vpn.Connect(t, computer, "alice", peer.UserPassword)
	x.Await(t, askApp)
	x.Answer(t, ":", g.seed.Wrong(t))
	x.Await(t, "Wrong code")
	x.Close()

	x = vpn.Connect(t, computer, "alice", peer.UserPassword)
	x.Await(t, askApp)
	x.Answer(t, ":", g.seed.Code(t))
	if !vpn.Up(t, x) || !computer.Reaches(t, vpn.Inside) {
		t.Fatal("the right code was refused")
	}
	x.Close()

	// Others need not wait for whoever is called. Without sec-mod-scale they do.
	g.phone.listen(5 * time.Second)
	x = vpn.Connect(t, computer, "bob", peer.UserPassword)
	g.ringing(t, 0)
	y := vpn.Connect(t, computer, "alice", peer.UserPassword)
	y.Await(t, askApp)
	if !g.held() {
		t.Error("alice was asked after the call of bob only")
	}
	if !vpn.Up(t, x) {
		t.Error("the first call was not let in")
	}
	y.Close()
	x.Close()
	g.rung(t, 1)

	g.phone.listen(2 * time.Second)
	for i := 1; i < taught; i++ {
		x = vpn.Connect(t, computer, "bob", peer.UserPassword)
		if !vpn.Up(t, x) || !computer.Reaches(t, vpn.Inside) {
			t.Fatal("the call was not let in")
		}
		x.Close()
		g.rung(t, i+1)
	}
	g.AwaitLog(t, `"msg":"login"`, `"user":"bob"`, `"outcome":"accept"`, `"station":"`+peer.ComputerAddress+`"`)
	seen := g.seen(t)
	seen.sendsAgain(t, time.Second, "same")
	seen.signs(t, "no")
}
