package gsm

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// replacements are for letters and marks that do not decompose into one of the
// alphabet.
var replacements = strings.NewReplacer(
	"ł", "l", "Ł", "L", "đ", "d", "Đ", "D", "ħ", "h", "Ħ", "H", "ŧ", "t", "Ŧ", "T", "ŋ", "n", "Ŋ", "N",
	"ı", "i", "œ", "oe", "Œ", "OE", "ð", "d", "Ð", "D", "þ", "th", "Þ", "Th", "ẞ", "SS",
	"‘", "'", "’", "'", "‚", "'", "“", "\"", "”", "\"", "„", "\"", "«", "\"", "»", "\"", "‹", "'", "›", "'",
	"‐", "-", "‑", "-", "–", "-", "—", "-", "−", "-", "•", "*", "…", "...", "`", "'", "´", "'",
)

// Transliterate writes a text in the GSM 7-bit alphabet by its nearest
// letters: "Łódź" becomes "Lodz". A text with a character that has none, as
// Cyrillic ones, is returned as it is, because half of it would help nobody.
func Transliterate(text string) string {
	if inGSM7(text) {
		return text
	}
	var b strings.Builder
	for _, r := range norm.NFC.String(text) {
		if septets(r) != 0 {
			b.WriteRune(r)
			continue
		}
		nearest := near(r)
		if !inGSM7(nearest) {
			return text
		}
		b.WriteString(nearest)
	}
	return b.String()
}

func near(r rune) string {
	if s := replacements.Replace(string(r)); s != string(r) {
		return s
	}
	switch {
	case unicode.IsSpace(r):
		return " "
	case unicode.Is(unicode.Cf, r):
		return ""
	}
	return strings.Map(func(part rune) rune {
		if unicode.Is(unicode.Mn, part) {
			return -1
		}
		return part
	}, norm.NFKD.String(string(r)))
}
