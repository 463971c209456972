package e2e_test

import (
	"errors"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/portvakt/portvakt/e2e/peer"
	"github.com/portvakt/portvakt/e2e/server"
	"github.com/portvakt/portvakt/radiusd/client"
)

// A question outlives the process that put it, and a code is used up before the
// Accept that it earned is sent.
func TestKilledBetweenQuestionAndAnswer(t *testing.T) {
	t.Parallel()
	_, d, seed := enrolled(t, peer.SlapdOptions{}, server.Config{})
	state := ask(t, d, "alice")
	d.Kill(t)
	d = d.Start(t)
	code := seed.Code(t)
	want(t, "the answer after a kill", exchange(t, d.Client(), "alice", code, state), client.AccessAccept)
	d.Kill(t)
	d = d.Start(t)
	want(t, "the answered question after a kill", exchange(t, d.Client(), "alice", seed.Next(t), state), client.AccessReject)
	want(t, "the used code after a kill", exchange(t, d.Client(), "alice", code, ask(t, d, "alice")), client.AccessChallenge)
}

// Wrong codes are counted over a restart (S-03).
func TestFailuresAreCountedOverARestart(t *testing.T) {
	t.Parallel()
	_, d, seed := enrolled(t, peer.SlapdOptions{}, server.Config{})
	wrong := seed.Wrong(t)
	d.Refuse(t, "alice", peer.UserPassword, wrong, wrong, wrong)
	d.Kill(t)
	d = d.Start(t)
	d.Refuse(t, "alice", peer.UserPassword, wrong, wrong) // the fifth
	d.Refuse(t, "alice", peer.UserPassword)               // not even asked
	d.AwaitLog(t, `"outcome":"reject"`, `"reason":"locked"`)

	d.Must(t, "user", "unlock", "alice")
	d.Admit(t, "alice", peer.UserPassword, seed.Code(t))
}

// On SIGTERM sign-ins under way are answered before the end, and none begins
//
func TestSignInsUnderWayAreAnsweredOnTERM(t *testing.T) {
	t.Parallel()
	const people = 20
	slapd, d, _ := enrolled(t, peer.SlapdOptions{Bulk: people}, server.Config{More: `
[[rule]]
name = "nobody needs a second factor"
clients = ["vpn"]
second_factor = "none"
`})
	slapd.Pause()
	var answered sync.WaitGroup
	for i := range people {
		answered.Go(func() {
			reply, err := d.Client().Do(t.Context(), client.Request{User: bulk(i), Password: peer.UserPassword})
			if err != nil || reply.Code != client.AccessAccept {
				t.Errorf("%s: got %v, %v, want an accept", bulk(i), reply.Code, err)
			}
		})
	}
	time.Sleep(300 * time.Millisecond) // all are in hand; there is no sign of that outside
	d.Signal(syscall.SIGTERM)
	time.Sleep(200 * time.Millisecond)
	late := d.Client()
	late.Timeout = shortly
	if reply, err := late.Do(t.Context(), client.Request{User: "alice", Password: peer.UserPassword}); !errors.Is(err, client.ErrNoReply) {
		t.Errorf("a sign-in begun after TERM got %v, %v", reply.Code, err)
	}
	slapd.Continue()
	answered.Wait()
	if code := d.Wait(t); code != 0 {
		t.Errorf("exit code %d", code)
	}
	if got := d.Count(`"msg":"login"`, `"outcome":"accept"`); got != people {
		t.Errorf("the log has %d accepts, want %d", got, people)
	}
}

// A new configuration is in force at once, a broken one never.
func TestReload(t *testing.T) {
	t.Parallel()
	_, d, seed := enrolled(t, peer.SlapdOptions{}, server.Config{})
	good := d.Config()
	state := ask(t, d, "alice")

	broken := good
	broken.More = "\n[[rule]]\nsecond_faktor = \"none\"\n"
	d.Configure(t, broken)
	if d.Reload(t) {
		t.Fatal("a broken configuration is in force")
	}
	d.AwaitLog(t, `"level":"ERROR"`, "portvakt.toml:", "second_faktor", `"hint"`)
	want(t, "a question put before", exchange(t, d.Client(), "alice", seed.Code(t), state), client.AccessAccept)

	open := good
	open.More = "\n[[rule]]\nusers = [\"alice\"]\nsecond_factor = \"none\"\n"
	d.Configure(t, open)
	if !d.Reload(t) {
		t.Fatal("the new configuration was refused")
	}
	d.Admit(t, "alice", peer.UserPassword)

	// A question put under other rules is decided by those in force.
	d.Configure(t, good)
	d.Reload(t)
	state = ask(t, d, "alice")
	deny := good
	deny.More = "\n[[rule]]\nsecond_factor = \"deny\"\n"
	d.Configure(t, deny)
	d.Reload(t)
	want(t, "the answer under a rule that denies", exchange(t, d.Client(), "alice", seed.Next(t), state), client.AccessReject)
}
