package house

import (
	"regexp"
	"strings"
	"testing"
)

var reason = regexp.MustCompile(`(?m)^\tReason\w+ +Reason = "(\w+)"$`)

// The service desk finds a reason in the log and looks it up.
func TestEveryReasonIsExplained(t *testing.T) {
	table := read(t, "docs/operating.md")
	reasons := reason.FindAllStringSubmatch(read(t, "login/directory.go"), -1)
	if len(reasons) == 0 {
		t.Fatal("login/directory.go has no reasons any more: the rule would hold for nothing")
	}
	for _, m := range reasons {
		if !strings.Contains(table, "`"+m[1]+"`") {
			t.Errorf("docs/operating.md does not explain the reason %s", m[1])
		}
	}
}
