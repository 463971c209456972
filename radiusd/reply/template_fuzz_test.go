package reply

import (
	"strings"
	"testing"
)

func FuzzTemplate(f *testing.F) {
	f.Add("{user}")
	f.Add("{{x}} {mail}{groups:cn}")
	f.Add("{")
	f.Fuzz(func(t *testing.T, s string) {
		parsed, err := parseTemplate(s)
		if err != nil {
			return
		}
		if text, ok := parsed.constant(); ok && !strings.ContainsAny(s, "{}") && text != s {
			t.Errorf("%q became %q", s, text)
		}
		_ = parsed.with("u", "m", "g")
	})
}
