package ldapauth

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/portvakt/portvakt/conf/secret"
	"github.com/portvakt/portvakt/e2e/peer"
	"github.com/portvakt/portvakt/login"
)

// policyEntry is an entry as a server sends it, of attributes and single values.
func policyEntry(t testing.TB, attributes ...string) entry {
	t.Helper()
	var w writer
	for i := 0; i < len(attributes); i += 2 {
		a := w.begin(tagSequence)
		w.text(tagOctets, attributes[i])
		s := w.begin(tagSet)
		w.text(tagOctets, attributes[i+1])
		w.end(s)
		w.end(a)
	}
	return entry{dn: []byte("cn=policy"), attrs: w.b}
}

func TestPoliciesAreRead(t *testing.T) {
	for _, c := range []struct {
		name  string
		of    []string
		after int
		over  time.Duration
		found bool
		bad   bool
	}{
		{"a domain", []string{"lockoutThreshold", "5", "lockOutObservationWindow", "-18000000000"}, 5, 30 * time.Minute, true, false},
		{"a domain that locks nobody", []string{"lockoutThreshold", "0", "lockOutObservationWindow", "-18000000000"}, 0, 30 * time.Minute, true, false},
		{"a domain that counts for ever", []string{"lockoutThreshold", "3", "lockOutObservationWindow", "-9223372036854775808"}, 3, forEver, true, false},
		{"a settings object", []string{"msDS-LockoutThreshold", "3", "msDS-LockoutObservationWindow", "-600000000"}, 3, time.Minute, true, false},
		{"a domain that shows nothing", []string{"dc", "example"}, 0, forEver, false, false},
		{"ppolicy", []string{"pwdLockout", "TRUE", "pwdMaxFailure", "6", "pwdFailureCountInterval", "900"}, 6, 15 * time.Minute, true, false},
		{"ppolicy that counts until a right one", []string{"pwdLockout", "TRUE", "pwdMaxFailure", "6", "pwdFailureCountInterval", "0"}, 6, forEver, true, false},
		{"ppolicy without an interval", []string{"pwdMaxFailure", "6"}, 6, forEver, true, false},
		{"ppolicy that locks nobody", []string{"pwdMaxFailure", "6", "pwdLockout", "FALSE"}, 0, 0, true, false},
		{"a number that is none", []string{"pwdMaxFailure", "many"}, 0, 0, false, true},
		{"a number out of range", []string{"lockoutThreshold", "99999999999"}, 0, 0, false, true},
		{"a time in the future", []string{"lockoutThreshold", "5", "lockOutObservationWindow", "1"}, 0, 0, false, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			l, found, err := lockoutOf(policyEntry(t, c.of...))
			if (err != nil) != c.bad {
				t.Fatalf("got error %v", err)
			}
			if err == nil && (l.After != c.after || l.Window != c.over || found != c.found) {
				t.Errorf("got %+v found %v, want %d within %v found %v", l, found, c.after, c.over, c.found)
			}
		})
	}
}

func FuzzLockout(f *testing.F) {
	f.Add("lockoutThreshold", "5")
	f.Add("lockOutObservationWindow", "-9223372036854775808")
	f.Add("pwdFailureCountInterval", "2147483647")
	f.Fuzz(func(t *testing.T, name, value string) {
		l, _, err := lockoutOf(policyEntry(t, "lockoutThreshold", "5", name, value))
		if err == nil && (l.After < 0 || l.Window < 0) {
			t.Errorf("%s: %s gives %+v", name, value, l)
		}
	})
}

