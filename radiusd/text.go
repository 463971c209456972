package radiusd

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// prompt makes a text fit for a client: valid UTF-8 without control characters
// but line breaks and tabs, in ASCII and as short as the client wants it.
func (c *client) prompt(text string) string {
	text = strings.ToValidUTF8(text, "?")
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\n' && r != '\t' {
			return -1
		}
		return r
	}, text)
	if c.ASCIIPrompts {
		text = ascii(text)
	}
	if c.MaxReplyMessage > 0 {
		text = text[:runeCut(text, c.MaxReplyMessage)]
	}
	return text
}

// asciiFor has what decomposition cannot take apart.
var asciiFor = map[rune]string{
	'ø': "o", 'Ø': "O", 'æ': "ae", 'Æ': "AE", 'œ': "oe", 'Œ': "OE", 'ß': "ss", 'ẞ': "SS",
	'đ': "d", 'Đ': "D", 'ð': "d", 'Ð': "D", 'þ': "th", 'Þ': "TH", 'ł': "l", 'Ł': "L",
	'ı': "i", 'ŋ': "n", 'Ŋ': "N", 'ŧ': "t", 'Ŧ': "T", 'ħ': "h", 'Ħ': "H",
	'•': "*", '·': "*", '●': "*", '–': "-", '—': "-", '‐': "-", '‑': "-", '−': "-",
	'‘': "'", '’': "'", '‚': "'", '“': `"`, '”': `"`, '„': `"`, '«': `"`, '»': `"`,
	'€': "EUR", '→': "->", '×': "x",
}

// ascii writes a text in ASCII as well as it can be read.
func ascii(text string) string {
	var b strings.Builder
	for _, r := range norm.NFKD.String(text) {
		switch a, known := asciiFor[r]; {
		case r < utf8.RuneSelf:
			b.WriteRune(r)
		case known:
			b.WriteString(a)
		case unicode.Is(unicode.Mn, r), unicode.Is(unicode.Cf, r):
		default:
			b.WriteByte('?')
		}
	}
	return b.String()
}

// runeCut returns where to cut a text to have at most n octets and no half
// rune.
func runeCut(text string, n int) int {
	if len(text) <= n {
		return len(text)
	}
	for n > 0 && !utf8.RuneStart(text[n]) {
		n--
	}
	return n
}
