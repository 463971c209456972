package ldapauth

import (
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/text/unicode/norm"

	"github.com/portvakt/portvakt/e2e/peer"
	"github.com/portvakt/portvakt/login"
)

func TestLookupAndVerifyWorkOverEveryKindOfConnection(t *testing.T) {
	t.Parallel()
	s := peer.StartSlapd(t, peer.SlapdOptions{})
	for _, row := range []struct {
		name   string
		change func(*Config)
	}{
		{"plain, allowed by insecure", func(c *Config) { c.Servers, c.Insecure = []string{s.URL}, true }},
		{"StartTLS", func(c *Config) { c.Servers, c.StartTLS = []string{s.URL}, true }},
		{"LDAPS", func(*Config) {}},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			c := slapdConfig(s)
			row.change(&c)
			d := open(t, c)
			a := lookup(t, d, "alice")
			if len(a.ID) != 36 {
				t.Errorf("ID %q is no entryUUID", a.ID)
			}
			// This directory has not noted a logon, but when it made the entry.
			if age := time.Since(a.Active); age < 0 || age > time.Hour {
				t.Errorf("active at %v", a.Active)
			}
			a.ID, a.Active = "", time.Time{}
			want := login.Account{
				Name: "alice", DN: peer.UserDN("alice"), Phones: []string{"+15550000001", "+15559999999"},
				Mail: "alice@example.test", Groups: []string{peer.GroupDN("vpn")},
			}
			if !reflect.DeepEqual(a, want) {
				t.Errorf("got  %+v\nwant %+v", a, want)
			}
			a.ID = "x"
			if got := outcome(d.Verify(t.Context(), a, login.Cleartext(peer.UserPassword))); got != "yes" {
				t.Errorf("the right password: got %s", got)
			}
			if got := outcome(d.Verify(t.Context(), a, login.Cleartext("wrong"))); got != "bad_password" {
				t.Errorf("a wrong password: got %s", got)
			}
			if got := lookup(t, d, "bob").Language; got != "de" {
				t.Errorf("bob's language: got %q, want de", got)
			}
		})
	}
}

// Requirement S-16 of the security tests: what is typed never becomes part of
// a filter.
func TestS16HostileNamesFindNobody(t *testing.T) {
	t.Parallel()
	s := peer.StartSlapd(t, peer.SlapdOptions{})
	c := slapdConfig(s)
	c.Names = []string{"uid", "mail"}
	d := open(t, c)
	for _, row := range []struct{ name, typed, want string }{
		{"a star", "*", "unknown_user"},
		{"a prefix and a star", "a*", "unknown_user"},
		{"a filter that closes ours", "a)(uid=*", "unknown_user"},
		{"a filter behind a right name", "alice)(|(uid=*", "unknown_user"},
		{"an escape", `\2a`, "unknown_user"},
		{"an escaped NUL", `alice\00`, "unknown_user"},
		{"a distinguished name", "cn=alice,dc=x", "unknown_user"},
		{"a placeholder", "{user}", "unknown_user"},
		{"a star before an @", "*@example.test", "unknown_user"},
		{"Cyrillic а", "\u0430lice", "unknown_user"},
		{"nothing", "", "bad_request"},
		{"NUL behind the name", "alice\x00", "bad_request"},
		{"a line feed", "alice\n", "bad_request"},
		{"a right-to-left mark", "alice\u200f", "bad_request"},
		{"a soft hyphen, which directories ignore", "al\u00adice", "bad_request"},
		{"an overlong encoding of /", "alice\xc0\xaf", "bad_request"},
		{"254 octets", strings.Repeat("a", 254), "bad_request"},
		{"10 kB", strings.Repeat("a", 10_000), "bad_request"},
	} {
		t.Run(row.name, func(t *testing.T) {
			a, err := d.Lookup(t.Context(), row.typed, 0)
			if got := outcome(err); got != row.want {
				t.Errorf("Lookup(%q) = %+v, %v; want %s", row.typed, a, err, row.want)
			}
		})
	}
}

