package e2e_test

import (
	"errors"
	"testing"
	"time"

	"github.com/portvakt/portvakt/e2e/peer"
	"github.com/portvakt/portvakt/e2e/server"
	"github.com/portvakt/portvakt/radiusd/client"
)

// outages are those of a directory, and how it comes back.
var outages = []struct {
	name      string
	end, back func(t *testing.T, d *peer.Slapd)
}{
	{
		"it hangs",
		func(_ *testing.T, d *peer.Slapd) { d.Pause() },
		func(_ *testing.T, d *peer.Slapd) { d.Continue() },
	},
	{
		"it is down",
		func(_ *testing.T, d *peer.Slapd) { d.Stop() },
		func(t *testing.T, d *peer.Slapd) { t.Helper(); d.Start(t) },
	},
}

const backWithin = 5 * time.Second

// While the directory says nothing, nobody is let in, nobody is refused and
// nothing is counted (S-46, R-1, R-2). What needs no directory goes on.
func TestADirectoryThatDoesNotAnswer(t *testing.T) {
	for _, outage := range outages {
		t.Run(outage.name, func(t *testing.T) {
			t.Parallel()
			slapd, d, seed := enrolled(t, peer.SlapdOptions{}, server.Config{})
			state := ask(t, d, "alice") // a question put before
			outage.end(t, slapd)

			together(6, func(i int) { // more tries than the guard would take
				c := d.Client()
				c.Timeout = 4 * time.Second // the directory's time-out is 2 s
				password := []string{peer.UserPassword, "wrong"}[i%2]
				if reply, err := c.Do(t.Context(), client.Request{User: "alice", Password: password}); !errors.Is(err, client.ErrNoReply) {
					t.Errorf("during the outage: got %v, %v, want silence", reply.Code, err)
				}
				if !d.Alive(t, time.Second) {
					t.Error("during the outage: no answer to Status-Server")
				}
			})
			answered := exchange(t, d.Client(), "alice", seed.Code(t), state)
			want(t, "the answer to a question put before", answered, client.AccessAccept)
			if answered.Took > time.Second {
				t.Errorf("the answer to a question put before took %v", answered.Took)
			}

			outage.back(t, slapd)
			back := time.Now()
			d.Await(t, "a sign-in after the outage", func() bool {
				c := d.Client()
				c.Timeout = time.Second
				reply, err := c.Do(t.Context(), client.Request{User: "alice", Password: peer.UserPassword})
				if err == nil && reply.Code == client.AccessReject {
					t.Fatal("the outage was counted against alice")
				}
				return err == nil && reply.Code == client.AccessChallenge
			})
			if took := time.Since(back); took > backWithin {
				t.Errorf("%v from the directory's return to the first question, want at most %v", took, backWithin)
			}
			d.Stop(t)
			if n := d.Count(`"msg":"login"`, `"outcome":"reject"`); n > 0 {
				t.Errorf("%d logins are logged as refused", n)
			}
			if d.Count(`"msg":"login"`, `"outcome":"error"`) == 0 {
				t.Error("the log does not say that logins could not be decided")
			}
		})
	}
}

// A client may want a refusal rather than silence; the log still says that
// nothing was decided, and nothing is counted.
func TestRefusalsInsteadOfSilence(t *testing.T) {
	t.Parallel()
	slapd, d, _ := enrolled(t, peer.SlapdOptions{}, server.Config{Client: `on_error = "reject"`})
	slapd.Stop()
	for range 6 {
		want(t, "during the outage", exchange(t, d.Client(), "alice", peer.UserPassword, nil), client.AccessReject)
	}
	slapd.Start(t)
	d.Await(t, "a sign-in after the outage", func() bool {
		return exchange(t, d.Client(), "alice", peer.UserPassword, nil).Code == client.AccessChallenge
	})
	d.Stop(t)
	if n := d.Count(`"msg":"login"`, `"outcome":"reject"`); n > 0 {
		t.Errorf("%d logins are logged as decided", n)
	}
}
