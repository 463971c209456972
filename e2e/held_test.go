package e2e_test

import (
	"testing"
	"time"

	"github.com/portvakt/portvakt/e2e/peer"
	"github.com/portvakt/portvakt/e2e/server"
)

// pam_radius_auth waits for a call as long as the line of its server says, and
// sends nothing again before.
func TestPAMWaitsForACall(t *testing.T) {
	t.Parallel()
	if !peer.OwnNetwork(t) {
		return
	}
	g := newGateway(t, "patience = \"50s\"")
	pam := peer.PAMWaiting(t, g.Addr, server.Secret, 60*time.Second)
	g.phone.listen(12 * time.Second) // longer than the usual line has
	got := pam.Login(t, "bob", peer.PAMTurn{Prompt: askPassword, Answer: peer.UserPassword})
	if !got.Accepted {
		t.Errorf("the call was not let in; the screen:\n%s", got.Screen)
	}
	g.rung(t, 1)
	if n := g.Count(`"msg":"login"`); n != 1 {
		t.Errorf("%d sign-ins, want 1", n)
	}
	if dropped := g.seen(t).Dropped; len(dropped) > 0 {
		t.Errorf("it was sent again: %v", dropped)
	}
}
