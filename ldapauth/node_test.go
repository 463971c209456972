package ldapauth

import (
	"strings"
	"testing"
	"time"

	"github.com/portvakt/portvakt/e2e/peer"
	"github.com/portvakt/portvakt/login"
)

// newPassword is what somebody has changed her password to at one server.
const newPassword = "changed-at-one-node"

// replicas are two servers of one directory, of which the second has what the
// first had before.
func replicas(t *testing.T) (first, second *peer.Slapd, d *Directory) {
	t.Helper()
	ca := peer.NewCA(t)
	first = peer.StartSlapd(t, peer.SlapdOptions{CA: ca})
	second = peer.StartSlapd(t, peer.SlapdOptions{CA: ca, Of: first})
	c := slapdConfig(first)
	c.Servers = []string{first.LDAPSURL, second.LDAPSURL}
	c.Timeout = 20 * time.Second
	return first, second, open(t, c)
}

func replaced(dn, what, to string) string {
	return "dn: " + dn + "\nchangetype: modify\nreplace: " + what + "\n" + what + ": " + to + "\n"
}

// says checks how a password is judged, and that a refusal names the server.
func says(t *testing.T, d *Directory, a login.Account, password, want string, server *peer.Slapd) {
	t.Helper()
	err := d.Verify(t.Context(), a, login.Cleartext(password))
	if got := outcome(err); got != want {
		t.Errorf("%s: got %s (%v), want %s", password, got, err, want)
	}
	if err != nil && !strings.Contains(err.Error(), "said by "+server.LDAPSURL) {
		t.Errorf("%s: %v does not name %s", password, err, server.LDAPSURL)
	}
}

// The first server that answers decides alone about a password: what another one
// would say is not asked, neither for a new password nor for an old one.
func TestOneServerDecidesAboutAPassword(t *testing.T) {
	t.Parallel()
	for name, ahead := range map[string]int{"the first is ahead": 0, "the second is ahead": 1} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			first, second, d := replicas(t)
			servers := []*peer.Slapd{first, second}
			alice := lookup(t, d, "alice")
			servers[ahead].Modify(t, replaced(alice.DN, "userPassword", newPassword))
			right := []string{peer.UserPassword, peer.UserPassword}
			wrong := []string{newPassword, newPassword}
			right[ahead], wrong[ahead] = newPassword, peer.UserPassword
			for i, s := range servers {
				says(t, d, alice, right[i], "yes", s)
				says(t, d, alice, wrong[i], "bad_password", s)
				if i == 0 {
					if strings.Contains(second.Log(), `BIND dn="`+alice.DN) {
						t.Error("the second was asked though the first had answered")
					}
					first.Stop()
				}
			}
		})
	}
}

// Groups are those of the server that has told of the account, all of them.
func TestGroupsAreOfOneServer(t *testing.T) {
	t.Parallel()
	first, second, d := replicas(t)
	second.Modify(t, "dn: "+peer.GroupDN("vpn")+"\nchangetype: modify\nadd: member\nmember: "+peer.UserDN("bob")+
		"\n-\ndelete: member\nmember: "+peer.UserDN("alice")+"\n")
	vpn, err := login.NormalDN(peer.GroupDN("vpn"))
	if err != nil {
		t.Fatal(err)
	}
	in := func(name string) bool { return login.NewMembership(lookup(t, d, name)).In(vpn) }
	if !in("alice") || in("bob") {
		t.Error("by the first: not its groups")
	}
	first.Stop()
	if in("alice") || !in("bob") {
		t.Error("by the second: not its groups")
	}
}

// An account of one server and a password of another let nobody in as somebody
// else: the name of an entry can be a new person's on one of them already.
func TestNobodyIsMixedOfTwoServers(t *testing.T) {
	t.Parallel()
	first, second, d := replicas(t)
	alice := lookup(t, d, "alice")
	second.Modify(t, "dn: "+alice.DN+"\nchangetype: delete\n\ndn: "+alice.DN+
		"\nchangetype: add\nobjectClass: inetOrgPerson\nuid: alice\ncn: Alice the younger\nsn: alice\nuserPassword: "+newPassword+"\n")
	bob := lookup(t, d, "bob")
	second.Modify(t, "dn: "+bob.DN+"\nchangetype: delete\n")
	carried := lookup(t, d, "umlaut")
	first.Stop()

	says(t, d, alice, newPassword, "unknown_user", second)       // somebody else's
	says(t, d, alice, peer.UserPassword, "unknown_user", second) // hers, and wrong there
	says(t, d, bob, peer.UserPassword, "unknown_user", second)   // not there yet
	says(t, d, carried, peer.UmlautPassword, "yes", second)      // the same on both
	says(t, d, carried, "wrong", "bad_password", second)         // and counted
	younger := lookup(t, d, "alice")
	if younger.ID == alice.ID {
		t.Fatal("the two have one id")
	}
	says(t, d, younger, newPassword, "yes", second)
	if _, err := d.Lookup(t.Context(), "bob", 0); outcome(err) != "unknown_user" || !strings.Contains(err.Error(), second.LDAPSURL) {
		t.Errorf("who is not there: %v", err)
	}
}

// The same where a server does not check the password itself: by an attribute.
func TestNoProofIsMixedOfTwoServers(t *testing.T) {
	t.Parallel()
	ca := peer.NewCA(t)
	first := peer.StartSlapd(t, peer.SlapdOptions{CA: ca})
	second := peer.StartSlapd(t, peer.SlapdOptions{CA: ca, Of: first})
	c := slapdConfig(first)
	c.Servers = []string{first.LDAPSURL, second.LDAPSURL}
	c.Timeout, c.SearchConnections = 20*time.Second, 1
	c.Attributes.Cleartext = "description"
	d := open(t, c)
	alice, bob := lookup(t, d, "alice"), lookup(t, d, "bob")
	second.Modify(t, "dn: "+alice.DN+"\nchangetype: delete\n\ndn: "+alice.DN+
		"\nchangetype: add\nobjectClass: inetOrgPerson\nuid: alice\ncn: Alice the younger\nsn: alice\ndescription: "+newPassword+"\n")
	second.Modify(t, replaced(bob.DN, "description", newPassword))
	first.Stop()
	proof := textProof(newPassword)
	for name, row := range map[string]struct {
		a    login.Account
		want string
	}{"another person's entry": {alice, "unknown_user"}, "the same entry": {bob, "yes"}} {
		if got := outcome(d.Verify(t.Context(), row.a, proof)); got != row.want {
			t.Errorf("%s: got %s, want %s", name, got, row.want)
		}
	}
}

// What is cached remembers which server has told of it.
func TestTheCacheKnowsTheServer(t *testing.T) {
	t.Parallel()
	for _, n := range []uint8{0, 1, maxServers - 1} {
		a := login.Account{ID: "id", Name: "alice", DN: "uid=alice", Phones: []string{"+4790000001"}, Server: n}
		_, kept := pack("alice", &a)
		if got := kept.account(); got.Server != n || len(got.Phones) != 1 {
			t.Errorf("%d: got %+v", n, got)
		}
	}
}
