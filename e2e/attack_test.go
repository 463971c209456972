package e2e_test

import (
	"fmt"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/portvakt/portvakt/e2e/peer"
	"github.com/portvakt/portvakt/e2e/server"
	"github.com/portvakt/portvakt/radiusd/client"
)

// otherClient is a second [[client]] block, for requests from 127.0.0.9.
const otherClient = `
[[client]]
name = "other"
networks = ["127.0.0.9/32"]
secret = "` + server.Secret + `"
`

func fromOther(d *server.Daemon) *client.Client {
	c := d.Client()
	c.Source = netip.MustParseAddr("127.0.0.9")
	return c
}

// A code is good once, wherever it is tried next (S-01).
func TestACodeIsGoodOnce(t *testing.T) {
	t.Parallel()
	_, d, seed := enrolled(t, peer.SlapdOptions{}, server.Config{More: otherClient})
	code := seed.Code(t)
	d.Admit(t, "alice", peer.UserPassword, code)
	want(t, "the same code here", exchange(t, d.Client(), "alice", code, ask(t, d, "alice")), client.AccessChallenge)
	there := fromOther(d)
	question := exchange(t, there, "alice", peer.UserPassword, nil)
	want(t, "the same code from another client", exchange(t, there, "alice", code, question.State()), client.AccessChallenge)
	d.AwaitCount(t, 2, `"reason":"code_used_before"`)
}

// Many requests at the same time do not make it good twice (S-02).
func TestACodeIsGoodOnceAtTheSameTime(t *testing.T) {
	t.Parallel()
	const requests = 50
	slapd := peer.StartSlapd(t, peer.SlapdOptions{})
	site := server.New(t, server.Config{LDAP: server.LDAP(slapd)})
	people := []string{"alice", "bob"}
	seeds := site.EnrollMany(t, len(people), func(i int) string { return people[i] })
	d := site.Start(t)
	for i, test := range []struct {
		name  string
		state func(one []byte) []byte
	}{
		{"each with a question of its own", func([]byte) []byte { return ask(t, d, "alice") }},
		{"all with the same question", func(one []byte) []byte { return one }},
	} {
		states := make([][]byte, requests)
		one := ask(t, d, people[i])
		for j := range states {
			states[j] = test.state(one)
		}
		code := seeds[i].Code(t)
		var accepted atomic.Int32
		together(requests, func(j int) {
			if exchange(t, d.Client(), people[i], code, states[j]).Code == client.AccessAccept {
				accepted.Add(1)
			}
		})
		if accepted.Load() != 1 {
			t.Errorf("%s: %d accepts, want 1", test.name, accepted.Load())
		}
	}
}

// A State opens only what it was given for (S-12, S-13, S-14, S-15).
func TestStatesAreBoundAndSpent(t *testing.T) {
	t.Parallel()
	slapd := peer.StartSlapd(t, peer.SlapdOptions{})
	site := server.New(t, server.Config{LDAP: server.LDAP(slapd), More: otherClient})
	seed, bobs := server.NewSeed(), server.NewSeed()
	site.Enroll(t, "alice", seed)
	site.Enroll(t, "bob", bobs)
	d := site.Start(t)

	change := func(do func(b []byte) []byte) func() client.Reply {
		return func() client.Reply {
			return exchange(t, d.Client(), "alice", seed.Code(t), do(append([]byte(nil), ask(t, d, "alice")...)))
		}
	}
	for _, test := range []struct {
		name string
		do   func() client.Reply
	}{
		{"with a bit flipped at the beginning", change(func(b []byte) []byte { b[0] ^= 1; return b })},
		{"with a bit flipped in the middle", change(func(b []byte) []byte { b[len(b)/2] ^= 1; return b })},
		{"with a bit flipped at the end", change(func(b []byte) []byte { b[len(b)-1] ^= 1; return b })},
		{"cut", change(func(b []byte) []byte { return b[:len(b)-1] })},
		{"longer", change(func(b []byte) []byte { return append(b, 0) })},
		{"empty", change(func([]byte) []byte { return []byte{} })},
		{"of alice, with bob's name and code", func() client.Reply {
			return exchange(t, d.Client(), "bob", bobs.Code(t), ask(t, d, "alice"))
		}},
		{"from another client", func() client.Reply {
			return exchange(t, fromOther(d), "alice", seed.Code(t), ask(t, d, "alice"))
		}},
		{"answered wrongly before", func() client.Reply {
			state := ask(t, d, "bob")
			exchange(t, d.Client(), "bob", "000000", state)
			return exchange(t, d.Client(), "bob", bobs.Code(t), state)
		}},
		{"answered rightly before", func() client.Reply {
			state, code := ask(t, d, "bob"), bobs.Next(t)
			want(t, "bob's own", exchange(t, d.Client(), "bob", code, state), client.AccessAccept)
			return exchange(t, d.Client(), "bob", code, state)
		}},
	} {
		if got := test.do(); got.Code != client.AccessReject || len(got.State()) > 0 {
			t.Errorf("a State %s: got %v %q, want a plain refusal", test.name, got.Code, got.Message())
		}
	}

	for what, answer := range map[string]string{"the password again": peer.UserPassword, "nothing": ""} {
		if got := exchange(t, d.Client(), "alice", answer, ask(t, d, "alice")); got.Code == client.AccessAccept {
			t.Errorf("a question answered with %s: let in", what)
		}
	}
	want(t, "alice herself, after all that", exchange(t, d.Client(), "alice", seed.Code(t), ask(t, d, "alice")), client.AccessAccept)
}

