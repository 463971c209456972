package house

import (
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// direct returns the modules that a go.mod requires without "// indirect".
func direct(mod string) []string {
	var modules []string
	block := false
	for line := range strings.Lines(mod) {
		line = strings.TrimSpace(line)
		switch {
		case line == "require (":
			block = true
		case line == ")":
			block = false
		case strings.HasPrefix(line, "require "):
			line = strings.TrimPrefix(line, "require ")
			fallthrough
		case block:
			if fields := strings.Fields(line); len(fields) >= 2 && !strings.HasSuffix(line, "// indirect") {
				modules = append(modules, fields[0])
			}
		}
	}
	return modules
}

func TestDirectModulesAreRecognised(t *testing.T) {
	mod := "module m\n\nrequire a.org/one v1.0.0\n\nrequire (\n\ta.org/two v1.0.0\n\ta.org/three v1.0.0 // indirect\n)\n"
	if got, want := direct(mod), []string{"a.org/one", "a.org/two"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestEachDependencyWasDecided(t *testing.T) {
	var decisions strings.Builder
	for _, text := range files(t, func(name string) bool { return markdown(name) && strings.HasPrefix(name, "docs/decisions/") }) {
		decisions.WriteString(text)
	}
	for _, module := range direct(read(t, "go.mod")) {
		if !strings.Contains(decisions.String(), "`"+module+"`") {
			t.Errorf("docs/decisions gives no reason for `%s`", module)
		}
	}
}

var link = regexp.MustCompile(`\]\(([^)#\s]+)(?:#[^)\s]*)?\)`)

// A link between documents that leads nowhere is a promise broken.
func TestLinksBetweenDocumentsLead(t *testing.T) {
	for name, text := range files(t, markdown) {
		for _, m := range link.FindAllStringSubmatch(text, -1) {
			if strings.Contains(m[1], "://") || strings.HasPrefix(m[1], "mailto:") {
				continue
			}
			target := path.Join(path.Dir(name), m[1])
			if _, err := os.Stat(filepath.Join(root(t), filepath.FromSlash(target))); err != nil {
				t.Errorf("%s links to %s, which is not there", name, m[1])
			}
		}
	}
}
