package main

import (
	"cmp"
	"strconv"
	"strings"
	"unicode"
)

// shown is a text as a terminal may get it: what a device says of itself could
// else move the cursor (attack: a Calling-Station-Id of control characters).
func shown(text string) string {
	if strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return strconv.Quote(text)
	}
	return text
}

// told is shown for a column, which an empty text would leave empty.
func told(text string) string { return cmp.Or(shown(text), "-") }
