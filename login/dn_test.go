package login

import (
	"strings"
	"testing"
)

func TestGroupsMatchHoweverTheirNameIsSpelled(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		a, b string
		same bool
	}{
		{"cn=admins,dc=example", "CN=Admins,DC=Example", true},
		{"cn=admins,dc=example", "cn = admins , dc = example", true},
		{"cn=admins,dc=example", "cn=admins;dc=example", true},
		{"cn=big  group,dc=example", "cn=big group,dc=example", true},
		{`cn=a\,b,dc=example`, `cn=a\2Cb,dc=example`, true},
		{`cn=b\C3\A6r,dc=example`, "cn=BÆR,dc=example", true},
		{`cn=a\ ,dc=example`, "cn=a,dc=example", true}, // RFC 4518, section 2.6.1: outer spaces do not count
		{"cn=a+ou=b,dc=example", "OU=b + CN=a,dc=example", true},
		{"cn=admins,dc=example", "cn=admins,dc=example,dc=org", false},
		{"cn=admins,dc=example", "ou=admins,dc=example", false},
		{`cn=a\,dc\=example`, "cn=a,dc=example", false},
		{`cn=a\2Cdc=example`, "cn=a,dc=example", false},
		{"cn=a+ou=b,dc=example", "cn=a,ou=b,dc=example", false},
		{`cn=a"\,dc\="x`, "cn=a,dc=x", false},
		{"cn=,dc=example", "cn=x,dc=example", false},
	} {
		a, errA := NormalDN(row.a)
		b, errB := NormalDN(row.b)
		if same := errA == nil && errB == nil && a == b; same != row.same {
			t.Errorf("%s and %s: got %v, want %v (%s, %s)", row.a, row.b, same, row.same, a, b)
		}
	}
}

func TestWhatIsNoDistinguishedNameIsRefused(t *testing.T) {
	t.Parallel()
	for _, s := range []string{
		"", "admins", "=admins", "c n=admins", "cn=admins,", ",cn=admins", "cn=a,b", `cn=a\`, `cn=a\zz`, `cn="a"`, "cn=a\x00b",
		"cn=" + strings.Repeat("x", maxDN),
	} {
		if name, err := NormalDN(s); err == nil {
			t.Errorf("%.20q was read as %.40q", s, name)
		}
	}
}

func FuzzDN(f *testing.F) {
	f.Add("cn=admins,ou=groups,dc=example,dc=org")
	f.Add(`cn=a\2Cb\+c+ou= x \ ;dc=\C3\A6`)
	f.Add(`cn=#0403,x=\`)
	f.Fuzz(func(t *testing.T, s string) {
		normal, err := NormalDN(s)
		if err != nil {
			return
		}
		upper, err := NormalDN(" " + s + " ")
		if strings.HasSuffix(s, `\`) {
			return
		}
		if err != nil || upper != normal {
			t.Errorf("%q: %q and %q (%v)", s, normal, upper, err)
		}
		_ = CommonName(s)
	})
}
