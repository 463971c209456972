package ldapauth

import (
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/text/unicode/norm"

	"github.com/portvakt/portvakt/e2e/peer"
	"github.com/portvakt/portvakt/login"
)

func TestOpenLDAPChangesAPassword(t *testing.T) {
	t.Parallel()
	s := peer.StartSlapd(t, peer.SlapdOptions{ChangePasswords: true})
	d := open(t, slapdConfig(s))
	for _, row := range []struct{ name, user, old, fresh, want string }{
		{"the old one is wrong", "outdated", "wrong", "long enough", "bad_password"},
		{"too short", "outdated", peer.UserPassword, "abc", "new_password_too_short"},
		{"the same", "outdated", peer.UserPassword, peer.UserPassword, "new_password_used_before"},
		{"an expired one, which cannot be bound with", "outdated", peer.UserPassword, "first of many", "yes"},
		{"then the old one is wrong", "outdated", peer.UserPassword, "long enough", "bad_password"},
		{"and the new one good", "outdated", "first of many", "second of many", "yes"},
		{"history", "outdated", "second of many", "first of many", "new_password_used_before"},
		{"one that must be changed, too short", "reset", peer.UserPassword, "abc", "new_password_too_short"},
		{"one that must be changed", "reset", peer.UserPassword, "p\u00e4ssw\u00f6rd!", "yes"},
		{"letters in parts", "outdated", "second of many", norm.NFD.String("p\u00e4ssw\u00f6rd again"), "new_password_untypable"},
		{"a space that is none of ASCII", "outdated", "second of many", "third\u00a0of many", "new_password_untypable"},
		{"a character that nobody sees", "outdated", "second of many", "third\u200bof many", "new_password_untypable"},
		{"of nobody any more", "lockme", peer.UserPassword, "", "empty_password"},
	} {
		a := lookup(t, d, row.user)
		err := d.ChangePassword(t.Context(), a, login.Cleartext(row.old), login.Cleartext(row.fresh))
		if got := outcome(err); got != row.want {
			t.Errorf("%s: got %s (%v), want %s", row.name, got, err, row.want)
		}
	}
	for user, password := range map[string]string{"outdated": "second of many", "reset": "p\u00e4ssw\u00f6rd!"} {
		if got := outcome(d.Verify(t.Context(), lookup(t, d, user), login.Cleartext(password))); got != "yes" {
			t.Errorf("%s with the new password: got %s", user, got)
		}
	}
	for _, password := range []string{"first of many", "second of many"} {
		if strings.Contains(s.Log(), password) {
			t.Error("a password is in the directory's log")
		}
	}
}

// The service account never resets: where it may write, the old password is
// checked all the same.
func TestAServiceAccountChangesNothingWithoutTheOldPassword(t *testing.T) {
	t.Parallel()
	s := peer.StartSlapd(t, peer.SlapdOptions{ChangePasswords: true})
	d := open(t, slapdConfig(s))
	c, err := d.servers[0].dialBound(t.Context(), time.Now().Add(10*time.Second))
	if err != nil {
		t.Fatal(err)
	}
	defer c.close()
	ch := change{dn: peer.UserDN("outdated"), old: "wrong", fresh: "long enough"}
	res, err := c.changePassword(t.Context(), time.Now().Add(10*time.Second), func(w *writer, id int32) { ch.modifyPassword(w, id, d.servers[0].policy) })
	if err != nil || outcome(res.changeVerdict()) != "bad_password" {
		t.Errorf("got %+v %v, want bad_password", res, err)
	}
}

func TestADirectoryThatMayNotBeWrittenSaysSo(t *testing.T) {
	t.Parallel()
	s := peer.StartSlapd(t, peer.SlapdOptions{})
	d := open(t, slapdConfig(s))
	err := d.ChangePassword(t.Context(), lookup(t, d, "outdated"), login.Cleartext(peer.UserPassword), login.Cleartext("long enough"))
	if outcome(err) != "password_expired" || !strings.Contains(detail(err), "it may not be changed: the service account needs the rights") {
		t.Errorf("got %v, want that the service account may not", err)
	}
	// Who can bind changes it herself.
	err = d.ChangePassword(t.Context(), lookup(t, d, "reset"), login.Cleartext(peer.UserPassword), login.Cleartext("long enough"))
	if outcome(err) != "yes" {
		t.Errorf("her own: got %v", err)
	}
}

func TestNothingIsChangedInClear(t *testing.T) {
	t.Parallel()
	s := peer.StartSlapd(t, peer.SlapdOptions{ChangePasswords: true})
	c := slapdConfig(s)
	c.Servers, c.Insecure = []string{s.URL}, true
	d := open(t, c)
	err := d.ChangePassword(t.Context(), lookup(t, d, "reset"), login.Cleartext(peer.UserPassword), login.Cleartext("long enough"))
	if outcome(err) != "undecided" || !strings.Contains(err.Error(), "without TLS") {
		t.Errorf("got %v, want a refusal without TLS", err)
	}
	if strings.Contains(s.Log(), "EXT oid=1.3.6.1.4.1.4203") {
		t.Error("it was asked")
	}
	if c.MayChange() == nil {
		t.Error("the configuration has nothing against it")
	}
}

