package e2e_test

import (
	"cmp"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/portvakt/portvakt/e2e/peer"
	"github.com/portvakt/portvakt/e2e/server"
	"github.com/portvakt/portvakt/factors/voice/sip/siptest"
	"github.com/portvakt/portvakt/radiusd/client"
)

// A handset is alice's telephone at an exchange of its own.
type handset struct {
	*siptest.Telephone
	// keys are what she presses when she has listened for a second; she does
	// not pick up without any.
	keys  atomic.Value
	rung  atomic.Int32
	rings chan struct{}
	heard chan struct{}
	ended chan struct{}
}

// newHandset starts one that ends with the test.
func newHandset(t *testing.T, keys string) *handset {
	t.Helper()
	phone, err := siptest.Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	h := &handset{Telephone: phone, rings: make(chan struct{}, 16), heard: make(chan struct{}, 16), ended: make(chan struct{}, 16)}
	h.keys.Store(keys)
	over := make(chan struct{})
	go func() {
		defer close(over)
		for e := range phone.Events() {
			keys, _ := h.keys.Load().(string)
			switch e.Kind {
			case siptest.Ringing:
				h.rung.Add(1)
				h.rings <- struct{}{}
				if keys != "" {
					_ = phone.Answer()
				}
			case siptest.Heard:
				if e.Sound < 2*time.Second && keys != manual {
					_ = phone.Press(t.Context(), keys)
				}
				select {
				case h.heard <- struct{}{}:
				default:
				}
			case siptest.Over:
				h.ended <- struct{}{}
			case siptest.Answered:
			}
		}
	}()
	t.Cleanup(func() {
		if err := phone.Close(); err != nil {
			t.Error(err)
		}
		<-over
	})
	return h
}

// manual is a handset that is picked up, and whose keys the test presses.
const manual = "by hand"

// await waits for something to happen to the telephone.
func (h *handset) await(t *testing.T, what string, event <-chan struct{}) {
	t.Helper()
	select {
	case <-event:
	case <-time.After(20 * time.Second):
		t.Fatalf("it never %s", what)
	}
}

// A callSite says what is special about a site whose people are called.
type callSite struct {
	call      string // lines of the rule
	client    string // lines of the client
	exchanges []string
	local     string // where calls come from, 127.0.0.1 if empty
	cluster   *peer.Etcd
	more      string
}

// new makes the site and enrolls alice's app and telephone.
func (c callSite) new(t *testing.T) (*server.Site, server.Seed) {
	t.Helper()
	slapd := peer.StartSlapd(t, peer.SlapdOptions{})
	more := fmt.Sprintf(`
[[rule]]
name = "call first"
factors = ["call", "totp"]
%s

[call]
countries = ["NO"]
organisation = "Example University"
match = false
%s
`, c.call, c.more)
	var providers strings.Builder
	for i, exchange := range c.exchanges {
		fmt.Fprintf(&providers, `
[[call.provider]]
name = "exchange-%d"
kind = "sip"
server = "sip:%s"
local = %q
timeout = "1s"
`, i+1, exchange, cmp.Or(c.local, "127.0.0.1"))
	}
	site := server.New(t, server.Config{
		LDAP: server.LDAP(slapd), Client: cmp.Or(c.client, `patience = "25s"`), More: more + providers.String(),
		Cluster: c.cluster,
	})
	seed := server.NewSeed()
	site.Enroll(t, "alice", seed)
	site.Must(t, "phone", "add", "alice", telephone)
	return site, seed
}

// from is a client of the daemon at which alice's device says where it is.
func from(d *server.Daemon, station string) *client.Client {
	c := d.Client()
	c.Station, c.Timeout = station, 30*time.Second
	return c
}
