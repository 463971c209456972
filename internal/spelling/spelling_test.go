package spelling

import (
	"strings"
	"testing"
)

func TestDistance(t *testing.T) {
	long := strings.Repeat("x", maxLength+1)
	for _, c := range []struct {
		a, b string
		want int
	}{
		{"", "", 0},
		{"secret", "secret", 0},
		{"", "secret", 6},
		{"secrets", "secret", 1},
		{"sceret", "secret", 1},
		{"sekret", "secret", 1},
		{"Secret", "secret", 1},
		{"kitten", "sitting", 3},
		{"ca", "abc", 3}, // what was exchanged is not changed again
		{long, long, len(long)},
		{long, "x", len(long)},
	} {
		if got := Distance(c.a, c.b); got != c.want {
			t.Errorf("from %q to %q it is %d, want %d", c.a, c.b, got, c.want)
		}
		if got := Distance(c.b, c.a); got != c.want {
			t.Errorf("from %q to %q it is %d, want %d", c.b, c.a, got, c.want)
		}
	}
}

func TestNearest(t *testing.T) {
	known := []string{"listen", "log", "lag", "secret"}
	for _, c := range []struct {
		text string
		most int
		want string
	}{
		{"lisetn", 1, "listen"},
		{"lug", 1, "log"}, // the first of two
		{"lag", 1, "lag"},
		{"secrecy", 1, ""},
		{"secrecy", 2, "secret"},
		{strings.Repeat("l", 300), 150, ""},
	} {
		if got := Nearest(c.text, known, c.most); got != c.want {
			t.Errorf("%q was meant to be %q, want %q", c.text, got, c.want)
		}
	}
}
