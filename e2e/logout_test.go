package e2e_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/portvakt/portvakt/e2e/peer"
	"github.com/portvakt/portvakt/e2e/server"
)

// A person who disconnects is asked at her next sign-in, one whose connection
// dropped is not; also over a restart between the start of her session and its
// end.
func TestALogoutEndsWhatIsRemembered(t *testing.T) {
	t.Parallel()
	d, seed, addr := accounted(t, server.Config{More: `
[[rule]]
name             = "remembered"
remember         = "12h"
forget_on_logout = true
`})
	const station = `Calling-Station-Id = "198.51.100.7"`
	signIn := func() string {
		return d.Radclient().Send(t, alice, fmt.Sprintf("User-Password = %q", peer.UserPassword), station).Code
	}
	first := d.Radclient().Send(t, alice, fmt.Sprintf("User-Password = %q", peer.UserPassword), station)
	if first.Code != "Access-Challenge" {
		t.Fatalf("got %q, want a question\n%s", first.Code, first.Output)
	}
	answer := d.Radclient().Send(t, alice, fmt.Sprintf("User-Password = %q", seed.Code(t)), station, "State = "+first.Get("State")[0])
	if answer.Code != "Access-Accept" {
		t.Fatalf("got %q, want to be let in\n%s", answer.Code, answer.Output)
	}
	account(t, addr, server.Secret, "Start", "s1", alice, station)
	account(t, addr, server.Secret, "Start", "s2", alice, station)
	account(t, addr, server.Secret, "Stop", "s1", alice, station, "Acct-Terminate-Cause = Lost-Carrier")
	if got := signIn(); got != "Access-Accept" {
		t.Errorf("after a lost connection: got %q", got)
	}
	d.Stop(t)
	d = d.Start(t) // and nobody signs in before the session ends
	account(t, addr, server.Secret, "Stop", "s2", alice, station, "Acct-Terminate-Cause = User-Request")
	if got := signIn(); got != "Access-Challenge" {
		t.Errorf("after a logout: got %q", got)
	}
	if out := d.Must(t, "user", "devices", "alice"); !strings.Contains(out, "no remembered devices") {
		t.Errorf("still remembered:\n%s", out)
	}
}
