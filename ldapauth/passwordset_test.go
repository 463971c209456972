package ldapauth

import (
	"strings"
	"testing"
)

// Of when a password was set only a change matters, in whatever form the
// directory has it and in whatever order it sends it.
func TestWhatTellsThatAPasswordWasSet(t *testing.T) {
	t.Parallel()
	set := func(attrs ...string) string {
		t.Helper()
		a, err := accountOf(t, Attributes{}, "cn=a", append([]string{"entryUUID", "x"}, attrs...)...)
		if err != nil {
			t.Fatal(err)
		}
		return a.PasswordSet
	}
	for _, attribute := range passwordSetAttributes {
		before := set(attribute, "133444736000000001")
		if again := set("uid", "a", strings.ToUpper(attribute), "133444736000000001"); before == "" || again != before {
			t.Errorf("%s: %q and then %q", attribute, before, again)
		}
		if after := set(attribute, "133444736000000002"); after == before {
			t.Errorf("%s: a change is not seen", attribute)
		}
	}
	both := set("sambaPwdLastSet", "1700000000", "pwdChangedTime", "20231114221320Z")
	if other := set("pwdChangedTime", "20231114221320Z", "sambaPwdLastSet", "1700000000"); other != both {
		t.Errorf("in another order it is %q, not %q", other, both)
	}
	if one := set("sambaPwdLastSet", "1700000000"); one == both {
		t.Error("of two times one is not looked at")
	}
	if got := set("mail", "1", "pwdChangedTime", strings.Repeat("2", maxPasswordSet+1)); got != "" {
		t.Errorf("what is no time is taken for one: %q", got)
	}
}
