package tokens

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/portvakt/portvakt/factors/totp"
)

// A Row is one line of a file: one person, her token, or her telephones.
type Row struct {
	Line int
	// User is the login name as written; empty in files that know only serial
	// numbers.
	User string
	// Serial is the number on a hardware token.
	Serial string
	// Token has no Seed when the row gives only telephones.
	Token totp.Token
	Label string
	// Phones are telephone numbers as written, with an extension behind " ext. ",
	// or behind its pauses: "+47 77 64 40 00,,123".
	Phones []string
	// Method is by what the person is to be asked first, "call", "sms", "totp" or
	// "email"; empty when the file does not tell.
	Method string
}

// A LeftOut is why a row is not meant to come over: an account is disabled
// there, or a token is nobody's. It is the Problem of a [LineError], and nothing
// that anybody has to mend.
type LeftOut struct{ Why string }

// Error tells why.
func (l *LeftOut) Error() string { return l.Why }

// leftOut tells of whom or what a row is, quoted: the name is not looked up.
func leftOut(format string, args ...any) error { return &LeftOut{fmt.Sprintf(format, args...)} }

// checkNames refuses what would deface a list or a log.
func (r Row) checkNames() error {
	type field struct{ what, text string }
	all := []field{{"user", r.User}, {"serial", r.Serial}, {"label", r.Label}}
	for _, p := range r.Phones {
		all = append(all, field{"phone", p})
	}
	for _, f := range all {
		switch {
		case len(f.text) > maxField:
			return fmt.Errorf("%s is longer than %d octets", f.what, maxField)
		case strings.ContainsFunc(f.text, unicode.IsControl):
			return fmt.Errorf("%s has control characters", f.what)
		case strings.ContainsRune(f.text, utf8.RuneError):
			return fmt.Errorf("%s has characters that were lost when the file was written", f.what)
		}
	}
	return nil
}