func TestThePolicyOfOpenLDAP(t *testing.T) {
	t.Parallel()
	s := peer.StartSlapd(t, peer.SlapdOptions{})
	d := open(t, slapdConfig(s))
	if got := d.Lockout(); got != (login.Lockout{}) {
		t.Errorf("before it was read: %+v", got)
	}
	p, err := d.ReadLockout(t.Context())
	if err != nil || p.After != peer.SlapdLocksAfter || p.Window != 5*time.Minute || len(p.From) != 4 || p.Configured {
		t.Fatalf("got %+v, %v; want %d in 5 minutes, of 4 policies", p, err, peer.SlapdLocksAfter)
	}
	if d.Lockout() != p.Lockout {
		t.Errorf("in force is %+v", d.Lockout())
	}

	// The server locks as the policy says, and one less is what we may use.
	_, all, _ := p.Below()
	for i, user := range []string{"alice", "bob"} {
		a := lookup(t, d, user)
		for range all + i {
			if got := outcome(d.Verify(t.Context(), a, login.Cleartext("wrong"))); got != "bad_password" {
				t.Fatalf("%s: a wrong password: got %s", user, got)
			}
		}
		want := []string{"yes", "locked_by_directory"}[i]
		if got := outcome(d.Verify(t.Context(), a, login.Cleartext(peer.UserPassword))); got != want {
			t.Errorf("%s after %d wrong ones: got %s, want %s", user, all+i, got, want)
		}
	}

	t.Run("one that the service account cannot see", func(t *testing.T) {
		c := slapdConfig(s)
		c.BindDN, c.BindPassword = peer.UserDN("umlaut"), secret.New(peer.UmlautPassword)
		p, err := open(t, c).ReadLockout(t.Context())
		if err != nil || p.After != 0 || len(p.From) != 0 {
			t.Errorf("got %+v, %v; want nothing, and no error", p, err)
		}
	})
	t.Run("one that the configuration tells", func(t *testing.T) {
		c := slapdConfig(s)
		c.LockoutThreshold, c.LockoutWindow = 7, time.Hour
		d := open(t, c)
		p, err := d.ReadLockout(t.Context())
		if want := (login.Lockout{After: 7, Window: time.Hour}); err != nil || d.Lockout() != want || p.Lockout != want || !p.Configured {
			t.Errorf("got %+v, %v", p, err)
		}
	})
	t.Run("it is watched", func(t *testing.T) {
		d := open(t, slapdConfig(s))
		d.WatchLockout()
		d.WatchLockout()
		eventually(t, time.Minute, "the policy is read", func() bool { return d.Lockout().After == peer.SlapdLocksAfter })
	})
	t.Run("what was read stays while the directory is down", func(t *testing.T) {
		s.Stop()
		if _, err := d.ReadLockout(t.Context()); err == nil || d.Lockout().After != peer.SlapdLocksAfter {
			t.Errorf("got %+v, %v", d.Lockout(), err)
		}
	})
}

// The strictest of several policies counts.
func TestTheStrictestPolicyCounts(t *testing.T) {
	var p LockoutPolicy
	for _, l := range []login.Lockout{{}, {After: 10, Window: time.Minute}, {After: 4, Window: time.Hour}, {After: 6}} {
		p.add(l)
	}
	if p.After != 4 || p.Window != time.Hour {
		t.Errorf("got %+v", p.Lockout)
	}
}

func TestPoliciesAreToldInWords(t *testing.T) {
	for want, p := range map[string]LockoutPolicy{
		"no policy can be read":                                    {},
		"locks nobody for wrong passwords":                         {From: []string{"dc=example"}},
		"locks an account after 5 wrong passwords within 30m0s":    {Lockout: login.Lockout{After: 5, Window: 30 * time.Minute}},
		"locks an account after 5 wrong passwords within any time": {Lockout: login.Lockout{After: 5, Window: forEver}},
	} {
		if got := p.String(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestSettingsOfLockouts(t *testing.T) {
	for _, c := range []struct {
		threshold int
		window    time.Duration
		want      string
	}{
		{0, 0, ""},
		{5, 0, ""},
		{5, time.Hour, ""},
		{-1, 0, "lockout_threshold"},
		{1000, 0, "lockout_threshold"},
		{0, time.Hour, "lockout_window"},
		{5, -1, "lockout_window"},
	} {
		cfg := fakeConfig(&fake{URL: "ldap://127.0.0.1:1"})
		cfg.LockoutThreshold, cfg.LockoutWindow = c.threshold, c.window
		if err := cfg.Validate(); (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), "ldap."+c.want) {
			t.Errorf("%d, %v: got %v, want %q", c.threshold, c.window, err, c.want)
		}
	}
}

// A directory that answers something else decides nothing, and nothing changes.
func TestAPolicyThatCannotBeReadIsAnError(t *testing.T) {
	f := startFake(t, func(op byte, id int32, _ reader) []byte {
		if op == opBindRequest {
			return reply(id, opBindResponse, 0, "")
		}
		return reply(id, opSearchDone, 51, "busy")
	})
	d := open(t, fakeConfig(f))
	if p, err := d.ReadLockout(t.Context()); err == nil || p.After != 0 || d.lockout.Load() != nil {
		t.Errorf("got %+v, %v", p, err)
	}
	if !slices.Equal(f.took(), []byte{opBindRequest, opSearchRequest}) {
		t.Error("asked something else")
	}
}
