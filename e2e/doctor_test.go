package e2e_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/portvakt/portvakt/conf/secret"
	"github.com/portvakt/portvakt/e2e/peer"
	"github.com/portvakt/portvakt/e2e/server"
	"github.com/portvakt/portvakt/radiusd/client"
)

// Devices of the test, each with its own address and its own mistake.
const (
	hasty      = "127.0.0.31" // waits 3 s
	mistyped   = "127.0.0.32" // has another secret
	unsigned   = "127.0.0.33" // does not sign
	healthy    = "127.0.0.34"
	deviceFile = `
[call]
countries = ["NO"]
organisation = "Example University"

[[call.provider]]
name = "try"
kind = "log"
press = "#"
after = "5s"

[[rule]]
factors = ["call"]
call = "approve"
`
)

func device(name, preset, network, more string) string {
	return fmt.Sprintf("[[client]]\nname = %q\npreset = %q\nnetworks = [%q]\nsecret = %q\n%s\n", name, preset, network, server.Secret, more)
}

// A checkup is what "portvakt doctor --json" says.
type checkup struct {
	Reports []struct {
		Client   string
		Findings []struct {
			ID, Seen, Means string
			Change          []string
		}
	}
}

// find returns the changes that a finding about a client asks for.
func (c checkup) find(t *testing.T, name, id, seen string) string {
	t.Helper()
	for _, r := range c.Reports {
		for _, f := range r.Findings {
			if r.Client == name && f.ID == id {
				if !strings.Contains(f.Seen, seen) {
					t.Errorf("%s, %s: has seen %q, want %q", name, id, f.Seen, seen)
				}
				return strings.Join(f.Change, "\n")
			}
		}
	}
	t.Errorf("%s: %s was not found in %+v", name, id, c)
	return ""
}

// ids are what was found about a client.
func (c checkup) ids(name string) (ids []string) {
	for _, r := range c.Reports {
		for _, f := range r.Findings {
			if r.Client == name {
				ids = append(ids, f.ID)
			}
		}
	}
	return ids
}

