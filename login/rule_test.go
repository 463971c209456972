package login

import (
	"net/netip"
	"strings"
	"testing"
	"time"
)

func TestEachConditionNarrowsARule(t *testing.T) {
	in := Via{Client: "vpn1", Group: "vpns", Station: "02-00-5e-10-00-01", Address: netip.MustParseAddr("10.9.0.1")}
	for _, c := range []struct {
		name string
		rule RuleConfig
		via  Via
		at   time.Time
		why  string // part of it; "" decides
	}{
		{"the client's group", RuleConfig{ClientGroups: []string{"vpns"}}, in, noon, ""},
		{"another client's group", RuleConfig{ClientGroups: []string{"wifi"}}, in, noon, "none of its client groups"},
		{"a client without a group is one of its own name", RuleConfig{ClientGroups: []string{"ssh"}}, Via{Client: "ssh"}, noon, ""},
		{"the station", RuleConfig{Stations: []string{"0200.5e*"}}, in, noon, ""},
		{"another station", RuleConfig{Stations: []string{"0200.5f*"}}, in, noon, "none of its stations"},
		{"no station told", RuleConfig{Stations: []string{"0200.5e*"}}, Via{Client: "vpn1"}, noon, "did not tell the device's Calling-Station-Id"},
		{"out of hours", RuleConfig{Hours: "13:00-14:00", Zone: "UTC"}, in, noon, "it is for 13:00-14:00, and in UTC it is"},
		{"before its end", RuleConfig{Until: noon.Add(time.Second)}, in, noon, ""},
		{"at its end", RuleConfig{Until: noon}, in, noon, "it ended on"},
		{"at its beginning", RuleConfig{From: noon}, in, noon, ""},
		{"a clock set back over its beginning", RuleConfig{From: noon}, in, noon.Add(-time.Nanosecond), "it begins on"},
		{"a clock set back years", RuleConfig{From: noon}, in, time.Unix(0, 0), "it begins on"},
		{"all that are given must match", RuleConfig{ClientGroups: []string{"vpns"}, Stations: []string{"x"}}, in, noon, "none of its stations"},
	} {
		c.rule.Name = "it"
		p, err := NewPolicy([]RuleConfig{c.rule})
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		d, trace := p.Explain(Account{Name: "eve"}, c.via, c.at)
		if (d.Rule == "it") != (c.why == "") || c.why != "" && !strings.Contains(trace[0].Passed, c.why) {
			t.Errorf("%s: got %q %+v, want %q", c.name, d.Rule, trace, c.why)
		}
		if got := p.For(Account{Name: "eve"}, c.via, c.at); got.Rule != d.Rule {
			t.Errorf("%s: decided by %q, explained as %q", c.name, got.Rule, d.Rule)
		}
	}
}

// A clock that jumps around the date changes the answer and nothing else: the
// decision depends on no time seen before.
func TestClockJumpsAroundTheDate(t *testing.T) {
	p, err := NewPolicy([]RuleConfig{{Name: "later", From: noon, Before: BeforeReport}})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		after time.Duration
		want  string
	}{{-time.Hour, SecondNone}, {0, SecondRequired}, {-time.Second, SecondNone}, {time.Hour, SecondRequired}, {-24 * time.Hour, SecondNone}} {
		d := p.For(Account{}, Via{}, noon.Add(c.after))
		if d.Second != c.want || (c.want == SecondNone) != (d.Later == SecondRequired) || d.Remind {
			t.Errorf("%v: got %+v, want %s", c.after, d, c.want)
		}
	}
}

