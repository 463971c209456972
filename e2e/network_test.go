package e2e_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/portvakt/portvakt/e2e/peer"
	"github.com/portvakt/portvakt/e2e/relay"
	"github.com/portvakt/portvakt/e2e/server"
	"github.com/portvakt/portvakt/radiusd/client"
)

// Whatever a network does to the datagrams, a sign-in has one outcome, one
// text message, and one decision for each request.
func TestABadNetworkChangesNothing(t *testing.T) {
	for _, test := range []struct {
		name string
		plan relay.Plan
	}{
		{"every first reply is lost", relay.Plan{DropFirstReply: true}},
		{"every first request is lost", relay.Plan{DropFirstRequest: true}},
		{"one of five is lost", relay.Plan{Seed: 1, Drop: 0.2}},
		{"everything comes twice", relay.Plan{Duplicate: 1}},
		{"lost, doubled, overtaken and late", relay.Plan{Seed: 2, Drop: 0.2, Duplicate: 0.3, Reorder: 0.3, Delay: 40 * time.Millisecond}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			const people = 8
			gateway := server.NewGateway(t)
			slapd := peer.StartSlapd(t, peer.SlapdOptions{Bulk: people})
			site := server.New(t, server.Config{LDAP: server.LDAP(slapd), More: server.SMS(gateway)})
			csv := []byte("user,secret,phone\n")
			for i := range people {
				csv = fmt.Appendf(csv, "%s,,+47 900 00 %03d\n", bulk(i), i)
			}
			site.Import(t, string(csv))
			d := site.Start(t)
			r := relay.New(t, d.Addr, test.plan)
			sent := make(map[string]chan string)
			for i := range people {
				sent[fmt.Sprintf("+4790000%03d", i)] = make(chan string, 16)
			}
			go func() {
				for range people {
					m := gateway.Next(t)
					sent[m.To] <- server.CodeIn(t, m.Text)
				}
			}()
			together(people, func(i int) {
				c := d.Client()
				c.Server, c.Timeout, c.Tries = r.Addr(), 300*time.Millisecond, 20
				first, err := c.Do(t.Context(), client.Request{User: bulk(i), Password: peer.UserPassword})
				if err != nil || first.Code != client.AccessChallenge {
					t.Errorf("%s: got %v, %v, want a challenge", bulk(i), first.Code, err)
					return
				}
				code := <-sent[fmt.Sprintf("+4790000%03d", i)]
				second, err := c.Do(t.Context(), client.Request{User: bulk(i), Password: code, State: first.State()})
				if err != nil || second.Code != client.AccessAccept {
					t.Errorf("%s: got %v %q, %v, want an accept", bulk(i), second.Code, second.Message(), err)
				}
			})
			if got := gateway.Requests(); got != people {
				t.Errorf("%d messages for %d people", got, people)
			}
			d.Stop(t)
			if got := d.Count(`"msg":"login"`, `"outcome":"accept"`); got != people {
				t.Errorf("%d people were accepted, the log says %d", people, got)
			}
			if got := r.Counts(); got.Differing != 0 {
				t.Errorf("a request was decided twice: %+v", got)
			}
		})
	}
}
