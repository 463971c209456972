package phone

import (
	"strings"
	"testing"
)

func TestPrefixes(t *testing.T) {
	t.Parallel()
	n, err := Parse("+47 412 34 567", "")
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		text string
		has  bool
	}{
		{"+47", true},
		{"+4", true},
		{"+474123", true},
		{"+4741234567", true},
		{"+46", false},
		{"+4781", false},
		{"+47412345678", false},
	} {
		p, err := NewPrefix(row.text)
		if err != nil || p.Has(n) != row.has || p.String() != row.text || p.Len() != len(row.text)-1 {
			t.Errorf("%s: %v, %v, want %v", row.text, p.Has(n), err, row.has)
		}
	}
	if !(Prefix{}).Has(n) || (Prefix{}).String() != "" {
		t.Error("the zero prefix does not have every number")
	}
	for _, text := range []string{"", "+", "47", "+47 81", "0047", "+047", "+47x", "+1234567890123456"} {
		if _, err := NewPrefix(text); err == nil || !strings.Contains(err.Error(), "+4781") {
			t.Errorf("%q: %v, want an error with an example", text, err)
		}
	}
}