func TestRulesOfOpenLDAP(t *testing.T) {
	t.Parallel()
	s := peer.StartSlapd(t, peer.SlapdOptions{})
	c := slapdConfig(s)
	for _, row := range []struct {
		user, usual string
		want        login.PasswordRules
	}{
		{"outdated", "", login.PasswordRules{MinLength: 5, History: 3}},
		{"alice", "", login.PasswordRules{}},
		{"alice", "cn=yearly,ou=policies," + peer.SlapdBase, login.PasswordRules{MinLength: 5, History: 3}},
		{"alice", "cn=gone,ou=policies," + peer.SlapdBase, login.PasswordRules{}},
	} {
		c.PasswordPolicy = row.usual
		d := open(t, c)
		if got, err := d.PasswordRules(t.Context(), lookup(t, d, row.user)); err != nil || got != row.want {
			t.Errorf("%s by %q: got %+v %v, want %+v", row.user, row.usual, got, err, row.want)
		}
	}
}

// A change whose answer is lost is not tried at another server: there the old
// password would be wrong, and she would be told so.
func TestALostAnswerIsNoDecisionAndNoSecondTry(t *testing.T) {
	t.Parallel()
	ca := peer.NewCA(t)
	cert := ca.Issue(t, peer.CertRequest{})
	silent := func(op byte, id int32, _ reader) []byte {
		if op == opBindRequest {
			return reply(id, opBindResponse, 0, "")
		}
		return nil
	}
	first, second := startFakeTLS(t, cert, silent), startFakeTLS(t, cert, silent)
	c := fakeConfig(first, second)
	c.CA, c.Timeout = ca.File, 2*time.Second
	d := open(t, c)
	err := d.ChangePassword(t.Context(), login.Account{ID: "x", DN: peer.UserDN("alice")}, "old secret", "new secret")
	if outcome(err) != "undecided" || !strings.Contains(err.Error(), "may have been changed") {
		t.Errorf("got %v, want that it may have been changed", err)
	}
	if ops := append(first.took(), second.took()...); !slices.Equal(ops, []byte{opBindRequest, opExtendedRequest}) {
		t.Errorf("asked %x, want one bind and one change", ops)
	}
}

func TestVerdictsOfAChange(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name string
		res  result
		want string
	}{
		{"changed", result{}, "yes"},
		{"ppolicy: too short", result{code: 19, policy: policyState{state: 7}}, "new_password_too_short"},
		{"ppolicy: too simple", result{code: 19, policy: policyState{state: 6}}, "new_password_too_weak"},
		{"ppolicy: too young", result{code: 19, policy: policyState{state: 8}}, "new_password_too_soon"},
		{"ppolicy: history", result{code: 19, policy: policyState{state: 9}}, "new_password_used_before"},
		{"ppolicy: nobody may", result{code: 53, policy: policyState{state: 4}}, "password_expired"},
		{"another constraint", result{code: 19, diagnostic: "no"}, "new_password_refused"},
		{"Samba: too short", result{code: 19, diagnostic: "0000052D: Constraint violation - check_password_restrictions: the password is too short. It should be equal or longer than 7 characters!"}, "new_password_too_short"},
		{"Samba: too simple", result{code: 19, diagnostic: "0000052D: Constraint violation - check_password_restrictions: the password does not meet the complexity criteria!"}, "new_password_too_weak"},
		{"Samba: history", result{code: 19, diagnostic: "0000052D: Constraint violation - check_password_restrictions: the password was already used (in history)!"}, "new_password_used_before"},
		{"Samba: too young", result{code: 19, diagnostic: "0000052D: Constraint violation - check_password_restrictions: password is too young to change!"}, "new_password_too_soon"},
		{"Windows does not say why", result{code: 19, diagnostic: "0000052D: AtrErr: DSID-03191083, #1: 0: 0000052D: DSID-03191083, problem 1005 (CONSTRAINT_ATT_TYPE), data 0, Att 9005a (unicodePwd)"}, "new_password_refused"},
		{"nor when it is unwilling", result{code: 53, diagnostic: "0000052D: SvcErr: DSID-031A12D2, problem 5003 (WILL_NOT_PERFORM), data 0"}, "new_password_refused"},
		{"Windows: the old one is wrong", result{code: 19, diagnostic: "00000056: AtrErr: DSID-03191083, #1: 0: 00000056"}, "bad_password"},
		{"Samba: locked", result{code: 19, diagnostic: "00000775: Password change not permitted, account locked out!"}, "locked_by_directory"},
		{"Windows: no TLS", result{code: 53, diagnostic: "0000001F: SvcErr: DSID-031A12D2, problem 5003 (WILL_NOT_PERFORM), data 0"}, "undecided"},
		{"the account may not", result{code: 50}, "password_expired"},
		{"busy", result{code: 51}, "undecided"},
		{"a code nobody knows", result{code: 80}, "undecided"},
	} {
		if got := outcome(row.res.changeVerdict()); got != row.want {
			t.Errorf("%s: got %s, want %s", row.name, got, row.want)
		}
	}
}