// An empty password is an anonymous bind to many directories, which succeeds
// (S-17). It never comes that far.
func TestEmptyPasswordsDoNotReachTheDirectory(t *testing.T) {
	t.Parallel()
	slapd, d, seed := enrolled(t, peer.SlapdOptions{Lenient: true}, server.Config{Client: `append = "comma"`, More: `
[[rule]]
second_factor = "none"
users = ["bob"]
`})
	d.AwaitLog(t, "lockout policy of the directory") // for which the service account binds
	before := strings.Count(slapd.Log(), "BIND dn=")
	nul := string([]byte{0})
	for what, password := range map[string]string{
		"empty": "", "16 NULs": strings.Repeat(nul, 16), "128 NULs": strings.Repeat(nul, 128),
		"nothing but a code": "," + seed.Code(t),
	} {
		for _, user := range []string{"alice", "bob"} {
			want(t, what, exchange(t, d.Client(), user, password, nil), client.AccessReject)
		}
	}
	if after := strings.Count(slapd.Log(), "BIND dn="); after != before {
		t.Errorf("the directory was asked %d times", after-before)
	}
	d.Admit(t, "bob", peer.UserPassword)
}

// Names are never read as filters or distinguished names (S-16), and twins are
// nobody (S-19).
func TestHostileNamesFindNobody(t *testing.T) {
	t.Parallel()
	_, d, seed := enrolled(t, peer.SlapdOptions{}, server.Config{More: "\n[[rule]]\nsecond_factor = \"none\"\nusers = [\"bob\"]\n"})
	for _, name := range append(hostileNames("x"), "twin", "", " ") {
		reply, err := d.Client().Do(t.Context(), client.Request{User: name, Password: peer.UserPassword})
		if err == nil && reply.Code != client.AccessReject {
			t.Errorf("%q: got %v, want a refusal", name, reply.Code)
		}
	}
	// One person has one set of counters and tokens, however she writes her name (S-20).
	code := seed.Code(t)
	d.Admit(t, "ALICE", peer.UserPassword, code)
	if _, questions, _ := d.Walk(t, "alice", peer.UserPassword, code); len(questions) != 2 {
		t.Errorf("a code used by ALICE is good for alice: %q", questions)
	}
}

// An attacker's guesses reach the directory only until our own cap, which is
// below the limit that directories lock accounts at, and cost the owner nothing
// at her own place (S-05).
func TestTheDirectoryDoesNotLockAnybodyBecauseOfUs(t *testing.T) {
	t.Parallel()
	const cap = 4 // wrong passwords that reach the directory in a while
	slapd, d, seed := enrolled(t, peer.SlapdOptions{Data: strings.Join([]string{
		"dn: cn=five,ou=policies," + peer.SlapdBase, "objectClass: device", "objectClass: pwdPolicy", "cn: five",
		"pwdAttribute: userPassword", "pwdLockout: TRUE", "pwdLockoutDuration: 300", "pwdMaxFailure: 5", "pwdFailureCountInterval: 300", "",
		"dn: " + peer.UserDN("target"), "objectClass: inetOrgPerson", "uid: target", "cn: T", "sn: T",
		"userPassword: " + peer.UserPassword, "pwdPolicySubentry: cn=five,ou=policies," + peer.SlapdBase, "", "",
	}, "\n")}, server.Config{More: otherClient})
	d.Enroll(t, "target", seed)
	home := d.Client()
	home.Station = "10.9.0.7"
	admit := func(code string) {
		t.Helper()
		if result, questions, err := server.Walk(t, home, "target", peer.UserPassword, code); err != nil || !result.Accepted {
			t.Errorf("at her own place: not let in: %v %q", err, questions)
		}
	}
	admit(seed.Code(t))
	for i := range 12 {
		attacker := fromOther(d)
		attacker.Station = fmt.Sprintf("192.0.2.%d", i)
		want(t, "a guess", exchange(t, attacker, "target", fmt.Sprintf("guess%d", i), nil), client.AccessReject)
	}
	entry := slapd.Search(t, peer.UserDN("target"), "pwdFailureTime", "pwdAccountLockedTime")
	if got := strings.Count(entry, "pwdFailureTime:"); got == 0 || got > cap {
		t.Errorf("the directory counted %d failures, want 1 to %d", got, cap)
	}
	if strings.Contains(entry, "pwdAccountLockedTime:") {
		t.Error("the directory has locked the account")
	}
	admit(seed.Next(t))
}
