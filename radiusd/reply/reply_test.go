package reply

import (
	"fmt"
	"strings"
	"testing"

	"github.com/portvakt/portvakt/login"
	"github.com/portvakt/portvakt/radiusd/dictionary"
)

func load(t testing.TB) *dictionary.Dictionary {
	t.Helper()
	d, err := dictionary.Load()
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// lines is what a device would be told, one attribute after the other.
func lines(d *dictionary.Dictionary, avps []byte) string {
	var all []string
	for _, v := range d.Decode(avps) {
		all = append(all, v.String())
	}
	return strings.Join(all, "; ")
}

var (
	admins = "cn=admins,ou=groups,dc=example,dc=org"
	staff  = "cn=Staff Members,ou=groups,dc=example,dc=org"
	alice  = login.Account{Name: "alice", Mail: "alice@example.org", Groups: []string{
		"CN=Admins, OU=Groups, DC=Example, DC=org", staff, "CN=Staff Members,OU=Groups,DC=Example,DC=Org",
	}}
	bob = login.Account{Name: "bob", Groups: []string{staff}}
)

type attrs = map[string]any

func TestRulesTellTheDevice(t *testing.T) {
	t.Parallel()
	d := load(t)
	for _, row := range []struct {
		rule   string
		rules  []RuleConfig
		client string
		who    login.Account
		want   string
	}{
		{"no rules say nothing", nil, "vpn", alice, ""},
		{
			"the example of the manual",
			[]RuleConfig{{Clients: []string{"vpn"}, Groups: []string{admins}, Attributes: attrs{"class": "admins", "filter-id": "full", "fortinet-group-name": "vpn-admins"}}},
			"vpn", alice, `Class = "admins"; Filter-Id = "full"; Fortinet-Group-Name = "vpn-admins"`,
		},
		{"another client is not told", []RuleConfig{{Clients: []string{"vpn"}, Attributes: attrs{"Class": "x"}}}, "wifi", alice, ""},
		{"somebody outside the group is not told", []RuleConfig{{Groups: []string{admins}, Attributes: attrs{"Class": "x"}}}, "vpn", bob, ""},
		{"one of several groups is enough", []RuleConfig{{Groups: []string{admins, staff}, Attributes: attrs{"Class": "x"}}}, "vpn", bob, `Class = "x"`},
		{"users match in any case", []RuleConfig{{Users: []string{"BOB"}, Attributes: attrs{"Class": "x"}}}, "vpn", bob, `Class = "x"`},
		{"users and groups must both match", []RuleConfig{{Users: []string{"bob"}, Groups: []string{admins}, Attributes: attrs{"Class": "x"}}}, "vpn", bob, ""},
		{"a rule without lists is for everybody", []RuleConfig{{Attributes: attrs{"Class": "x"}}}, "vpn", login.Account{}, `Class = "x"`},
		{
			"the earlier rule wins an attribute, the later one fills the others",
			[]RuleConfig{{Groups: []string{admins}, Attributes: attrs{"Class": "admins"}}, {Attributes: attrs{"Class": "staff", "Filter-Id": "all"}}},
			"vpn", alice, `Class = "admins"; Filter-Id = "all"`,
		},
		{
			"add keeps what is there",
			[]RuleConfig{{Groups: []string{admins}, Attributes: attrs{"Class": "admins"}}, {Add: true, Attributes: attrs{"Class": "staff"}}, {Attributes: attrs{"Class": "rest"}}},
			"vpn", alice, `Class = "admins"; Class = "staff"`,
		},
		{
			"an attribute that came to nothing is free for the next rule",
			[]RuleConfig{{Attributes: attrs{"Class": "{mail}"}}, {Attributes: attrs{"Class": "no mail"}}},
			"vpn", bob, `Class = "no mail"`,
		},
		{
			"tags make groups of their own",
			[]RuleConfig{{Attributes: attrs{"Tunnel-Type:1": "VLAN", "Tunnel-Medium-Type:1": "IEEE-802", "Tunnel-Private-Group-ID:1": 42}}, {Attributes: attrs{"tunnel-type:2": 13, "tunnel-type:1": 3}}},
			"wifi", alice, `Tunnel-Medium-Type:1 = IEEE-802; Tunnel-Private-Group-Id:1 = "42"; Tunnel-Type:1 = VLAN; Tunnel-Type:2 = VLAN`,
		},
		{
			"a list is sent as several attributes",
			[]RuleConfig{{Attributes: attrs{"Cisco-AVPair": []any{"shell:priv-lvl=15", "shell:roles=network-admin"}, "Session-Timeout": int64(3600)}}},
			"vpn", alice, `Cisco-AVPair = "shell:priv-lvl=15"; Cisco-AVPair = "shell:roles=network-admin"; Session-Timeout = 3600`,
		},
		{"templates name the person", []RuleConfig{{Attributes: attrs{"Reply-Message": "Hello {user} <{mail}> {{x}}"}}}, "vpn", alice, `Reply-Message = "Hello alice <alice@example.org> {x}"`},
		{"a template of groups makes one attribute for each, once", []RuleConfig{{Attributes: attrs{"Fortinet-Group-Name": "{groups:cn}"}}}, "vpn", alice, `Fortinet-Group-Name = "Admins"; Fortinet-Group-Name = "Staff Members"`},
		{"a template of groups without groups makes none", []RuleConfig{{Attributes: attrs{"Class": "{groups:cn}"}}}, "vpn", login.Account{Name: "x"}, ""},
		{"the directory's 0x is four characters, not an octet", []RuleConfig{{Attributes: attrs{"Class": "{user}"}}}, "vpn", login.Account{Name: "0x41"}, `Class = "0x41"`},
	} {
		r, err := New(row.rules, d)
		if err != nil {
			t.Errorf("%s: %v", row.rule, err)
			continue
		}
		avps, err := r.For(row.client, row.who)
		if got := lines(d, avps); got != row.want || err != nil {
			t.Errorf("%s: got %s (%v), want %s", row.rule, got, err, row.want)
		}
	}
}

func TestNewReportsEveryProblemAtOnce(t *testing.T) {
	t.Parallel()
	many := make([]any, 30)
	for i := range many {
		many[i] = fmt.Sprintf("%0200d", i)
	}
	rules := Config{
		{Name: "vpn admins", Clients: []string{""}, Groups: []string{"admins"}, Attributes: attrs{"Fortinet-Grp-Name": "x", "Session-Timeout": "8h"}},
		{},
		{Attributes: attrs{"State": "x", "Message-Authenticator": "x", "Proxy-State": "x", "User-Password": "x", "EAP-Message": "x", "MS-MPPE-Send-Key": "x"}},
		{Attributes: attrs{"Calling-Station-Id": "x", "Tunnel-Password": "x"}},
		{Attributes: attrs{"Class": true, "Filter-Id": 1.5, "Reply-Message": []any{}, "Callback-Id": []any{[]any{"x"}}}},
		{Attributes: attrs{"Class": "{password}", "Filter-Id": "{user", "Session-Timeout": "{user}", "Callback-Id": "{user}\x00"}},
		{Attributes: attrs{"Class": many}},
		{Attributes: attrs{"Class:1": "x", "Tunnel-Type:0": "VLAN", "Tunnel-Type:32": "VLAN", "Tunnel-Type:x": "VLAN"}},
		{Attributes: attrs{"Class": "x", "class": "y"}},
		{Attributes: attrs{"Class": "nul\x00", "Filter-Id": strings.Repeat("x", 4096), "Reply-Message": "\xff"}},
		{Pass: []string{"Class", "Sate", "State", "MS-MPPE-Send-Key", "Tunnel-Password", "User-Name", "Calling-Station-Id"}},
	}
	err := rules.Validate()
	if err == nil {
		t.Fatal("nothing was reported")
	}
	got := strings.Split(err.Error(), "\n")
	want := []string{
		`reply rule 1 ("vpn admins"): clients: a name is empty`,
		`reply rule 1 ("vpn admins"): groups: "admins": no distinguished name; write the group's full name`,
		`reply rule 1 ("vpn admins"): attributes: no attribute is called "Fortinet-Grp-Name"; did you mean`,
		`reply rule 1 ("vpn admins"): attributes: Session-Timeout: "8h" is no number`,
		`reply rule 2: attributes: none; write`,
		`reply rule 3: attributes: EAP-Message: is made by the server itself`,
		`reply rule 3: attributes: MS-MPPE-Send-Key: is made by the server itself`,
		`reply rule 3: attributes: Message-Authenticator: is made by the server itself`,
		`reply rule 3: attributes: Proxy-State: is made by the server itself`,
		`reply rule 3: attributes: State: is made by the server itself`,
		`reply rule 3: attributes: User-Password: is made by the server itself`,
		`reply rule 4: attributes: Calling-Station-Id: is sent by devices`,
		`reply rule 4: attributes: Tunnel-Password: is encrypted`,
		`reply rule 5: attributes: Callback-Id: a list in a list`,
		`reply rule 5: attributes: Class: true and false`,
		`reply rule 5: attributes: Filter-Id: a value of type float64`,
		`reply rule 5: attributes: Reply-Message: an empty list`,
		`reply rule 6: attributes: Callback-Id: contains the control character`,
		`reply rule 6: attributes: Class: a brace opens none`,
		`reply rule 6: attributes: Filter-Id: a brace opens none`,
		`reply rule 6: attributes: Session-Timeout: only texts`,
		`reply rule 7: attributes: 6060 octets together`,
		`reply rule 8: attributes: Class: has no tag`,
		`reply rule 8: attributes: Tunnel-Type:0: behind the colon`,
		`reply rule 8: attributes: Tunnel-Type:32: behind the colon`,
		`reply rule 8: attributes: Tunnel-Type:x: behind the colon`,
		`reply rule 9: attributes: Class and class are the same attribute`,
		`reply rule 10: attributes: Class: contains the control character`,
		`reply rule 10: attributes: Filter-Id: 4096 octets are too long`,
		`reply rule 10: attributes: Reply-Message: is not UTF-8`,
		`reply rule 11: pass: no attribute is called "Sate"; did you mean State`,
		`reply rule 11: pass: State: is good between two neighbours only`,
		`reply rule 11: pass: MS-MPPE-Send-Key: is good between`,
		`reply rule 11: pass: Tunnel-Password: is good between`,
		`reply rule 11: pass: Calling-Station-Id: is sent by devices`,
	}
	for i := range max(len(got), len(want)) {
		if i >= len(got) || i >= len(want) || !strings.HasPrefix(got[i], want[i]) {
			t.Fatalf("problem %d differs\ngot:\n%s\nwant:\n%s", i, strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	}
}

// A directory's value must not become a second attribute, a cut name, or a
// packet that the device throws away.
func TestS32HostileDirectoryValuesAreLeftOut(t *testing.T) {
	t.Parallel()
	d := load(t)
	r, err := New(Config{{Attributes: attrs{"Class": "{user}", "Filter-Id": "all", "Fortinet-Group-Name": "{groups:cn}"}}}, d)
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		name, group string
		want        string
		reported    bool
	}{
		{"alice", "cn=a", `Class = "alice"; Filter-Id = "all"; Fortinet-Group-Name = "a"`, false},
		{"alice\x00", "cn=a", `Filter-Id = "all"; Fortinet-Group-Name = "a"`, true},
		{"al\nice", "cn=a", `Filter-Id = "all"; Fortinet-Group-Name = "a"`, true},
		{"al\xffice", "cn=a", `Filter-Id = "all"; Fortinet-Group-Name = "a"`, true},
		{strings.Repeat("x", 4096), "cn=a", `Filter-Id = "all"; Fortinet-Group-Name = "a"`, true},
		{"alice", `cn=a\00b`, `Class = "alice"; Filter-Id = "all"`, true},
		{"alice", `cn=a\0Ab`, `Class = "alice"; Filter-Id = "all"`, true},
		{"alice", "cn=" + strings.Repeat("x", 248), `Class = "alice"; Filter-Id = "all"`, true},
		{"alice", "not a name", `Class = "alice"; Filter-Id = "all"`, false},
		{"alice", `cn=a\,b`, `Class = "alice"; Filter-Id = "all"; Fortinet-Group-Name = "a,b"`, false},
	} {
		avps, err := r.For("vpn", login.Account{Name: row.name, Groups: []string{row.group}})
		if got := lines(d, avps); got != row.want || (err != nil) != row.reported {
			t.Errorf("%.20q in %.20q: got %s (%v), want %s", row.name, row.group, got, err, row.want)
		}
		if err != nil && len(err.Error()) > 500 {
			t.Errorf("%.20q: the report has %d octets", row.name, len(err.Error()))
		}
	}
}

// A broader rule must not decide what a narrower one has decided and could not
// send.
func TestS32AValueLeftOutIsNotReplacedByALaterRule(t *testing.T) {
	t.Parallel()
	d := load(t)
	r, err := New(Config{{Attributes: attrs{"Class": "{user}"}}, {Attributes: attrs{"Class": "everybody", "Filter-Id": "all"}}}, d)
	if err != nil {
		t.Fatal(err)
	}
	avps, err := r.For("vpn", login.Account{Name: "al\x00ice"})
	if got, want := lines(d, avps), `Filter-Id = "all"`; got != want || err == nil {
		t.Errorf("got %s (%v), want %s and a report", got, err, want)
	}
}

func TestAReplyIsBounded(t *testing.T) {
	t.Parallel()
	d := load(t)
	r, err := New(Config{{Attributes: attrs{"Class": "{groups:cn}"}}, {Attributes: attrs{"Filter-Id": "all"}}}, d)
	if err != nil {
		t.Fatal(err)
	}
	var groups []string
	for i := range 5000 {
		groups = append(groups, fmt.Sprintf("cn=%0100d,dc=example", i))
	}
	avps, err := r.For("vpn", login.Account{Name: "alice", Groups: groups})
	if len(avps) > MaxOctets || len(avps) < MaxOctets-102 || err == nil || !strings.Contains(err.Error(), "did not fit") {
		t.Errorf("got %d octets and %v, want at most %d and a report", len(avps), err, MaxOctets)
	}
	if got := lines(d, avps); strings.Contains(got, "Malformed") || !strings.HasSuffix(got, `Filter-Id = "all"`) {
		t.Errorf("the reply is not whole: …%s", got[max(0, len(got)-200):])
	}
}