// The doctor finds a time-out, a secret and a Message-Authenticator setting
// that are wrong on purpose, says how to mend each on the product, and finds
// nothing when they are mended.
func TestTheDoctorFindsWhatIsWrong(t *testing.T) {
	t.Parallel()
	slapd := peer.StartSlapd(t, peer.SlapdOptions{Bulk: 4})
	site := server.New(t, server.Config{
		LDAP: server.LDAP(slapd),
		More: device("hasty", "fortigate", hasty, "") + device("mistyped", "mikrotik", mistyped, "") +
			device("unsigned", "cisco-asa", unsigned, `require_message_authenticator = "yes"`) +
			device("healthy", "ivanti", healthy, "") + deviceFile,
	})
	if r := site.Run(t, "", "doctor"); r.Code != 69 || !strings.Contains(r.Stderr, "no daemon answers") {
		t.Errorf("without a daemon: exit code %d\n%s", r.Code, r.Stderr)
	}
	for i := range 4 {
		site.Must(t, "phone", "add", bulk(i), fmt.Sprintf("+4790000%03d", i))
	}
	d := site.Start(t)
	nas := func(at, key string) *client.Client {
		return &client.Client{Server: site.Addr, Secret: secret.New(key), Source: netip.MustParseAddr(at), Timeout: time.Second, Tries: 3, Station: "198.51.100.7"}
	}
	together(6, func(i int) {
		switch i {
		case 3:
			_, err := nas(mistyped, "what-somebody-typed-instead").Do(t.Context(), client.Request{User: bulk(3), Password: peer.UserPassword})
			if !errors.Is(err, client.ErrNoReply) {
				t.Errorf("with another secret: got %v", err)
			}
		case 4:
			c := peer.Radclient{Server: site.Addr, Secret: server.Secret, Timeout: time.Second}
			if reply := c.Send(t, `User-Name = "alice"`, fmt.Sprintf("User-Password = %q", peer.UserPassword), "Packet-Src-IP-Address = "+unsigned); reply.Code != "" {
				t.Errorf("without a signature: got %q", reply.Code)
			}
		case 5:
			c := nas(healthy, server.Secret)
			c.Timeout, c.Tries = 5*time.Second, 4
			if reply, err := c.Do(t.Context(), client.Request{User: bulk(3), Password: peer.UserPassword}); err != nil || reply.Code != client.AccessAccept {
				t.Errorf("the healthy one: got %v, %v", reply.Code, err)
			}
		default:
			// Three people sign in and are called; the device does not wait.
			if _, err := nas(hasty, server.Secret).Do(t.Context(), client.Request{User: bulk(i), Password: peer.UserPassword}); !errors.Is(err, client.ErrNoReply) {
				t.Errorf("it did not give up: %v", err)
			}
		}
	})
	d.AwaitLog(t, "learned when the client gives up", "hasty")

	got := doctor(t, site, 1)
	for _, row := range []struct{ client, id, seen, change string }{
		{"hasty", "timeout", "having sent 3 times (3 sign-ins)", "set remoteauthtimeout 60"},
		{"hasty", "timeout", "gives up", `until then here: patience = "2s"`},
		{"mistyped", "secret", "from " + mistyped, "/radius set [find comment=portvakt] secret=SECRET"},
		{"unsigned", "unsigned", "from " + unsigned, "message-authenticator-required"},
	} {
		if change := got.find(t, row.client, row.id, row.seen); !strings.Contains(change, row.change) {
			t.Errorf("%s: change %q, want %q", row.client, change, row.change)
		}
	}
	if ids := got.ids("healthy"); len(ids) > 0 {
		t.Errorf("the healthy one has %q", ids)
	}
	words := site.Run(t, "", "doctor", "hasty")
	for _, want := range []string{"client hasty: Fortinet FortiGate, docs/nas/fortigate.md\n", "  1. seen    it gives up after ", "     means   a telephone call needs 40 s"} {
		if words.Code != 1 || !strings.Contains(words.Stdout, want) {
			t.Errorf("exit code %d, want 1 and %q:\n%s%s", words.Code, want, words.Stdout, words.Stderr)
		}
	}

	// So does the service desk see it, a moment later.
	d.Await(t, "attempt that was sent again", func() bool {
		out := site.Must(t, "attempts", bulk(0))
		return strings.Contains(out, "the client sent it 3 times; ") && strings.Contains(out, "; the client had given up\n")
	})

	// Mended, the device is healthy at once.
	c := nas(mistyped, server.Secret)
	c.Timeout, c.Tries = 5*time.Second, 4
	if _, err := c.Do(t.Context(), client.Request{User: bulk(0), Password: peer.UserPassword}); err != nil {
		t.Error(err)
	}
	if ids := doctor(t, site, 0, "mistyped").ids("mistyped"); len(ids) > 0 {
		t.Errorf("the mended one has %q", ids)
	}
}

// doctor runs it and checks its exit code.
func doctor(t *testing.T, site *server.Site, code int, args ...string) checkup {
	t.Helper()
	r := site.Run(t, "", slices.Concat([]string{"doctor", "--json"}, args)...)
	if r.Code != code {
		t.Errorf("doctor %q: exit code %d, want %d\n%s%s", args, r.Code, code, r.Stdout, r.Stderr)
	}
	var c checkup
	if err := json.Unmarshal([]byte(r.Stdout), &c); err != nil {
		t.Fatalf("%v\n%s%s", err, r.Stdout, r.Stderr)
	}
	return c
}

// A rule that remembers devices at a client that does not tell which one signs in
// asks each time; the doctor says why.
func TestTheDoctorMissesTheStation(t *testing.T) {
	t.Parallel()
	_, d, seed := enrolled(t, peer.SlapdOptions{}, server.Config{More: "\n[[rule]]\nname = \"once a day\"\nremember = \"12h\"\n"})
	c := d.Client()
	state := askWith(t, d, "alice", peer.UserPassword)
	want(t, "a code", exchange(t, c, "alice", seed.Code(t), state), client.AccessAccept)
	ask(t, d, "alice") // again: nothing was remembered
	r := d.Run(t, "", "doctor", "vpn", "--json")
	var said checkup
	if err := json.Unmarshal([]byte(r.Stdout), &said); err != nil || r.Code != 1 {
		t.Fatalf("exit code %d, %v\n%s%s", r.Code, err, r.Stdout, r.Stderr)
	}
	if change := said.find(t, "vpn", "remember", `2 sign-ins told no Calling-Station-Id, and rule "once a day" says remember`); !strings.Contains(change, "make it send Calling-Station-Id") {
		t.Errorf("to be changed: %s", change)
	}
}
