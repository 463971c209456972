package e2e_test

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/portvakt/portvakt/e2e/peer"
	"github.com/portvakt/portvakt/e2e/server"
	"github.com/portvakt/portvakt/radiusd/client"
)

// refusals are ways to be refused that nobody may tell apart from outside.
func refusals(t *testing.T, d *server.Daemon) map[string]func(i int) client.Reply {
	t.Helper()
	first := func(user, password string) client.Reply {
		c := d.Client()
		c.Source = netip.AddrFrom4([4]byte{127, 0, 1, byte(time.Now().Nanosecond())})
		return exchange(t, c, user, password, nil)
	}
	return map[string]func(i int) client.Reply{
		"unknown name":   func(i int) client.Reply { return first(fmt.Sprintf("nobody%d", i), peer.UserPassword) },
		"wrong password": func(i int) client.Reply { return first(bulk(i), "wrong") },
		"no password":    func(i int) client.Reply { return first(bulk(i), "") },
		"nothing enrolled, right password": func(i int) client.Reply {
			return first(bulk(i), peer.UserPassword)
		},
		"expired password": func(int) client.Reply { return first("expired", peer.UserPassword) },
		"two of the name":  func(int) client.Reply { return first("twin", peer.UserPassword) },
		"no name at all":   func(int) client.Reply { return first(" ", peer.UserPassword) },
	}
}

// outline is a reply without what differs from reply to reply: a reference and
// the authenticators.
func outline(r client.Reply) string {
	text, _, _ := strings.Cut(r.Message(), "[")
	return fmt.Sprintf("%v, %d octets, %q", r.Code, len(r.Attributes), text)
}

// A refusal tells nothing of its reason, neither by what is in it (S-09) nor by
// when it comes (S-10).
func TestRefusalsLookAlike(t *testing.T) {
	t.Parallel()
	const (
		samples = 12
		delay   = 500 * time.Millisecond
		spread  = 40 * time.Millisecond
	)
	_, d, _ := enrolled(t, peer.SlapdOptions{Bulk: samples}, server.Config{Server: fmt.Sprintf("reject_delay = %q", delay)})
	ways := refusals(t, d)
	names := slices.Sorted(maps.Keys(ways))
	took := make([][]time.Duration, len(names))
	var outlines []string
	for i := range samples {
		// One of each at the same time, so that a busy machine slows all of them.
		replies := make([]client.Reply, len(names))
		together(len(names), func(n int) { replies[n] = ways[names[n]](i) })
		for n, r := range replies {
			outlines = append(outlines, outline(r))
			took[n] = append(took[n], r.Took)
			if r.Took < delay {
				t.Errorf("%s: refused after %v, before the delay of %v", names[n], r.Took, delay)
			}
		}
	}
	slices.Sort(outlines)
	if different := slices.Compact(outlines); len(different) != 1 {
		t.Errorf("refusals differ: %q", different)
	}
	least, most := time.Hour, time.Duration(0)
	for n := range took {
		slices.Sort(took[n])
		usual := took[n][samples/4] // what is slow is slow for other reasons
		least, most = min(least, usual), max(most, usual)
	}
	if most-least > spread {
		t.Errorf("refusals come at different times: %v, %v", names, took)
	}
}

// Nothing is sent and nothing is asked before the password was right (S-11).
func TestNothingIsSentBeforeThePasswordWasRight(t *testing.T) {
	t.Parallel()
	gateway := server.NewGateway(t)
	d := texting(t, server.SMS(gateway))
	for _, password := range []string{"", "wrong", "123456", "1"} {
		want(t, password, exchange(t, d.Client(), "alice", password, nil), client.AccessReject)
	}
	if n := gateway.Requests(); n > 0 {
		t.Errorf("%d messages", n)
	}
}

// Passwords are the directory's business: long ones, and those in letters
// beyond ASCII, arrive as they were typed (S-25, S-26).
func TestPasswordsArriveAsTyped(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("0123456789abcdef", 8)
	_, d, _ := enrolled(t, peer.SlapdOptions{Data: strings.Join([]string{
		"dn: " + peer.UserDN("long"), "objectClass: inetOrgPerson", "uid: long", "cn: L", "sn: L", "userPassword: " + long, "", "",
	}, "\n")}, server.Config{More: "\n[[rule]]\nclients = [\"vpn\"]\nsecond_factor = \"none\"\n"})
	d.Admit(t, "long", long)
	d.Admit(t, "umlaut", peer.UmlautPassword)
	d.Refuse(t, "long", long[:127])
	d.Refuse(t, "umlaut", "p\xe4ssw\xf6rd") // Latin-1: not forwarded
	d.AwaitLog(t, "password_garbled")
}
