package gsm

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestParts(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name, text string
		parts      int
		coding     Coding
	}{
		{"nothing", "", 1, GSM7},
		{"ASCII fills one message", strings.Repeat("a", 160), 1, GSM7},
		{"one more makes two", strings.Repeat("a", 161), 2, GSM7},
		{"two parts have 153 each", strings.Repeat("a", 306), 2, GSM7},
		{"and three from there", strings.Repeat("a", 307), 3, GSM7},
		{"Nordic letters are in the alphabet", strings.Repeat("æøåÆØÅäöüÄÖÜ", 13), 1, GSM7},
		{"line feed too", strings.Repeat("\n", 160), 1, GSM7},
		{"the euro sign costs two", strings.Repeat("€", 80), 1, GSM7},
		{"so 81 are too many", strings.Repeat("€", 81), 2, GSM7},
		{"brackets cost two", strings.Repeat(`[]{}|~^\`, 10), 1, GSM7},
		{"and one more does not fit", strings.Repeat(`[]{}|~^\`, 10) + "a", 2, GSM7},
		{"an escape pair is not split", strings.Repeat("a", 152) + strings.Repeat("€", 76) + "ab", 3, GSM7},
		{"small ç is not in it, capital is", "ç", 1, UCS2},
		{"capital Ç", "Ç", 1, GSM7},
		{"a backquote is not", "`", 1, UCS2},
		{"Cyrillic fills at 70", strings.Repeat("ж", 70), 1, UCS2},
		{"and becomes two", strings.Repeat("ж", 71), 2, UCS2},
		{"one letter changes the alphabet of all", strings.Repeat("a", 70) + "š", 2, UCS2},
		{"two UCS-2 parts have 67 each", strings.Repeat("ж", 134), 2, UCS2},
		{"and three from there", strings.Repeat("ж", 135), 3, UCS2},
		{"emoji cost two", strings.Repeat("🔑", 35), 1, UCS2},
		{"36 are too many", strings.Repeat("🔑", 36), 2, UCS2},
		{"a surrogate pair is not split", strings.Repeat("🔑", 67), 3, UCS2},
		{"broken UTF-8 is counted", "\xff", 1, UCS2},
	} {
		if parts, coding := Parts(row.text); parts != row.parts || coding != row.coding {
			t.Errorf("%s: %d parts %s, want %d %s", row.name, parts, coding, row.parts, row.coding)
		}
	}
}

func TestAlphabetIsWhole(t *testing.T) {
	t.Parallel()
	if got := utf8.RuneCountInString(basic); got != 127 {
		t.Errorf("%d characters, want 127 and the escape", got)
	}
	if got := utf8.RuneCountInString(extended); got != 10 {
		t.Errorf("%d extended characters, want 10", got)
	}
}

func TestTransliterate(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ text, want string }{
		{"æøå €", "æøå €"},
		{"Łódź", "Lodz"},
		{"Čačak, Şişli, français", "Cacak, Sisli, francais"},
		{"ó is not in the alphabet, ò is", "o is not in the alphabet, ò is"},
		{"“code” – for…", `"code" - for...`},
		{"a\u00a0b\u200fc", "a bc"},
		{"e\u0301 decomposed", "é decomposed"},
		{"Код 123456", "Код 123456"},
		{"key 🔑", "key 🔑"},
	} {
		if got := Transliterate(row.text); got != row.want {
			t.Errorf("Transliterate(%q) = %q, want %q", row.text, got, row.want)
		}
	}
}

func FuzzParts(f *testing.F) {
	for _, text := range []string{"", "123456 æøå", "€", "ç", "🔑", "\xff", strings.Repeat("a", 161)} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		parts, coding := Parts(text)
		runes := utf8.RuneCountInString(text)
		if parts < 1 || parts > 1 && parts > runes/33+1 {
			t.Errorf("%d parts for %d characters", parts, runes)
		}
		if more, _ := Parts(text + "a"); more < parts {
			t.Errorf("a longer text has fewer parts: %d, %d", more, parts)
		}
		plain := Transliterate(text)
		if p, c := Parts(plain); coding == GSM7 && plain != text || c == UCS2 && plain != text {
			t.Errorf("Transliterate(%q) = %q: %d parts %s", text, plain, p, c)
		}
	})
}
