package house

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// A citation may be broken between two lines of a comment.
var citation = regexp.MustCompile(`\bRFC[\s/]+(\d{3,5})\b`)

// cited returns the RFCs that a source cites.
func cited(source string) []string {
	var numbers []string
	for _, m := range citation.FindAllStringSubmatch(source, -1) {
		numbers = append(numbers, m[1])
	}
	return numbers
}

var rfcRow = regexp.MustCompile(`(?m)^\| RFC (\d{3,5}) \|[^|\n]*\| (yes|partial|no) \|`)

// listed returns what a table says of each RFC.
func listed(table string) map[string]string {
	rows := make(map[string]string)
	for _, m := range rfcRow.FindAllStringSubmatch(table, -1) {
		rows[m[1]] = m[2]
	}
	return rows
}

func TestCitationsAndRowsAreRecognised(t *testing.T) {
	source := "// Sent first (RFC 2869, section 5.14), kept for 30 s (RFC\n\t// 5080, section 2.2.2).\nconst RFCs = 2865\n"
	if got, want := cited(source), []string{"2869", "5080"}; !slices.Equal(got, want) {
		t.Errorf("cited: got %q, want %q", got, want)
	}
	table := "| RFC | Title | Kept | Notes |\n| RFC 2865 | RADIUS | yes | |\n| RFC 2866 | Accounting | no | later |\n| RFC 9999 | What | maybe | |\n"
	if got, want := listed(table), map[string]string{"2865": "yes", "2866": "no"}; !maps.Equal(got, want) {
		t.Errorf("listed: got %q, want %q", got, want)
	}
}

func TestTheRFCTableIsTrue(t *testing.T) {
	rows := listed(read(t, "docs/rfc.md"))
	citations := make(map[string]bool)
	for path, source := range files(t, goFile) {
		if strings.HasPrefix(path, "e2e/house/") {
			continue
		}
		for _, number := range cited(source) {
			citations[number] = true
			if rows[number] == "" {
				t.Errorf("%s cites RFC %s, which docs/rfc.md does not list", path, number)
			}
		}
	}
	for _, number := range slices.Sorted(maps.Keys(rows)) {
		if rows[number] == "yes" && !citations[number] {
			t.Errorf("docs/rfc.md says yes to RFC %s; no line of code cites it", number)
		}
	}
}
