package house

import (
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// The attacks and faults that this version promises to have a test for. Numbers
// left out belong to what it does not do: EAP, the portal.
var (
	attacks = append(ids("S", 1, 38), "S-44", "S-45", "S-46", "S-47", "S-48", "S-49")
	faults  = ids("R", 1, 18, 20, 22, 24, 27)
)

// ids are the numbers of pairs of a first and a last one.
func ids(letter string, bounds ...int) []string {
	var all []string
	for i := 0; i < len(bounds); i += 2 {
		for n := bounds[i]; n <= bounds[i+1]; n++ {
			all = append(all, ident(letter, fmt.Sprint(n)))
		}
	}
	return all
}

func ident(letter, number string) string {
	if letter == "S" && len(number) == 1 {
		number = "0" + number
	}
	return letter + "-" + number
}

var (
	testFunc   = regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)\w*)\(`)
	attackFunc = regexp.MustCompile(`^TestS(\d\d)[A-Z]`)
	script     = regexp.MustCompile(`^# S-(\d\d): `)
)

// tests are the tests of a file: how a document names each, and the attack that
// its name or first line says it is, or "".
func tests(name, text string) map[string]string {
	found := make(map[string]string)
	switch {
	case strings.HasSuffix(name, ".txtar"):
		id := ""
		if m := script.FindStringSubmatch(text); m != nil {
			id = ident("S", m[1])
		}
		found[name] = id
	case strings.HasSuffix(name, "_test.go"):
		for _, m := range testFunc.FindAllStringSubmatch(text, -1) {
			id := ""
			if s := attackFunc.FindStringSubmatch(m[1]); s != nil {
				id = ident("S", s[1])
			}
			found[path.Dir(name)+"."+m[1]] = id
		}
	}
	return found
}

var (
	attackRow = regexp.MustCompile(`(?m)^\| ([SR])-(\d+) \| *([^|\n]+?) *\|([^|\n]*)\|$`)
	inTicks   = regexp.MustCompile("`([^`]+)`")
)

// tabled are the tests that each row of a document names, by its number.
func tabled(document string) map[string][]string {
	rows := make(map[string][]string)
	for _, m := range attackRow.FindAllStringSubmatch(document, -1) {
		id := m[1] + "-" + m[2]
		rows[id] = append(rows[id], []string{}...)
		for _, name := range inTicks.FindAllStringSubmatch(m[4], -1) {
			rows[id] = append(rows[id], name[1])
		}
	}
	return rows
}

func TestAttacksAreRecognised(t *testing.T) {
	source := "package p\n\nfunc TestS02Replay(t *testing.T) {}\n\nfunc TestSend(t *testing.T) {}\n\nfunc helper() {}\n\nfunc TestS3(t *testing.T) {}\n"
	got := tests("a/b_test.go", source)
	want := map[string]string{"a.TestS02Replay": "S-02", "a.TestSend": "", "a.TestS3": ""}
	if !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if got := tests("a/x.txtar", "# S-44: careless\n# more\n"); got["a/x.txtar"] != "S-44" {
		t.Errorf("a script: got %v", got)
	}
	if got := tests("a/x.txtar", "# A sign-in.\n# S-44: not first\n"); got["a/x.txtar"] != "" {
		t.Errorf("a script that is none: got %v", got)
	}
	document := "| Id | Attack | Tests |\n|---|---|---|\n| S-01 | a code `again` | `a.TestX`, `b.TestY` |\n| R-1 | silence | |\n| S-02 | none\n"
	rows := tabled(document)
	if len(rows) != 2 || !slices.Equal(rows["S-01"], []string{"a.TestX", "b.TestY"}) || rows["R-1"] != nil {
		t.Errorf("rows: got %q", rows)
	}
	if got := ids("S", 9, 10, 44, 44); !slices.Equal(got, []string{"S-09", "S-10", "S-44"}) {
		t.Errorf("ids: got %q", got)
	}
}

// A promise is kept by a test that can be found under its number, and the
// document leads to each of them.
func TestEachAttackAndFaultHasATest(t *testing.T) {
	all := make(map[string]string)
	for name, text := range files(t, func(name string) bool {
		return strings.HasSuffix(name, "_test.go") || strings.HasSuffix(name, ".txtar")
	}) {
		if !strings.HasPrefix(name, "e2e/house/") {
			maps.Copy(all, tests(name, text))
		}
	}
	rows := tabled(read(t, "docs/attacks.md"))
	for _, id := range slices.Concat(attacks, faults) {
		if len(rows[id]) == 0 {
			t.Errorf("docs/attacks.md names no test for %s", id)
		}
	}
	named := make(map[string]bool)
	for _, id := range slices.Sorted(maps.Keys(rows)) {
		if !slices.Contains(attacks, id) && !slices.Contains(faults, id) {
			t.Errorf("docs/attacks.md has a row %s, which nobody has promised", id)
		}
		for _, name := range rows[id] {
			if _, ok := all[name]; !ok {
				t.Errorf("docs/attacks.md names %s for %s, which is not there", name, id)
			}
			named[id+" "+name] = true
		}
	}
	tested := make(map[string]bool)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		id := all[name]
		tested[id] = true
		if slices.Contains(attacks, id) && !named[id+" "+name] {
			t.Errorf("docs/attacks.md does not name %s for %s", name, id)
		}
	}
	for _, id := range attacks {
		if !tested[id] {
			t.Errorf("no test is named for %s: write func Test%s… or a script that begins \"# %s: \"", id, strings.ReplaceAll(id, "-", ""), id)
		}
	}
}
