package e2e_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/portvakt/portvakt/e2e/peer"
	"github.com/portvakt/portvakt/e2e/server"
)

const (
	askPassword = "Password: ?$"
	askApp      = "authenticator app"
)

// A person at a prompt of PAM is asked for the code after the password.
// pam_radius_auth 2.0.0 signs nothing: with "auto" it works, the log says what
// to do about it, and a restart forgets nothing of what was learned.
func TestPAMAsksForTheCode(t *testing.T) {
	t.Parallel()
	slapd := peer.StartSlapd(t, peer.SlapdOptions{})
	site := server.New(t, server.Config{LDAP: server.LDAP(slapd)})
	seed := server.NewSeed()
	site.Enroll(t, "alice", seed)
	d := site.Start(t)
	pam := peer.PAM(t, d.Addr, server.Secret)

	login := func(password, code string) peer.PAMOutcome {
		return pam.Login(t, "alice", peer.PAMTurn{Prompt: askPassword, Answer: password}, peer.PAMTurn{Prompt: askApp, Answer: code})
	}
	if got := login(peer.UserPassword, seed.Code(t)); !got.Accepted {
		t.Errorf("right and right: not let in; the screen:\n%s", got.Screen)
	}
	// A wrong code is asked again; the person gives up by typing nothing right.
	wrong := seed.Wrong(t)
	again := peer.PAMTurn{Prompt: "Wrong code", Answer: wrong}
	if got := pam.Login(t, "alice", peer.PAMTurn{Prompt: askPassword, Answer: peer.UserPassword},
		peer.PAMTurn{Prompt: askApp, Answer: wrong}, again, again); got.Accepted {
		t.Errorf("right and wrong: let in; the screen:\n%s", got.Screen)
	}
	if got := pam.Login(t, "alice", peer.PAMTurn{Prompt: askPassword, Answer: "wrong"}); got.Accepted || strings.Contains(got.Screen, askApp) {
		t.Errorf("wrong: let in or asked for a code; the screen:\n%s", got.Screen)
	}

	d.AwaitLog(t, "does not sign its requests", `"client":"vpn"`, `"key":"require_message_authenticator"`, `"level":"WARN"`)
	d.Stop(t)
	d = site.Start(t)
	if got := login(peer.UserPassword, seed.Next(t)); !got.Accepted {
		t.Errorf("after a restart: not let in; the screen:\n%s", got.Screen)
	}
	d.Stop(t)
	if d.Count("does not sign its requests") > 0 {
		t.Error("after a restart it was learned anew, so what was learned was forgotten")
	}
}

func TestUnsignedRequestsAreDroppedWhenSignedOnesAreRequired(t *testing.T) {
	t.Parallel()
	slapd := peer.StartSlapd(t, peer.SlapdOptions{})
	site := server.New(t, server.Config{LDAP: server.LDAP(slapd), Client: `require_message_authenticator = "yes"`})
	d := site.Start(t)
	r := site.Radclient()
	r.Timeout = shortly
	if got := r.Send(t, `User-Name = "alice"`, `User-Password = "secret"`); got.Code != "" {
		t.Errorf("unsigned: got %s, want silence", got.Code)
	}
	if got := r.Send(t, `User-Name = "alice"`, `User-Password = "secret"`, `Message-Authenticator = 0x00`); got.Code != "Access-Reject" {
		t.Errorf("signed, nothing enrolled: got %q, want Access-Reject", got.Code)
	}
	d.AwaitLog(t, `"client":"vpn"`, "no_message_authenticator")
}

func TestSSHAsksForTheCode(t *testing.T) {
	t.Parallel()
	// Tests of another checkout may run at the same time.
	account := fmt.Sprintf("pve%d", os.Getpid())
	slapd := peer.StartSlapd(t, peer.SlapdOptions{Data: strings.Join([]string{
		"dn: " + peer.UserDN(account), "objectClass: inetOrgPerson", "uid: " + account, "cn: Test", "sn: Test",
		"userPassword: " + peer.UserPassword, "", "",
	}, "\n")})
	site := server.New(t, server.Config{LDAP: server.LDAP(slapd)})
	seed := server.NewSeed()
	site.Enroll(t, account, seed)
	site.Start(t)
	sshd := peer.SSH(t, site.Addr, server.Secret, account)

	password := peer.PAMTurn{Prompt: askPassword, Answer: peer.UserPassword}
	wrong := seed.Wrong(t)
	again := peer.PAMTurn{Prompt: "Wrong code", Answer: wrong}
	if got := sshd.Login(t, password, peer.PAMTurn{Prompt: askApp, Answer: wrong}, again, again); got.Accepted {
		t.Errorf("right and wrong: let in; the screen:\n%s", got.Screen)
	}
	if got := sshd.Login(t, password, peer.PAMTurn{Prompt: askApp, Answer: seed.Code(t)}); !got.Accepted || !strings.Contains(got.Screen, account) {
		t.Errorf("right and right: not let in; the screen:\n%s", got.Screen)
	}
}
