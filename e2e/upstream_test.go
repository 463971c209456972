package e2e_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/portvakt/portvakt/e2e/mschaptest"
	"github.com/portvakt/portvakt/e2e/peer"
	"github.com/portvakt/portvakt/e2e/server"
	"github.com/portvakt/portvakt/radiusd/client"
)

// The password is checked by FreeRADIUS, the code by us; the client is
// FreeRADIUS' own. There is no directory: people are enrolled by name.
func TestUpstreamDecidesAboutPasswords(t *testing.T) {
	t.Parallel()
	upstream := peer.FreeRADIUSDeciding(t)
	site := server.New(t, server.Config{
		LDAP: server.Upstream(upstream), Client: `methods = ["pap", "chap", "mschapv2"]`,
		More: "\n[[reply]]\nclients = [\"vpn\"]\nattributes = { Filter-Id = \"ours\" }\n",
	})
	seed := server.NewSeed()
	site.Enroll(t, "Alice", seed)
	if out := site.Must(t, "check"); !strings.Contains(out, "answers Status-Server") || strings.Contains(out, "directory") {
		t.Errorf("check: %s", out)
	}
	d := site.Start(t)
	nas := d.Radclient()
	pap := func(user, password string, more ...string) peer.RadclientReply {
		return nas.Send(t, append([]string{
			fmt.Sprintf("User-Name = %q", user), fmt.Sprintf("User-Password = %q", password), "Message-Authenticator = 0x00",
		}, more...)...)
	}
	granted := func(what string, got peer.RadclientReply) {
		t.Helper()
		for name, want := range map[string]string{"Class": fmt.Sprintf("0x%x", peer.FreeRADIUSClass), "Filter-Id": "ours"} {
			if values := got.Get(name); got.Code != "Access-Accept" || len(values) != 1 || values[0] != want {
				t.Errorf("%s: %s, %s is %q, want %s", what, got.Code, name, values, want)
			}
		}
		if n := len(got.Get("Session-Timeout")) + len(got.Get("Reply-Message")); n > 0 {
			t.Errorf("%s: what is not let through came too:\n%s", what, got.Output)
		}
	}

	asked := pap("alice", peer.FreeRADIUSPassword)
	state := asked.Get("State")
	if asked.Code != "Access-Challenge" || len(state) != 1 || len(asked.Get("Class")) > 0 {
		t.Fatalf("the right password: %s", asked.Output)
	}
	d.Stop(t)
	d = site.Start(t) // what was granted is not in the server
	granted("a code after PAP", pap("alice", seed.Code(t), "State = "+state[0]))

	// MS-CHAPv2: the keys that FreeRADIUS made arrive under our secret.
	p := mschaptest.New("alice", peer.FreeRADIUSPassword)
	asked = nas.Send(t, microsoft(p)...)
	if state = asked.Get("State"); len(state) != 1 {
		t.Fatalf("MS-CHAPv2: %s", asked.Output)
	}
	got := pap("alice", seed.Next(t), "State = "+state[0])
	granted("a code after MS-CHAPv2", got)
	send, recv := p.Keys()
	for name, want := range map[string]string{
		"MS-CHAP2-Success": fmt.Sprintf("0x%x", p.Success()),
		"MS-MPPE-Send-Key": fmt.Sprintf("0x%x", send), "MS-MPPE-Recv-Key": fmt.Sprintf("0x%x", recv),
		"MS-MPPE-Encryption-Policy": "Encryption-Required",
	} {
		if values := got.Get(name); len(values) != 1 || values[0] != want {
			t.Errorf("%s is %q, want %s", name, values, want)
		}
	}

	for what, got := range map[string]peer.RadclientReply{
		"a wrong password": pap("alice", "wrong"),
		"nobody":           pap("mallory", peer.FreeRADIUSPassword),
		"another domain":   pap(`OTHER\alice`, peer.FreeRADIUSPassword),
		"a question":       pap(peer.FreeRADIUSAsks, "x"),
		"a wrong proof":    nas.Send(t, microsoft(mschaptest.New("alice", "wrong"))...),
		"a wrong CHAP":     nas.Send(t, `User-Name = "alice"`, `CHAP-Password = "wrong"`, "Message-Authenticator = 0x00"),
	} {
		if got.Code != "Access-Reject" {
			t.Errorf("%s: %s", what, got.Output)
		}
	}
	if got := nas.Send(t, `User-Name = "alice"`, fmt.Sprintf("CHAP-Password = %q", peer.FreeRADIUSPassword), "Message-Authenticator = 0x00"); got.Code != "Access-Challenge" {
		t.Errorf("CHAP: %s", got.Output)
	}
	d.AwaitLog(t, `"reason":"method_not_allowed"`, "Access-Challenge")
	d.AwaitLog(t, `"reason":"bad_password"`, "refused by upstream")
	// A name that nobody has signed in with may be a password.
	for _, secret := range []string{peer.FreeRADIUSPassword, upstream.Secret, "mallory"} {
		if strings.Contains(d.Log(), secret) {
			t.Errorf("the log has %q", secret)
		}
	}
}

