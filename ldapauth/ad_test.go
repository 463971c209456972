package ldapauth

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/portvakt/portvakt/conf/secret"
	"github.com/portvakt/portvakt/e2e/peer"
	"github.com/portvakt/portvakt/login"
)

func sambaConfig(s *peer.Samba) Config {
	c := DefaultConfig()
	c.Kind = KindAD
	c.Servers = []string{s.LDAPSURL}
	c.CA = s.CAFile
	c.BindDN, c.BindPassword = "svc@"+peer.SambaRealm, secret.New(peer.SambaPassword)
	c.Base = peer.SambaBase // where Active Directory adds references
	c.Domains = []string{peer.SambaDomain, peer.SambaRealm}
	return c
}

func TestActiveDirectory(t *testing.T) {
	s := peer.StartSamba(t)
	d := open(t, sambaConfig(s))

	t.Run("an account has what a login needs", func(t *testing.T) {
		a := lookup(t, d, "alice")
		if !regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`).MatchString(a.ID) {
			t.Errorf("ID %q is no GUID", a.ID)
		}
		if a.Name != "alice" || a.Mail != "alice@example.test" || !slices.Equal(a.Phones, []string{"+15550001"}) ||
			!slices.Equal(a.Groups, []string{peer.SambaUserDN("staff")}) || a.DN != peer.SambaUserDN("alice") {
			t.Errorf("got %+v", a)
		}
		if age := time.Since(a.Active); a.Active.IsZero() || age > 30*24*time.Hour {
			t.Errorf("active at %v", a.Active)
		}
		for _, spelling := range []string{"ALICE", "alice@" + peer.SambaRealm, `adex\Alice`} {
			if got := lookup(t, d, spelling); got.ID != a.ID {
				t.Errorf("%s: got %s, want %s", spelling, got.ID, a.ID)
			}
		}
		if got := outcome(ignore(d.Lookup(t.Context(), "nobody", 0))); got != "unknown_user" {
			t.Errorf("nobody: got %s", got)
		}
		if got := outcome(ignore(d.Lookup(t.Context(), "dc1$", 0))); got != "unknown_user" {
			t.Errorf("a computer: got %s", got)
		}
	})

	t.Run("groups of groups", func(t *testing.T) {
		c := sambaConfig(s)
		c.Nested, c.Base = true, peer.SambaPeople
		got := lookup(t, open(t, c), "alice").Groups
		slices.Sort(got)
		if want := []string{peer.SambaUserDN("staff"), peer.SambaUserDN("vpn-users")}; !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
	})

	t.Run("S-24: sub-codes", func(t *testing.T) {
		locked := lookup(t, d, "locked")
		for range 3 {
			_ = d.Verify(t.Context(), locked, login.Cleartext("wrong"))
		}
		for _, row := range []struct{ user, password, want, detail string }{
			{"alice", peer.SambaUserPassword, "yes", ""},
			{"alice", "wrong", "bad_password", "AD data 52e"},
			{"expired", peer.SambaUserPassword, "password_expired", "AD data 532"},
			{"expired", "wrong", "bad_password", "AD data 52e"},
			{"disabled", peer.SambaUserPassword, "account_disabled", "AD data 533"},
			{"acctexp", peer.SambaUserPassword, "account_expired", "AD data 701"},
			{"mustchange", peer.SambaUserPassword, "password_must_change", "AD data 773"},
			{"locked", peer.SambaUserPassword, "locked_by_directory", "AD data 775"},
		} {
			err := d.Verify(t.Context(), lookup(t, d, row.user), login.Cleartext(row.password))
			if got := outcome(err); got != row.want || detail(err) != row.detail {
				t.Errorf("%s with %s: got %v, want %s (%s)", row.user, row.password, err, row.want, row.detail)
			}
		}
		if got := outcome(d.Verify(t.Context(), login.Account{}, login.Cleartext("x"))); got != "bad_password" {
			t.Errorf("nobody: got %s", got)
		}
	})

	t.Run("the rules that hold for a person", func(t *testing.T) {
		c := sambaConfig(s)
		c.BindDN, c.BindPassword = "administrator@"+peer.SambaRealm, secret.New(peer.SambaAdminPassword)
		for _, row := range []struct {
			name, user string
			d          *Directory
			want       login.PasswordRules
		}{
			{"the domain's", "alice", d, login.PasswordRules{MinLength: 6, History: 24}},
			{"her own, which administrators may read", "mustchange", open(t, c), login.PasswordRules{MinLength: 9, History: 3, Classes: 3}},
			{"her own, which others may not: not the domain's", "mustchange", d, login.PasswordRules{}},
		} {
			if got, err := row.d.PasswordRules(t.Context(), lookup(t, row.d, row.user)); err != nil || got != row.want {
				t.Errorf("%s: got %+v %v, want %+v", row.name, got, err, row.want)
			}
		}
	})

	t.Run("expired passwords are changed", func(t *testing.T) {
		const fresh = "Long3nough\"\u20ac\U0001d11e"
		for _, row := range []struct{ user, old, fresh, want string }{
			{"expired", "wrong", fresh, "bad_password"},
			{"expired", peer.SambaUserPassword, "aB3!", "new_password_too_short"},
			{"expired", peer.SambaUserPassword, fresh, "yes"},
			{"expired", fresh, peer.SambaUserPassword, "new_password_used_before"},
			{"mustchange", peer.SambaUserPassword, "Sh0rt?", "new_password_too_short"},
			{"mustchange", peer.SambaUserPassword, "longenough", "new_password_too_weak"},
			{"mustchange", peer.SambaUserPassword, fresh, "yes"},
			{"mustchange", peer.SambaUserPassword, "Other3nough", "bad_password"},
			{"locked", peer.SambaUserPassword, fresh, "locked_by_directory"},
		} {
			err := d.ChangePassword(t.Context(), lookup(t, d, row.user), login.Cleartext(row.old), login.Cleartext(row.fresh))
			if got := outcome(err); got != row.want {
				t.Errorf("%s from %s to %s: got %s (%v), want %s", row.user, row.old, row.fresh, got, err, row.want)
			}
		}
		for _, user := range []string{"expired", "mustchange"} {
			if got := outcome(d.Verify(t.Context(), lookup(t, d, user), login.Cleartext(fresh))); got != "yes" {
				t.Errorf("%s with the new password: got %s, want yes", user, got)
			}
		}
	})

	t.Run("a bind in clear decides nothing", func(t *testing.T) {
		c := sambaConfig(s)
		c.Servers, c.Insecure = []string{s.URL}, true
		err := open(t, c).Verify(t.Context(), lookup(t, d, "alice"), login.Cleartext(peer.SambaUserPassword))
		if outcome(err) != "undecided" || !strings.Contains(err.Error(), "LDAP result 8") {
			t.Errorf("got %v, want result 8", err)
		}
	})

	t.Run("StartTLS", func(t *testing.T) {
		c := sambaConfig(s)
		c.Servers, c.StartTLS = []string{s.URL}, true
		if got := outcome(open(t, c).Verify(t.Context(), lookup(t, d, "alice"), login.Cleartext(peer.SambaUserPassword))); got != "yes" {
			t.Errorf("got %s, want yes", got)
		}
	})

	// The account "locked" was locked by the tries above.
	t.Run("S-24: what the entry says of itself", func(t *testing.T) {
		for _, row := range []struct{ user, want string }{
			{"alice", "yes"},
			{"bob", "yes"},
			{"disabled", "account_disabled"},
			{"acctexp", "account_expired"},
			{"locked", "locked_by_directory"},
			{"expired", "yes"}, // her password, which was right when it was asked for
		} {
			if err := d.State(t.Context(), lookup(t, d, row.user)); outcome(err) != row.want {
				t.Errorf("%s: got %v, want %s", row.user, err, row.want)
			}
		}
		if got := outcome(d.State(t.Context(), login.Account{ID: "x", DN: peer.SambaUserDN("gone")})); got != "unknown_user" {
			t.Errorf("an entry that is gone: got %s", got)
		}
	})

	t.Run("the policy of the domain", func(t *testing.T) {
		p, err := d.ReadLockout(t.Context())
		if err != nil || p.After != 3 || p.Window != 30*time.Minute || !slices.Contains(p.From, peer.SambaBase) {
			t.Errorf("got %+v, %v; want 3 in 30 minutes", p, err)
		}
		c := sambaConfig(s)
		c.BindDN, c.BindPassword = peer.SambaAdminDN, secret.New(peer.SambaAdminPassword)
		p, err = open(t, c).ReadLockout(t.Context())
		if err != nil || p.After != 2 || p.Window != time.Hour || len(p.From) != 3 {
			t.Errorf("who sees settings for some people: got %+v, %v; want 2 in an hour", p, err)
		}
	})

	t.Run("check", func(t *testing.T) {
		for _, status := range d.Check(t.Context()) {
			if status.Err != nil || !status.Bound || !status.Base || status.Expires.IsZero() {
				t.Errorf("got %+v", status)
			}
		}
	})
}

// ignore drops the account of a Lookup.
func ignore(_ login.Account, err error) error { return err }
