package e2e_test

import (
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/portvakt/portvakt/e2e/peer"
	"github.com/portvakt/portvakt/e2e/server"
	"github.com/portvakt/portvakt/radiusd/client"
)

// shortly is how long a test waits for what must not come.
const shortly = 700 * time.Millisecond

// enrolled is a site with a directory, and a daemon that serves; alice has a
// token.
func enrolled(t *testing.T, slapd peer.SlapdOptions, c server.Config) (*peer.Slapd, *server.Daemon, server.Seed) {
	t.Helper()
	directory := peer.StartSlapd(t, slapd)
	c.LDAP = server.LDAP(directory) + c.LDAP
	site := server.New(t, c)
	seed := server.NewSeed()
	site.Enroll(t, "alice", seed)
	return directory, site.Start(t), seed
}

// exchange sends one request and returns the reply; a reply must come.
func exchange(t testing.TB, c *client.Client, user, password string, state []byte) client.Reply {
	t.Helper()
	reply, err := c.Do(t.Context(), client.Request{User: user, Password: password, State: state})
	if err != nil {
		t.Fatalf("request of %s: %v", user, err)
	}
	return reply
}

// ask gets somebody's question and returns its State.
func ask(t testing.TB, d *server.Daemon, user string) []byte {
	t.Helper()
	return askWith(t, d, user, peer.UserPassword)
}

func askWith(t testing.TB, d *server.Daemon, user, password string) []byte {
	t.Helper()
	reply := exchange(t, d.Client(), user, password, nil)
	if reply.Code != client.AccessChallenge {
		t.Fatalf("the password of %s got %v, want a challenge: %s", user, reply.Code, reply.Message())
	}
	return reply.State()
}

// want checks what a request gets.
func want(t testing.TB, what string, reply client.Reply, code client.Code) {
	t.Helper()
	if reply.Code != code {
		t.Errorf("%s: got %v %q, want %v", what, reply.Code, reply.Message(), code)
	}
}

// together does n things at the same time.
func together(n int, do func(i int)) {
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { do(i) })
	}
	wg.Wait()
}

// bulk is the name of the nth of SlapdOptions.Bulk.
func bulk(n int) string { return fmt.Sprintf("user%04d", n) }

// siteText is the configuration as it was written.
func siteText(t testing.TB, s *server.Site) string {
	t.Helper()
	b, err := os.ReadFile(s.File)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
