package e2e_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/portvakt/portvakt/e2e/peer"
	"github.com/portvakt/portvakt/e2e/server"
	"github.com/portvakt/portvakt/radiusd/client"
)

// One controller serves all of these: it takes seconds to start, and its ports
// are not to be chosen.
func TestActiveDirectory(t *testing.T) {
	t.Parallel()
	samba := peer.StartSamba(t)
	site := server.New(t, server.Config{LDAP: server.AD(samba), More: fmt.Sprintf(`
[[rule]]
name = "bob has none"
users = ["bob"]
second_factor = "none"
[[rule]]
name = "the others"
expired_password = "change"
[[reply]]
groups = [%q]
attributes = { Filter-Id = "full" }
`, peer.SambaUserDN("vpn-users"))})
	seed := server.NewSeed()
	site.Enroll(t, "alice", seed)
	d := site.Start(t)

	t.Run("whatever form of her name is typed, it is the same person", func(t *testing.T) {
		for i, name := range []string{"alice", "ALICE", "alice@" + peer.SambaRealm, peer.SambaDomain + `\alice`} {
			code := seed.Code(t)
			if i == 1 {
				code = seed.Next(t)
			}
			if i > 1 { // both codes are used: that too is the same person
				_, questions, _ := d.Walk(t, name, peer.SambaUserPassword, code)
				if len(questions) != 2 {
					t.Errorf("%q with a used code: asked %q, want twice", name, questions)
				}
				continue
			}
			got := d.Admit(t, name, peer.SambaUserPassword, code)
			// Alice is in staff, and staff is in vpn-users.
			if !bytes.Contains(got.Reply.Attributes, []byte("\x0b\x06full")) {
				t.Errorf("%q: no Filter-Id of the group around hers", name)
			}
		}
	})

	t.Run("why the directory refused is for the log only", func(t *testing.T) {
		samba.LockOut(t, "locked")
		var texts []string
		for _, test := range []struct{ user, password, sub string }{
			{"bob", "wrong", "52e"},
			{"expired", peer.SambaUserPassword, "532"},
			{"disabled", peer.SambaUserPassword, "533"},
			{"acctexp", peer.SambaUserPassword, "701"},
			{"mustchange", peer.SambaUserPassword, "773"},
			{"locked", peer.SambaUserPassword, "775"},
			{"nobody", peer.SambaUserPassword, ""},
		} {
			reply := exchange(t, d.Client(), test.user, test.password, nil)
			want(t, test.user, reply, client.AccessReject)
			text, _, _ := bytes.Cut([]byte(reply.Message()), []byte("[")) // a reference follows
			texts = append(texts, string(text))
			if test.sub != "" {
				d.AwaitLog(t, `"msg":"login"`, `"outcome":"reject"`, fmt.Sprintf("%q", test.user), test.sub)
			}
		}
		if len(slices.Compact(texts)) != 1 {
			t.Errorf("refusals differ: %q", texts)
		}
	})

	// Until now these two had no second factor, and were refused.
	t.Run("behind a second factor expired passwords are changed", func(t *testing.T) {
		for user, rules := range map[string]string{"expired": " (at least 6 characters, none of the last 24):", "mustchange": ":"} {
			token := server.NewSeed()
			site.Enroll(t, user, token)
			const fresh = "Long3nough\u20ac"
			result, questions, err := d.Walk(t, user, peer.SambaUserPassword, token.Code(t), "Sh0t!", "Sh0t!", fresh, fresh)
			if err != nil || !result.Accepted {
				t.Errorf("%s: %+v %v, asked %q", user, result, err, questions)
				continue
			}
			const ask, short = "Your password has expired. Type a new one", "That password is too short. "
			want := []string{questions[0], ask + rules, "Type the new password again:", short + ask + rules, "Type the new password again:"}
			if !slices.Equal(questions, want) {
				t.Errorf("%s: asked %q, want %q", user, questions, want)
			}
			d.AwaitLog(t, `"outcome":"changed"`, `"reason":"password_changed"`, fmt.Sprintf("%q", user))
			d.Admit(t, user, fresh, token.Next(t))
		}
	})

	// The domain locks after three, which the server has read from it.
	t.Run("S-05: the domain locks nobody because of us", func(t *testing.T) {
		d.AwaitLog(t, "lockout policy of the directory", `"count":3`)
		for i := range 6 {
			reply := exchange(t, d.Client(), "alice", fmt.Sprintf("guess-%d", i), nil)
			want(t, "a guess", reply, client.AccessReject)
		}
		out := d.Must(t, "check")
		if !strings.Contains(out, "locks an account after 3 wrong passwords within 30m0s: sign-ins stop after 2, 1 from places not known, for 30m") {
			t.Errorf("check says\n%s", out)
		}
		d.Must(t, "user", "unlock", "alice")
		want(t, "the right password", exchange(t, d.Client(), "alice", peer.SambaUserPassword, nil), client.AccessChallenge)
	})
}
