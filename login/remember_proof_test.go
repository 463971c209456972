package login_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/portvakt/portvakt/login"
	"github.com/portvakt/portvakt/login/logintest"
)

// lastingProof is a proof from which it is known, once it was found right,
// whether the password is still the same.
type lastingProof struct{ ntProof }

func (p lastingProof) Lasting() []byte { return []byte(p.Proof) }

func lasting(password string) login.Secret { return lastingProof{ntProof{logintest.Proof(password)}} }

// A VPN by MS-CHAPv2 that connects again does not ring again, until the password
// is another one; the same by PAP where the directory tells when it was set.
func TestADeviceIsRememberedByAProofOfThePassword(t *testing.T) {
	const hour = time.Hour
	account := login.Account{ID: "id-alice", Name: "alice", PasswordSet: "monday"}
	now := func(change func(*login.Account), password string) func(*logintest.World) {
		return func(w *logintest.World) {
			a := account
			change(&a)
			w.Directory.Remove("alice")
			w.Directory.Add(a, password)
		}
	}
	same := func(*login.Account) {}
	setAgain := func(a *login.Account) { a.PasswordSet = "tuesday" }
	renamed := func(a *login.Account) { a.Name = "alicia" }
	pap := func(password string) login.Secret { return login.Cleartext(password) }
	for _, c := range []struct {
		name  string
		first login.Secret
		then  func(*logintest.World)
		wait  time.Duration
		user  string
		again login.Secret
		want  string // and how often her telephone has rung
		rung  int
	}{
		{"connects again", lasting("secret"), nil, 30 * time.Second, "alice", lasting("secret"), "accept", 1},
		{"an hour later", lasting("secret"), nil, hour, "alice", lasting("secret"), "accept", 1},
		{"when the time is over", lasting("secret"), nil, 13 * hour, "alice", lasting("secret"), "accept", 2},
		{"a new password, of which the directory says no more", lasting("secret"), now(same, "changed"), hour, "alice", lasting("changed"), "accept", 2},
		{"the old one is wrong now", lasting("secret"), now(same, "changed"), hour, "alice", lasting("secret"), "reject bad_password", 1},
		{"the old one, which the domain still lets in", lasting("secret"), now(setAgain, "secret"), hour, "alice", lasting("secret"), "accept", 2},
		{"the old one itself, which the domain still lets in", pap("secret"), now(setAgain, "secret"), hour, "alice", pap("secret"), "accept", 2},
		{"a directory that tells when it was set no more", lasting("secret"), now(func(a *login.Account) { a.PasswordSet = "" }, "secret"), hour, "alice", lasting("secret"), "accept", 2},
		{"who checks it tells nothing lasting", prove("secret"), nil, hour, "alice", prove("secret"), "accept", 2},
		{"nor the second time", lasting("secret"), nil, hour, "alice", prove("secret"), "accept", 2},
		{"the password itself is another way", lasting("secret"), nil, hour, "alice", pap("secret"), "accept", 2},
		{"a new name", lasting("secret"), now(renamed, "secret"), hour, "alicia", lasting("secret"), "accept", 1},
		{"somebody else has her old name, and her password", lasting("secret"), now(func(a *login.Account) { a.ID = "id-other" }, "secret"), hour, "alice", lasting("secret"), "reject not_enrolled", 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := logintest.NewWorld(t, login.RuleConfig{Remember: 12 * hour})
				w.Directory.NTHash = shortHash
				w.Directory.Add(account, "secret")
				calls := withCalls(w, yes, yes)
				for _, turn := range []struct {
					user, want string
					s          login.Secret
				}{{"alice", "accept", c.first}, {c.user, c.want, c.again}} {
					s, err := w.Begin(t.Context(), login.Attempt{User: turn.user, Secret: turn.s, Via: rras})
					if got := outcome(s, err); got != turn.want {
						t.Fatalf("%s: got %s, want %s", turn.user, got, turn.want)
					}
					if c.then != nil {
						c.then(w)
					}
					time.Sleep(c.wait)
				}
				if got := len(calls.Rung()); got != c.rung {
					t.Errorf("rang %d times, want %d", got, c.rung)
				}
				if e := w.Last(); c.want == "accept" && (c.rung == 1) != (e.Reason == login.ReasonRemembered) {
					t.Errorf("event %s", e.Reason)
				}
				if told, want := strings.Contains(w.Last().Detail, "nothing is remembered: what checked the proof"), c.again == prove("secret"); told != want {
					t.Errorf("the log tells %q", w.Last().Detail)
				}
				if err := w.Close(); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// Who has changed an expired password behind a call is not called again at once,
// though the directory tells now that it was set.
func TestADeviceIsRememberedBehindAChangeByProof(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := expiredWorld(t, login.RuleConfig{ExpiredPassword: "change", Remember: time.Hour})
		w.Directory.NTHash = shortHash
		w.Directory.NTChange = func(_ string, c login.NTChange) (string, error) {
			return string(c.(lastingChange).Proof), nil //nolint:forcetypeassert // it is what is sent below
		}
		calls := withCalls(w, yes)
		for _, row := range []struct {
			s    login.Secret
			want string
		}{
			{lasting("secret"), "reject password_expired"},
			{lastingChange{lastingProof{ntProof{"new secret"}}}, "accept"},
			{lasting("new secret"), "accept"},
		} {
			if got := begin(t, w, rras, row.s); got != row.want {
				t.Fatalf("got %s, want %s", got, row.want)
			}
			time.Sleep(time.Minute) // what let her in a moment ago does so again
		}
		if n := len(calls.Rung()); n != 1 {
			t.Errorf("rang %d times, want once", n)
		}
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	})
}

type lastingChange struct{ lastingProof }

func (lastingChange) NTBlobs() (password [516]byte, hash [16]byte) { return password, hash }
