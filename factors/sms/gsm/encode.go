package gsm

import "strings"

const (
	escape = 0x1b // leads to the extension table
	// afterEscape is the character behind the escape in the basic table, which
	// the constant leaves out.
	afterEscape = 'Æ'
)

// extensionCodes are the octets of extended, in its order (3GPP TS 23.038,
// section 6.2.1.1).
const extensionCodes = "\x0a\x14\x28\x29\x2f\x3c\x3d\x3e\x40\x65"

// codes maps each character of the basic table to its octet.
var codes = func() map[rune]byte {
	m := make(map[rune]byte, 127)
	next := byte(0)
	for _, r := range basic {
		if r == afterEscape {
			next = escape + 1
		}
		m[r] = next
		next++
	}
	return m
}()

// Encode returns a text in the GSM 7-bit alphabet, one septet in an octet,
// characters of the extension table as two. ok is false when a character is
// not in it.
func Encode(text string) (octets []byte, ok bool) {
	octets = make([]byte, 0, len(text))
	for _, r := range text {
		if code, found := codes[r]; found {
			octets = append(octets, code)
			continue
		}
		at := strings.IndexRune(extended, r)
		if at < 0 {
			return nil, false
		}
		octets = append(octets, escape, extensionCodes[at])
	}
	return octets, true
}

// Split cuts a text into the parts that [Parts] counts.
func Split(text string) ([]string, Coding) {
	if !inGSM7(text) {
		return SplitUCS2(text), UCS2
	}
	return split(text, septets, gsm7Single, gsm7Part), GSM7
}

// SplitUCS2 cuts a text into parts of UCS-2, also when it would fit GSM 7-bit.
func SplitUCS2(text string) []string { return split(text, utf16Units, ucs2Single, ucs2Part) }

func split(text string, cost func(rune) int, single, part int) []string {
	if count(text, cost, single, part) == 1 {
		return []string{text}
	}
	var parts []string
	start, used := 0, 0
	for i, r := range text {
		c := cost(r)
		if used += c; used > part {
			parts = append(parts, text[start:i])
			start, used = i, c
		}
	}
	return append(parts, text[start:])
}
