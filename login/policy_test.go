package login

import (
	"net/netip"
	"strings"
	"testing"
	"time"
)

func TestTheFirstRuleThatMatchesDecides(t *testing.T) {
	p, err := NewPolicy([]RuleConfig{
		{Name: "services", Groups: []string{"cn=services,dc=example"}, Networks: []netip.Prefix{netip.MustParsePrefix("10.9.0.0/16")}, SecondFactor: "none"},
		{Name: "later", Clients: []string{"vpn"}, From: noon, SecondFactor: "required"},
		{Name: "reminded", Clients: []string{"wifi"}, From: noon, Before: "remind", Factors: []string{"sms"}},
		{Name: "anna", Users: []string{"Anna"}, SecondFactor: "deny"},
	})
	if err != nil {
		t.Fatal(err)
	}
	service := Account{Name: "backup", Groups: []string{"CN=Services, DC=example"}}
	inside := netip.MustParseAddr("10.9.1.1")
	for _, c := range []struct {
		name    string
		account Account
		via     Via
		at      time.Time
		rule    string
		second  string
	}{
		{"a service account from its network", service, Via{Client: "ssh", Address: inside}, noon, "services", "none"},
		{"the same with an address mapped into IPv6", service, Via{Client: "ssh", Address: netip.AddrFrom16(inside.As16())}, noon, "services", "none"},
		{"the same from elsewhere", service, Via{Client: "ssh", Address: netip.MustParseAddr("10.8.1.1")}, noon, DefaultRule, "required"},
		{"the same when the client tells no address", service, Via{Client: "ssh"}, noon, DefaultRule, "required"},
		{"before its date a rule is passed over", Account{Name: "eve"}, Via{Client: "vpn"}, noon.Add(-time.Second), DefaultRule, "required"},
		{"from its date on it decides", Account{Name: "eve"}, Via{Client: "vpn"}, noon, "later", "required"},
		{"before its date a rule may let in and remind", Account{Name: "eve"}, Via{Client: "wifi"}, noon.Add(-time.Second), "reminded", "none"},
		{"a user in any case", Account{Name: "ANNA"}, Via{Client: "ssh"}, noon, "anna", "deny"},
	} {
		d := p.For(c.account, c.via, c.at)
		if d.Rule != c.rule || d.Second != c.second {
			t.Errorf("%s: got %s by %q, want %s by %q", c.name, d.Second, d.Rule, c.second, c.rule)
		}
		explained, trace := p.Explain(c.account, c.via, c.at)
		if explained.Rule != d.Rule || trace[len(trace)-1].Rule != d.Rule || trace[len(trace)-1].Passed != "" {
			t.Errorf("%s: explained as %+v", c.name, trace)
		}
	}
}

func TestEveryMistakeInRulesIsTold(t *testing.T) {
	_, err := NewPolicy([]RuleConfig{
		{Name: "a", SecondFactor: "maybe", Unenrolled: "allow"},
		{Before: "remind", Groups: []string{"admins"}},
		{Users: []string{"x"}, SecondFactor: "none", ExpiredPassword: "change"},
		{ExpiredPassword: "allow"},
	})
	if err == nil {
		t.Fatal("got no error")
	}
	for _, want := range []string{
		`rule "a"`, `"maybe" is not known`, "lets everybody in", "rule 2: ", "no meaning without from", "not a distinguished name",
		"rule 3: expired_password: \"change\" has no meaning with second_factor = \"none\"", `rule 4: expired_password: "allow" is not known`,
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("got %q, want it to tell %q", err, want)
		}
	}
}

func TestNobodyIsAdmittedWithoutProofs(t *testing.T) {
	a := Account{ID: "1"}
	right := passwordProof{account: "1"}
	for _, c := range []struct {
		name   string
		d      Decision
		p      passwordProof
		second *factorProof
		want   bool
	}{
		{"both factors", Decision{Second: SecondRequired}, right, &factorProof{account: "1", method: "totp"}, true},
		{"no password", Decision{Second: SecondNone}, passwordProof{}, &factorProof{account: "1", method: "totp"}, false},
		{"another account's password", Decision{Second: SecondNone}, passwordProof{account: "2"}, nil, false},
		{"another account's factor", Decision{Second: SecondRequired}, right, &factorProof{account: "2", method: "totp"}, false},
		{"a password that has expired", Decision{Second: SecondRequired}, passwordProof{account: "1", expired: true}, &factorProof{account: "1", method: "totp"}, false},
		{"one where none else is asked for", Decision{Second: SecondNone}, passwordProof{account: "1", expired: true}, nil, false},
		{"no second factor", Decision{Second: SecondRequired, Unenrolled: UnenrolledDeny}, right, nil, false},
		{"no second factor where none is asked for", Decision{Second: SecondNone}, right, nil, true},
		{"no second factor of somebody enrolled", Decision{Second: SecondEnrolled}, right, nil, false},
		{"nobody enrolled, and a rule that lets in", Decision{Second: SecondEnrolled, Reason: ReasonUnenrolledPass}, right, nil, true},
		{"nobody enrolled, and a rule that does not", Decision{Second: SecondRequired, Unenrolled: UnenrolledDeny, Reason: ReasonUnenrolledPass}, right, nil, false},
		{"a waiver without the password", Decision{Second: SecondRequired}, passwordProof{}, &factorProof{account: "1", waived: true}, false},
		{"another account's waiver", Decision{Second: SecondRequired}, right, &factorProof{account: "2", waived: true}, false},
		{"a waiver where the rule denies", Decision{Second: SecondDeny}, right, &factorProof{account: "1", waived: true}, false},
		{"both factors where the rule denies", Decision{Second: SecondDeny}, right, &factorProof{account: "1", method: "totp"}, false},
	} {
		got, err := admit(a, c.d, c.p, c.second, "")
		if got.Valid() != c.want || (err == nil) != c.want {
			t.Errorf("%s: got %v %v, want %v", c.name, got.Valid(), err, c.want)
		}
	}
	if (Accept{}).Valid() {
		t.Error("the zero Accept is valid")
	}
}
