package ldapauth

import (
	"testing"
	"time"
)

func TestWhenAnAccountWasUsed(t *testing.T) {
	type value struct{ attribute, value string }
	for _, c := range []struct {
		name   string
		kind   string
		values []value
		want   string // "" for not known
	}{
		{"Active Directory", KindAD, []value{{"whenCreated", "20200102030405.0Z"}, {"lastLogonTimestamp", "133444736000000000"}}, "2023-11-14T22:13:20Z"},
		{"an account there that was never used", KindAD, []value{{"whenCreated", "20200102030405.0Z"}, {"lastLogonTimestamp", "0"}}, "2020-01-02T03:04:05Z"},
		{"OpenLDAP", KindOpenLDAP, []value{{"createTimestamp", "20200102030405Z"}, {"pwdLastSuccess", "20230405060708.123456Z"}}, "2023-04-05T06:07:08Z"},
		{"its overlay", KindOpenLDAP, []value{{"authtimestamp", "20230405060708Z"}}, "2023-04-05T06:07:08Z"},
		{"both, the later one counts", KindOpenLDAP, []value{{"authTimestamp", "20230405060708Z"}, {"pwdLastSuccess", "20210405060708Z"}}, "2023-04-05T06:07:08Z"},
		{"389 Directory Server", Kind389DS, []value{{"lastLoginTime", "20230405060708Z"}}, "2023-04-05T06:07:08Z"},
		{"FreeIPA", Kind389DS, []value{{"krbLastSuccessfulAuth", "20230405060708Z"}}, "2023-04-05T06:07:08Z"},
		{"nothing told", KindOpenLDAP, nil, ""},
		{"another directory's attribute", KindOpenLDAP, []value{{"lastLogonTimestamp", "133444736000000000"}}, ""},
		{"no time", KindOpenLDAP, []value{{"createTimestamp", "yesterday"}, {"pwdLastSuccess", "20231305060708Z"}, {"authTimestamp", "-5"}}, ""},
	} {
		var a activity
		names := Config{Kind: c.kind}.resolved().Attributes.LastLogon
		for _, v := range c.values {
			a.note(names, v.attribute, []byte(v.value))
		}
		got := ""
		if at := a.last(); !at.IsZero() {
			got = at.Format(time.RFC3339)
		}
		if got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
}

// What a directory sends never becomes a time that nothing can be compared with.
func FuzzInstant(f *testing.F) {
	for _, text := range []string{"133444736000000000", "20230405060708.5Z", "9223372036854775807", "0", "Z", "-1"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if at := instant(text); !at.IsZero() && (at.Year() < 0 || at.Year() > 31000) {
			t.Errorf("%q is %v", text, at)
		}
	})
}
