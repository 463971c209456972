package conf

import (
	"regexp"
	"strings"
	"testing"
)

// commented are the lines of the example that hold a key or header behind "#".
var commented = regexp.MustCompile(`(?m)^# ?(\[.*|[a-z_]+ *= .*)$`)

func TestTheExampleIsWellFormedAlsoWhenUncommented(t *testing.T) {
	for name, text := range map[string]string{
		"as it is":    example,
		"uncommented": commented.ReplaceAllString(example, "$1"),
	} {
		s, wrong := scan("example", []byte(text))
		if len(wrong) > 0 || len(s.problems) > 0 {
			t.Errorf("%s: got %v and %v, want no problem", name, wrong, s.problems)
			continue
		}
		sections := strings.Join(s.root.order, " ")
		want := "server store ldap client rule totp texts log attempts"
		if name == "uncommented" {
			want = "server store ldap upstream client rule reply totp sms phone call email texts log attempts emergency"
		}
		if sections != want {
			t.Errorf("%s: got sections %q, want %q", name, sections, want)
		}
	}
}

func TestTheExampleHasNoKeyOfALaterVersion(t *testing.T) {
	s, _ := scan("example", []byte(commented.ReplaceAllString(example, "$1")))
	l := &loader{later: map[string][]string{}, told: map[string]bool{}}
	LaterVersions()(l)
	var walk func(n *node, plain string)
	walk = func(n *node, plain string) {
		l.isLater(n, plain)
		for key, c := range n.children {
			walk(c, join(plain, key))
		}
		for _, e := range n.elements {
			walk(e, plain)
		}
	}
	walk(s.root, "")
	if len(l.problems) > 0 {
		t.Errorf("got %v, want none", l.problems)
	}
}
