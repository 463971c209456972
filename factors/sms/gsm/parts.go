package gsm

import (
	"strings"
	"unicode/utf16"
)

// Coding is the alphabet of a message.
type Coding string

// The two alphabets (3GPP TS 23.038, sections 6.2.1 and 6.2.3).
const (
	GSM7 Coding = "gsm7"
	UCS2 Coding = "ucs2"
)

// The room of one message and of each part of several (3GPP TS 23.040, section
// 9.2.3.24.1: the header of a part takes 6 octets), in septets and in UTF-16
// code units.
const (
	gsm7Single, gsm7Part = 160, 153
	ucs2Single, ucs2Part = 70, 67
)

// basic is the default alphabet but for the escape (3GPP TS 23.038, section
// 6.2.1); extended is its extension table, where each character costs two
// septets (section 6.2.1.1).
const (
	basic = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?" +
		"¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
	extended = "\f^{}\\[~]|€"
)

// Parts returns how many messages a text becomes, at least 1, and in which
// alphabet. Characters are never split between parts.
func Parts(text string) (int, Coding) {
	if inGSM7(text) {
		return count(text, septets, gsm7Single, gsm7Part), GSM7
	}
	return count(text, utf16Units, ucs2Single, ucs2Part), UCS2
}

func count(text string, cost func(rune) int, single, part int) int {
	parts, used, total := 1, 0, 0
	for _, r := range text {
		c := cost(r)
		total += c
		if used += c; used > part {
			parts, used = parts+1, c
		}
	}
	if total <= single {
		return 1
	}
	return parts
}

func inGSM7(text string) bool {
	for _, r := range text {
		if septets(r) == 0 {
			return false
		}
	}
	return true
}

// septets is what a character costs; 0 when it is not in the alphabet.
func septets(r rune) int {
	switch {
	case strings.ContainsRune(basic, r):
		return 1
	case strings.ContainsRune(extended, r):
		return 2
	}
	return 0
}

// utf16Units is what a character costs: what gateways call UCS-2 carries
// surrogate pairs. An octet that is no UTF-8 is sent as one U+FFFD.
func utf16Units(r rune) int { return max(1, utf16.RuneLen(r)) }
