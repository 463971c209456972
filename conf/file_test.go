package conf

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// What a rule says of other sections is told at its own line, however many rules
// there are.
func TestWhatARuleNamesIsToldWhereItStands(t *testing.T) {
	for name, row := range map[string]struct {
		lines string // of the second rule
		want  string
	}{
		"a client":           {`clients = ["vnp"]`, `rule[1].clients: there is no [[client]] named "vnp": the names are windows`},
		"a group of clients": {`client_groups = ["vnp"]`, `rule[1].client_groups: no [[client]] has the group "vnp"`},
		"a factor":           {`factors = ["sns"]`, `rule[1].factors: there is no factor "sns": the factors`},
		"a factor to enroll": {"unenrolled = \"enroll\"\nenroll_factors = [\"email\"]", `rule[1].enroll_factors: "email" cannot be enrolled`},
		"accounting":         {"remember = \"2h\"\nforget_on_logout = true", `rule[1].forget_on_logout: without accounting`},
		"what another server checks": {
			"clients = [\"windows\"]\nremember = \"2h\"\n[[upstream.server]]\nname = \"nps\"", `rule[1].remember: nothing is remembered of client "windows"`,
		},
	} {
		path := filepath.Join(t.TempDir(), "portvakt.toml")
		text := "[[client]]\nname = \"windows\"\nmethods = [\"mschapv2\"]\n[[rule]]\nusers = [\"first\"]\n[[rule]]\nusers = [\"second\"]\n" + row.lines + "\n[[rule]]\nusers = [\"third\"]\n"
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, warnings, err := LoadFile(path)
		ps, ok := errors.AsType[Problems](err)
		if !ok {
			t.Fatalf("%s: %v", name, err)
		}
		own, _, _ := strings.Cut(row.lines, "\n[[") // another section
		at := 8 + strings.Count(own, "\n")
		if !slices.ContainsFunc(slices.Concat(ps, warnings), func(p Problem) bool {
			return p.Place.Line == at && strings.Contains(p.String(), row.want)
		}) {
			t.Errorf("%s: want %q at line %d:\n%v\n%v", name, row.want, at, err, warnings)
		}
	}
}

// Devices are remembered of clients whose methods only prove the password, too:
// only where another server checks it there is a warning.
func TestAProofIsRememberedWhereItIsCheckedHere(t *testing.T) {
	for name, row := range map[string]struct {
		client, more string
		warned       bool
	}{
		"checked here":        {`methods = ["mschapv2"]`, "", false},
		"checked elsewhere":   {`methods = ["mschapv2", "chap"]`, "[[upstream.server]]\nname = \"nps\"\n", true},
		"a password, on loan": {`methods = ["pap", "mschapv2"]`, "[[upstream.server]]\nname = \"nps\"\n", false},
	} {
		path := filepath.Join(t.TempDir(), "portvakt.toml")
		text := "[[client]]\nname = \"windows\"\n" + row.client + "\n[[rule]]\nclients = [\"windows\"]\nremember = \"2h\"\n" + row.more
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, warnings, _ := LoadFile(path)
		warned := slices.ContainsFunc(warnings, func(p Problem) bool { return strings.Contains(p.String(), "nothing is remembered") })
		if warned != row.warned {
			t.Errorf("%s: warned %v: %v", name, warned, warnings)
		}
	}
}

// What is wrong with a rule is told once, and where it stands, also when its
// name or its keys could be those of another.
func TestAProblemOfARuleIsToldOnce(t *testing.T) {
	for name, row := range map[string]struct {
		rules string
		want  []int // lines
	}{
		"with a name":            {"[[rule]]\nname = \"staff\"\ncall = \"shout\"\n", []int{3}},
		"without one":            {"[[rule]]\ncall = \"shout\"\n", []int{2}},
		"with capitals":          {"[[Rule]]\nName = \"staff\"\nCall = \"shout\"\n", []int{3}},
		"two of the same name":   {"[[rule]]\nname = \"a\"\nusers = [\"x\"]\ncall = \"shout\"\n[[rule]]\nname = \"a\"\ncall = \"shout\"\n", []int{4, 7}},
		"two, of which one is":   {"[[rule]]\nname = \"a\"\nusers = [\"x\"]\n[[rule]]\nname = \"a\"\ncall = \"shout\"\n", []int{6}},
		"with several mistakes":  {"[[rule]]\nname = \"a\"\ncall = \"shout\"\nbefore = \"x\"\n", []int{3}},
		"in one line":            {"rule = [{name = \"a\", call = \"shout\"}]\n", []int{1}},
		"of what is not a text":  {"[[rule]]\ncall = 5\n", []int{2}},
		"that has no such thing": {"[[rule]]\ncall = \"match\"\n", nil},
	} {
		path := filepath.Join(t.TempDir(), "portvakt.toml")
		if err := os.WriteFile(path, []byte(row.rules), 0o600); err != nil {
			t.Fatal(err)
		}
		_, _, err := LoadFile(path)
		ps, ok := errors.AsType[Problems](err)
		if !ok {
			t.Fatalf("%s: %v", name, err)
		}
		var got []int
		for _, p := range ps {
			if text := strings.ToLower(p.String()); strings.Contains(text, "call") && !strings.Contains(text, "can never decide") {
				got = append(got, p.Place.Line)
			}
		}
		if !slices.Equal(got, row.want) {
			t.Errorf("%s: told in lines %v, want %v:\n%v", name, got, row.want, err)
		}
	}
}

// Two rules of one name are told at both places.
func TestRulesHaveNamesOfTheirOwn(t *testing.T) {
	path := filepath.Join(t.TempDir(), "portvakt.toml")
	rules := "[[rule]]\nname = \"a\"\nusers = [\"x\"]\n[[rule]]\nname = \"b\"\nusers = [\"y\"]\n[[rule]]\nname = \"a\"\n[[rule]]\nusers = [\"z\"]\nname = \"b\"\n"
	if err := os.WriteFile(path, []byte(rules), 0o600); err != nil {
		t.Fatal(err)
	}
	_, _, err := LoadFile(path)
	ps, _ := errors.AsType[Problems](err)
	var lines []int
	for _, p := range ps {
		if strings.Contains(p.Text, "give each its own") {
			lines = append(lines, p.Place.Line)
		}
	}
	if want := []int{2, 5, 8, 11}; !slices.Equal(lines, want) {
		t.Errorf("told in lines %v, want %v:\n%v", lines, want, err)
	}
}
