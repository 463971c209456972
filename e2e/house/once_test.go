package house

import (
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	firstCell  = regexp.MustCompile(`(?m)^\| ([^|\n]*[^|\n ]) *\|`)
	keysTold   = regexp.MustCompile("(?m)^- `([^`\n]+)`(?:, `[^`\n]+`)*:")
	changeKind = regexp.MustCompile(`(?m)^- \[([A-Z]+)\] `)
)

// rows are the first cells of the tables of a document, but not their heads.
func rows(document string) []string {
	var all []string
	for _, m := range firstCell.FindAllStringSubmatch(document, -1) {
		if m[1] != "RFC" && m[1] != "Document" && m[1] != "Id" {
			all = append(all, m[1])
		}
	}
	return all
}

// told are the keys that the paragraphs of a document begin with, the first of
// each, behind the heading it stands under. One that is told of among others may
// have a paragraph of its own.
func told(document string) []string {
	var all []string
	for section := range strings.SplitSeq(document, "\n## ") {
		heading, text, _ := strings.Cut(section, "\n")
		for _, m := range keysTold.FindAllStringSubmatch(text, -1) {
			all = append(all, heading+" "+m[1])
		}
	}
	return all
}

// twice are those that are there more than once.
func twice(all []string) []string {
	seen, again := make(map[string]bool), []string(nil)
	for _, s := range all {
		if seen[s] {
			again = append(again, s)
		}
		seen[s] = true
	}
	return again
}

// disordered are the entries of a changelog whose kind stands behind one that
// comes after it.
func disordered(changelog string) []string {
	order := []string{"CHANGE", "FEATURE", "ENHANCEMENT", "BUGFIX", "SECURITY"}
	var all []string
	for release := range strings.SplitSeq(changelog, "\n## ") {
		last := 0
		for _, m := range changeKind.FindAllStringSubmatch(release, -1) {
			if at := slices.Index(order, m[1]); at < last {
				all = append(all, m[1])
			} else {
				last = at
			}
		}
	}
	return all
}

func TestWhatIsToldTwiceIsRecognised(t *testing.T) {
	table := "| RFC | Kept |\n|---|---|\n| RFC 2865 | yes |\n| RFC 2866 | yes |\n| RFC 2865 | no |\n"
	if got, want := twice(rows(table)), []string{"RFC 2865"}; !slices.Equal(got, want) {
		t.Errorf("rows: got %q, want %q", got, want)
	}
	page := "# Keys\n\n## [a]\n\n- `x`, `y`: one.\n- `z`: `y` and\n  `x`: more.\n\n## [b]\n\n- `x`: two.\n- `x`, `y`: three.\n- `y`: four.\n"
	if got, want := twice(told(page)), []string{"[b] x"}; !slices.Equal(got, want) {
		t.Errorf("keys: got %q, want %q", got, want)
	}
	log := "# Changelog\n\n## 2\n\n- [CHANGE] a\n- [BUGFIX] b\n- [FEATURE] c\n\n## 1\n\n- [CHANGE] d\n- [WISH] e\n"
	if got, want := disordered(log), []string{"FEATURE", "WISH"}; !slices.Equal(got, want) {
		t.Errorf("changelog: got %q, want %q", got, want)
	}
}

// Two branches that tell of one thing merge without a conflict, and the older
// one goes on telling how it was.
func TestDocumentsTellEachThingOnce(t *testing.T) {
	for _, name := range []string{"docs/rfc.md", "docs/attacks.md"} {
		for _, row := range twice(rows(read(t, name))) {
			if strings.Trim(row, "-") != "" {
				t.Errorf("%s has more than one row for %s: make one of them", name, row)
			}
		}
	}
	for _, key := range twice(told(read(t, "docs/configuration.md"))) {
		t.Errorf("docs/configuration.md explains %s more than once: make one of them", key)
	}
	for _, kind := range disordered(read(t, "CHANGELOG.md")) {
		t.Errorf("CHANGELOG.md has a [%s] behind kinds that come after it, or nobody knows it: see its first lines", kind)
	}
}