func TestDangerousRulesAreRefused(t *testing.T) {
	staff := []string{"cn=staff,dc=example"}
	net := func(s string) []netip.Prefix { return []netip.Prefix{netip.MustParsePrefix(s)} }
	last := RuleConfig{Name: "last", Groups: staff, SecondFactor: SecondDeny}
	for _, c := range []struct {
		name  string
		rules []RuleConfig
		want  string // "" is none
	}{
		{"nobody is asked", []RuleConfig{{SecondFactor: SecondNone}}, "asks nobody for a second factor"},
		{"hours without a zone", []RuleConfig{{Hours: "07:00-18:00"}}, "no meaning without zone"},
		{"a zone without hours", []RuleConfig{{Zone: "UTC"}}, "is only for hours"},
		{"the machine's zone", []RuleConfig{{Hours: "07:00-18:00", Zone: "Local"}}, "another one on the next node"},
		{"hours nobody understands", []RuleConfig{{Hours: "often", Zone: "UTC"}}, `"often" is not understood`},
		{"an end before the beginning", []RuleConfig{{From: noon, Until: noon}}, "never in force"},
		{"a reminder of nothing", []RuleConfig{{Users: []string{"x"}, SecondFactor: SecondNone, From: noon, Before: BeforeRemind}}, "never asks for"},
		{"a pattern for everybody", []RuleConfig{{Stations: []string{"*"}}}, "every device"},

		{"of the name of another", []RuleConfig{{Name: "a", Groups: staff}, {}, {Name: "a"}}, `rule number 3: name: is "a", as that of rule number 1`},
		{"and at its place", []RuleConfig{{Name: "a", Groups: staff}, {}, {Name: "a"}}, `rule number 1: name: is "a", as that of rule number 3`},
		{"of the name that another gets", []RuleConfig{{Name: "rule 2", Groups: staff}, {Users: []string{"x"}}}, `rule number 2: name: is "rule 2"`},
		{"behind a rule for all", []RuleConfig{{Name: "all"}, last}, `rule "last": can never decide, as rule "all" before it`},
		{"behind a rule for all that reports", []RuleConfig{{Name: "all", From: noon, Before: BeforeReport}, last}, "can never decide"},
		{"behind a rule for all that begins later", []RuleConfig{{Name: "all", From: noon}, last}, ""},
		{"behind a rule for all that ends", []RuleConfig{{Name: "all", Until: noon}, last}, ""},
		{"both end at the same time", []RuleConfig{{Name: "all", Until: noon}, {Name: "b", Until: noon}}, "can never decide"},
		{"behind one for the same group in another spelling", []RuleConfig{{Name: "a", Groups: []string{"CN=Staff, DC=example"}}, last}, "can never decide"},
		{"behind one for another group", []RuleConfig{{Name: "a", Groups: []string{"cn=x,dc=example"}}, last}, ""},
		{"behind one for two of its groups", []RuleConfig{{Name: "a", Groups: append([]string{"cn=x,dc=example"}, staff...)}, last}, "can never decide"},
		{"one of two groups is still for it", []RuleConfig{last, {Name: "b", Groups: append([]string{"cn=x,dc=example"}, staff...)}}, ""},
		{"behind one for the same group at one client", []RuleConfig{{Name: "a", Groups: staff, Clients: []string{"vpn"}}, last}, ""},
		{"behind a wider network", []RuleConfig{{Name: "a", Networks: net("10.0.0.0/8")}, {Name: "b", Networks: net("10.9.0.0/16")}}, "can never decide"},
		{"before a wider network", []RuleConfig{{Name: "a", Networks: net("10.9.0.0/16")}, {Name: "b", Networks: net("10.0.0.0/8")}}, ""},
		{"behind one for certain hours", []RuleConfig{{Name: "a", Hours: "07:00-18:00", Zone: "UTC"}, last}, ""},
		{"behind one for the same hours", []RuleConfig{{Name: "a", Hours: "07:00-18:00", Zone: "UTC"}, {Name: "b", Hours: "07:00-18:00", Zone: "UTC"}}, "can never decide"},
	} {
		_, err := NewPolicy(c.rules)
		switch {
		case c.want == "" && err != nil:
			t.Errorf("%s: got %v", c.name, err)
		case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
			t.Errorf("%s: got %v, want it to tell %q", c.name, err, c.want)
		}
	}
}

func TestCarelessRulesAreWarnedOf(t *testing.T) {
	for _, c := range []struct {
		name string
		rule RuleConfig
		want string
	}{
		{"only what a device says of itself", RuleConfig{Stations: []string{"02-00-5e*"}, SecondFactor: SecondNone}, "anybody may say it"},
		{"a network beside it", RuleConfig{Stations: []string{"02-00-5e*"}, Networks: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}, SecondFactor: SecondNone}, ""},
		{"enrolled for all and for ever", RuleConfig{SecondFactor: SecondEnrolled}, "give it an end"},
		{"enrolled until a date", RuleConfig{SecondFactor: SecondEnrolled, Until: noon}, ""},
	} {
		got := strings.Join(c.rule.Warnings(), "\n")
		if (got == "") != (c.want == "") || !strings.Contains(got, c.want) {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
}