// While no upstream answers nobody is let in, nobody is refused and nothing is
// counted (S-46); the second one takes over from the first.
func TestUpstreamsThatDoNotAnswer(t *testing.T) {
	t.Parallel()
	one, two := peer.FreeRADIUSDeciding(t), peer.FreeRADIUSDeciding(t)
	site := server.New(t, server.Config{LDAP: server.Upstream(one, two)})
	site.Enroll(t, "alice", server.NewSeed())
	d := site.Start(t)

	askWith(t, d, "alice", peer.FreeRADIUSPassword)
	one.Pause()
	askWith(t, d, "alice", peer.FreeRADIUSPassword)
	two.AwaitLog(t, `User-Name = "alice"`) // the first has done all before
	two.Pause()
	together(6, func(i int) { // more tries than the guard would take
		password := []string{peer.FreeRADIUSPassword, "wrong"}[i%2]
		c := d.Client()
		reply, err := c.Do(t.Context(), client.Request{User: "alice", Password: password})
		if err == nil {
			t.Errorf("during the outage: got %v, want silence", reply.Code)
		}
	})
	// Clients have given up, and their requests must not be in hand any more when
	// the servers are back.
	d.AwaitCount(t, 6, `"msg":"login"`, `"outcome":"error"`)
	one.Continue()
	two.Continue()
	d.Await(t, "a sign-in after the outage", func() bool {
		reply, err := d.Client().Do(t.Context(), client.Request{User: "alice", Password: peer.FreeRADIUSPassword})
		if err == nil && reply.Code == client.AccessReject {
			t.Fatal("the outage was counted against alice")
		}
		return err == nil && reply.Code == client.AccessChallenge
	})
	d.Stop(t)
	if n := d.Count(`"msg":"login"`, `"outcome":"reject"`); n > 0 {
		t.Errorf("%d logins are logged as refused", n)
	}
	if d.Count(`"msg":"upstream is set aside"`) == 0 || d.Count(`"msg":"upstream answers again"`) == 0 {
		t.Error("the log does not tell of the outage and its end")
	}
}

// With a directory behind it: the account, its id and its groups come from
// there, the password's fate from upstream.
func TestUpstreamBehindADirectory(t *testing.T) {
	t.Parallel()
	upstream := peer.FreeRADIUSDeciding(t)
	_, d, seed := enrolled(t, peer.SlapdOptions{}, server.Config{LDAP: server.Upstream(upstream)})
	state := askWith(t, d, "alice", peer.FreeRADIUSPassword)
	want(t, "a code", exchange(t, d.Client(), "alice", seed.Code(t), state), client.AccessAccept)
	want(t, "the directory's own password", exchange(t, d.Client(), "alice", peer.UserPassword, nil), client.AccessReject)
	want(t, "a name that the directory does not have", exchange(t, d.Client(), "nobody-here", peer.FreeRADIUSPassword, nil), client.AccessReject)
	// For a name that nobody has, the same work is done without it.
	upstream.AwaitLog(t, `User-Name = "portvakt-nobody"`)
	if strings.Contains(upstream.Log(), "nobody-here") {
		t.Error("the name went upstream")
	}
}

// The upstream grants everybody the same; reply rules say who gets what of it: by
// the group that the directory knows, and by user.
func TestUpstreamAttributesByRule(t *testing.T) {
	t.Parallel()
	upstream := peer.FreeRADIUSDeciding(t)
	const other = "long15"
	person := fmt.Sprintf("dn: %s\nobjectClass: inetOrgPerson\nuid: %s\ncn: %[2]s\nsn: %[2]s\n\n", peer.UserDN(other), other)
	_, d, seed := enrolled(t, peer.SlapdOptions{Data: person}, server.Config{
		LDAP: strings.Replace(server.Upstream(upstream), `"Class", "Filter-Id"`, `"Class"`, 1),
		More: fmt.Sprintf(`
[[rule]]
users = [%[1]q]
second_factor = "none"
[[reply]]
groups = [%[2]q]
pass = ["Filter-Id"]
[[reply]]
users = [%[1]q]
attributes = { Idle-Timeout = 60 }
pass = ["Session-Timeout"]
`, other, peer.GroupDN("vpn")),
	})
	nas := d.Radclient()
	for user, want := range map[string]struct{ come, stay []string }{
		"alice": {[]string{"Class", "Filter-Id"}, []string{"Session-Timeout", "Idle-Timeout", "Reply-Message"}},
		other:   {[]string{"Class", "Session-Timeout", "Idle-Timeout"}, []string{"Filter-Id", "Reply-Message"}},
	} {
		lines := []string{fmt.Sprintf("User-Name = %q", user), "Message-Authenticator = 0x00"}
		password := fmt.Sprintf("User-Password = %q", peer.FreeRADIUSLength(15))
		if user == "alice" {
			asked := nas.Send(t, append(lines, fmt.Sprintf("User-Password = %q", peer.FreeRADIUSPassword))...)
			if asked.Code != "Access-Challenge" || len(asked.Get("State")) != 1 {
				t.Fatalf("alice: %s", asked.Output)
			}
			lines = append(lines, "State = "+asked.Get("State")[0])
			password = fmt.Sprintf("User-Password = %q", seed.Code(t))
		}
		got := nas.Send(t, append(lines, password)...)
		if got.Code != "Access-Accept" {
			t.Fatalf("%s: %s", user, got.Output)
		}
		for _, name := range want.come {
			if len(got.Get(name)) != 1 {
				t.Errorf("%s: no %s in %s", user, name, got.Output)
			}
		}
		for _, name := range want.stay {
			if len(got.Get(name)) != 0 {
				t.Errorf("%s: %s came too: %s", user, name, got.Output)
			}
		}
	}
	if out := d.Must(t, "explain", "alice", "--client", "vpn"); !strings.Contains(out, "passes     Class, Filter-Id, when") {
		t.Errorf("explain: %s", out)
	}
}