// Requirement S-20: one person is one identifier, however she is written, and a
// name that only looks like hers is not hers.
func TestS20SpellingsOfAName(t *testing.T) {
	t.Parallel()
	s := peer.StartSlapd(t, peer.SlapdOptions{Data: person("zoé", "") + person("strasse", "")})
	c := slapdConfig(s)
	c.Names = []string{"uid", "mail", "domain", "upn"}
	c.Domains = []string{"EXAMPLE", "corp.test"}
	d := open(t, c)
	alice := lookup(t, d, "alice").ID
	zoe := lookup(t, d, "zo\u00e9").ID
	lookup(t, d, "strasse")
	for _, row := range []struct{ name, typed, want, id string }{
		{"another case is the same person", "ALICE", "yes", alice},
		{"so is a space around it", " alice ", "yes", alice},
		{"so is her mail address", "Alice@example.test", "yes", alice},
		{"so is her name with our domain", `example\alice`, "yes", alice},
		{"so is her name at our domain", "alice@CORP.test", "yes", alice},
		{"so is another normal form", norm.NFD.String("zo\u00e9"), "yes", zoe},
		{"a strange domain is nobody's", `OTHER\alice`, "unknown_user", ""},
		{"a name at a strange domain too", "alice@other.test", "unknown_user", ""},
		{"a domain without a name too", `EXAMPLE\`, "unknown_user", ""},
		{"a Cyrillic а is another letter", "\u0430lice", "unknown_user", ""},
		{"a Greek ο is one too", "b\u03bfb", "unknown_user", ""},
		{"full-width letters are hers", "\uff41\uff4c\uff49\uff43\uff45", "yes", alice},
		{"ß is not ss", "stra\u00dfe", "unknown_user", ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			a, err := d.Lookup(t.Context(), row.typed, 0)
			if got := outcome(err); got != row.want || a.ID != row.id {
				t.Errorf("Lookup(%q): got %s %s (%v), want %s %s", row.typed, got, a.ID, err, row.want, row.id)
			}
		})
	}
}

// person is an entry with a mail address, or the usual one.
func person(uid, mail string) string {
	if mail == "" {
		mail = uid + "@example.test"
	}
	return "dn: uid=" + uid + "," + peer.SlapdPeople + "\nobjectClass: inetOrgPerson\nuid: " + uid +
		"\ncn: x\nsn: x\nmail: " + mail + "\nuserPassword: secret\n\n"
}

// Requirement S-19: a name that two entries have is nobody's, whichever of
// their attributes has it. Else whoever may write his own mail address could
// sign in as somebody else, or with his own token as her.
func TestS19TwoPeopleAreNobody(t *testing.T) {
	t.Parallel()
	s := peer.StartSlapd(t, peer.SlapdOptions{Data: person("mallory", "alice@example.test") + person("bob@example.test", "thief@example.test")})
	c := slapdConfig(s)
	c.Names = []string{"uid", "mail"}
	d := open(t, c)
	for _, row := range []struct{ name, typed, want string }{
		{"one name in two branches", "twin", "ambiguous_user"},
		{"one mail address of two", "shared@example.test", "ambiguous_user"},
		{"her mail address, written into his entry", "alice@example.test", "ambiguous_user"},
		{"his mail address, taken for a name", "bob@example.test", "ambiguous_user"},
		{"her name is still hers", "alice", "yes"},
	} {
		a, err := d.Lookup(t.Context(), row.typed, 0)
		if got := outcome(err); got != row.want || got != "yes" && a.ID != "" {
			t.Errorf("%s: got %s %+v (%v), want %s", row.name, got, a, err, row.want)
		}
	}
	if strings.Contains(logged(t, d, s), `BIND dn="uid=`) {
		t.Error("somebody's password was tried")
	}
}

func TestVerdictsOfOpenLDAP(t *testing.T) {
	t.Parallel()
	s := peer.StartSlapd(t, peer.SlapdOptions{Lenient: true})
	d := open(t, slapdConfig(s))
	lockme := lookup(t, d, "lockme")
	for range peer.SlapdLocksAfter {
		if got := outcome(d.Verify(t.Context(), lockme, login.Cleartext("wrong"))); got != "bad_password" {
			t.Fatalf("before the lock: got %s", got)
		}
	}
	for _, row := range []struct{ name, user, password, want string }{
		{"the right password", "alice", peer.UserPassword, "yes"},
		{"a wrong one", "alice", "Secret", "bad_password"},
		{"a locked account with the right password", "lockme", peer.UserPassword, "locked_by_directory"},
		{"an expired password", "expired", peer.UserPassword, "password_expired"},
		{"a password that must be changed binds and is refused", "reset", peer.UserPassword, "password_must_change"},
		{"an entry without a password", "nopassword", peer.UserPassword, "bad_password"},
		{"no password, on a server that would say yes", "alice", "", "empty_password"},
		{"16 NULs", "alice", strings.Repeat("\x00", 16), "empty_password"},
		{"128 NULs", "alice", strings.Repeat("\x00", 128), "empty_password"},
		{"a NUL behind the right one", "alice", peer.UserPassword + "\x00", "password_not_utf8"},
		{"2 kB", "alice", strings.Repeat("x", 2048), "bad_request"},
	} {
		t.Run(row.name, func(t *testing.T) {
			err := d.Verify(t.Context(), lookup(t, d, row.user), login.Cleartext(row.password))
			if got := outcome(err); got != row.want {
				t.Errorf("got %s (%v), want %s", got, err, row.want)
			}
		})
	}
	t.Run("nobody, with anybody's password", func(t *testing.T) {
		if got := outcome(d.Verify(t.Context(), login.Account{}, login.Cleartext(peer.UserPassword))); got != "bad_password" {
			t.Errorf("got %s, want bad_password", got)
		}
	})
	t.Run("half an account decides nothing", func(t *testing.T) {
		if got := outcome(d.Verify(t.Context(), login.Account{ID: "x"}, login.Cleartext("x"))); got != "undecided" {
			t.Errorf("got %s, want undecided", got)
		}
	})
}

func TestGroupsOfOpenLDAP(t *testing.T) {
	t.Parallel()
	s := peer.StartSlapd(t, peer.SlapdOptions{ManyGroups: 1000})
	vpn, staff, everybody := peer.GroupDN("vpn"), peer.GroupDN("staff"), peer.GroupDN("everybody")
	for _, row := range []struct {
		name   string
		change func(*Config)
		want   []string
	}{
		{"those the entry names", func(*Config) {}, []string{vpn}},
		{"with those above, though they go in a circle", func(c *Config) { c.Nested = true }, []string{vpn, staff, everybody}},
		{"found by member", func(c *Config) { c.GroupFilter, c.Attributes.Groups = "(member={dn})", "none" }, []string{vpn}},
		{"found by member, with those above", func(c *Config) {
			c.GroupFilter, c.Attributes.Groups, c.Nested = "(&(objectClass=groupOfNames)(member={dn}))", "none", true
		}, []string{vpn, staff, everybody}},
		{"found by name", func(c *Config) { c.GroupFilter, c.Attributes.Groups = "(memberUid={user})", "none" }, []string{peer.GroupDN("posix")}},
		{"both", func(c *Config) { c.GroupFilter = "(memberUid={user})" }, []string{vpn, peer.GroupDN("posix")}},
	} {
		t.Run(row.name, func(t *testing.T) {
			c := slapdConfig(s)
			row.change(&c)
			got := lookup(t, open(t, c), "alice").Groups
			slices.Sort(got)
			slices.Sort(row.want)
			if !slices.Equal(got, row.want) {
				t.Errorf("got %q, want %q", got, row.want)
			}
		})
	}
	t.Run("a thousand", func(t *testing.T) {
		c := slapdConfig(s)
		c.Nested = true
		if got := len(lookup(t, open(t, c), "many").Groups); got != 1000 {
			t.Errorf("got %d groups, want 1000", got)
		}
	})
}

// A connection that a person was bound on has her rights: it is never searched
// on. Both kinds are kept.
func TestConnectionsAreKeptAndTheirKindsNeverMixed(t *testing.T) {
	t.Parallel()
	s := peer.StartSlapd(t, peer.SlapdOptions{})
	d := open(t, slapdConfig(s))
	for _, password := range []string{peer.UserPassword, "wrong", peer.UserPassword, "wrong", peer.UserPassword} {
		for _, name := range []string{"alice", "bob", "umlaut"} {
			_ = d.Verify(t.Context(), lookup(t, d, name), login.Cleartext(password))
		}
	}
	did := map[string][]string{} // by connection
	for line := range strings.Lines(s.Log()) {
		m := regexp.MustCompile(`conn=(\d+) op=\d+ (BIND dn="[^"]*" method|SRCH base)`).FindStringSubmatch(line)
		if m != nil {
			did[m[1]] = append(did[m[1]], m[2])
		}
	}
	if len(did) != 2 {
		t.Errorf("%d connections, want one of each kind", len(did))
	}
	for conn, ops := range did {
		searched := slices.Contains(ops, "SRCH base")
		for _, op := range ops {
			if strings.HasPrefix(op, "BIND") && strings.Contains(op, "uid=") == searched {
				t.Errorf("connection %s did %q", conn, ops)
			}
		}
	}
}
