package e2e_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/portvakt/portvakt/e2e/peer"
	"github.com/portvakt/portvakt/e2e/server"
	"github.com/portvakt/portvakt/radiusd/client"
	"github.com/portvakt/portvakt/store"
)

// While people sign in the configuration is read again, the store is copied and
// sealed under new keys, and others are enrolled: no sign-in is lost.
func TestAdministrationUnderLoad(t *testing.T) {
	t.Parallel()
	const people, rounds, others = 40, 2, 2
	slapd := peer.StartSlapd(t, peer.SlapdOptions{Bulk: people + others})
	site := server.New(t, server.Config{LDAP: server.LDAP(slapd)})
	seeds := site.EnrollMany(t, people, bulk)
	d := site.Start(t)

	var next atomic.Int32
	signedIn := make(chan struct{})
	go func() {
		defer close(signedIn)
		together(4, func(int) {
			for i := int(next.Add(1)) - 1; i < people; i = int(next.Add(1)) - 1 {
				c := d.Client()
				c.Timeout, c.Tries = 3*time.Second, 3
				result, questions, err := server.Walk(t, c, bulk(i), peer.UserPassword, seeds[i].Code(t))
				if err != nil || !result.Accepted {
					t.Errorf("%s was not let in: %v %q", bulk(i), err, questions)
				}
			}
		})
	}()
	for i := range rounds {
		if _, err := store.AddKey(site.Key, true); err != nil {
			t.Fatal(err)
		}
		if !d.Reload(t) {
			t.Error("the configuration was refused")
		}
		d.Must(t, "rewrap")
		d.Must(t, "backup", filepath.Join(site.Dir, fmt.Sprintf("copy%d.db", i)))
		d.Enroll(t, bulk(people+i), server.NewSeed())
		d.Must(t, "user", "list", "--json")
	}
	<-signedIn
	d.Stop(t)
	if got := d.Count(`"msg":"login"`, `"outcome":"accept"`); got != people {
		t.Errorf("the log has %d accepts, want %d", got, people)
	}
	d = site.Start(t)
	if got := exchange(t, d.Client(), bulk(0), seeds[0].Wrong(t), ask(t, d, bulk(0))); got.Code != client.AccessChallenge {
		t.Errorf("after all that: got %v", got.Code)
	}
}

// More sign-ins than the server takes at once, to a directory that hangs, do
// not keep those out who have only the code to type.
func TestNewSignInsAreShedBeforeAnswers(t *testing.T) {
	t.Parallel()
	const hand, many = 16, 100
	slapd, d, seed := enrolled(t, peer.SlapdOptions{Bulk: many}, server.Config{
		Server: fmt.Sprintf("reject_delay = \"0s\"\nmax_requests = %d", hand),
	})
	state := ask(t, d, "alice")
	slapd.Pause()
	together(many, func(i int) {
		c := d.Client()
		c.Timeout = time.Second
		if reply, err := c.Do(t.Context(), client.Request{User: bulk(i), Password: peer.UserPassword}); !errors.Is(err, client.ErrNoReply) {
			t.Errorf("%s: got %v, %v, want silence", bulk(i), reply.Code, err)
		}
		if i == many/2 {
			want(t, "an answer among them", exchange(t, d.Client(), "alice", seed.Code(t), state), client.AccessAccept)
		}
	})
	slapd.Continue()
	d.AwaitLog(t, "requests dropped")
	d.Await(t, "a sign-in afterwards", func() bool {
		c := d.Client()
		c.Timeout = time.Second
		reply, err := c.Do(t.Context(), client.Request{User: "alice", Password: peer.UserPassword})
		return err == nil && reply.Code == client.AccessChallenge
	})
}
