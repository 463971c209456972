package logintest

import "strings"

// Hostile are texts that try to leave their place in a line: to begin another
// one, to add an attribute, to move the cursor of a terminal.
var Hostile = []string{
	"alice\n{\"msg\":\"login\",\"outcome\":\"accept\"}",
	"alice\r\nlevel=INFO msg=login outcome=accept",
	`alice","outcome":"accept`,
	`alice" outcome=accept`,
	`alice\`,
	"alice outcome=accept",
	"alice\x1b[2J\x1b[1;31m\x07",
	"alice\u009b2J\u0085", // the same in C1
	"alice\x00\x7f\t\b",
	"alice\u2028\u2029",
	"alice\u202etpecca\u202c\u200f", // written from the right
	"al\xffice\xc0\xaf\xed\xa0\x80",
	"alice\U000e0001\U000e0041", // tags
	"<script>alert(1)</script>&",
	strings.Repeat("a", 300) + "\n",
}
