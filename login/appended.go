package login

import (
	"slices"
	"strings"
)

// An appendix is what was typed behind the password.
type appendix struct {
	password Secret // before it
	code     Secret // nil when there is none
	pick     string // a method: "call", "call2", "s"
}

// split takes what was appended off what was typed, from the right: a password
// may hold commas and digits.
func split(s Secret, how Append) (password Secret, behind appendix) {
	text, ok := s.Reveal()
	if !ok {
		return s, appendix{}
	}
	switch how {
	case AppendOff:
	case AppendComma:
		i := strings.LastIndexByte(text, ',')
		if i < 0 {
			break
		}
		tail := text[i+1:]
		if plausibleCode(tail) {
			return Cleartext(text[:i]), appendix{code: Cleartext(tail)}
		}
		if factor, _ := trigger(tail); factor != "" {
			return Cleartext(text[:i]), appendix{pick: tail}
		}
	case AppendDigits:
		const digits = 6
		if i := len(text) - digits; i >= 0 && allDigits(text[i:]) {
			return Cleartext(text[:i]), appendix{code: Cleartext(text[i:])}
		}
	}
	return s, appendix{}
}

// triggers are the words behind a password that ask for a method, for clients
// that cannot put a question. A digit behind one means the second telephone,
// the third and so on.
var triggers = map[string]string{
	"call": "call", "c": "call",
	"sms": "sms", "s": "sms",
	"push": "push", "p": "push",
	"email": "email", "e": "email",
}

// trigger reads a word such as "call2": the factor, and which of its methods,
// from 1. The factor is empty when it is none.
func trigger(word string) (factor string, which int) {
	word, which = strings.ToLower(word), 1
	if n := len(word); n > 1 && word[n-1] >= '1' && word[n-1] <= '9' {
		word, which = word[:n-1], int(word[n-1]-'0')
	}
	return triggers[word], which
}

// picked is the index of the method that a trigger means, or -1.
func picked(methods []Method, word string) int {
	factor, which := trigger(word)
	return slices.IndexFunc(methods, func(m Method) bool {
		if m.Factor == factor {
			which--
		}
		return m.Factor == factor && which == 0
	})
}

// sent is the question of a code that was sent to somebody whose client cannot
// put one, if there is any that was not answered; nil otherwise.
func (f *Flow) sent(t *attempt, u User, g loaded) (*question, error) {
	c, _, err := loadClaim(t.ctx, f.Records, u.Account.ID)
	if err != nil {
		return nil, err
	}
	q := c.question(u.Account.ID, t.id)
	if c.state != claimAsked || c.mark != fingerprint(u.Account.ID, t.Via) || q.expired(t.began) || g.spentBefore(q.nonce) {
		return nil, nil //nolint:nilnil // none is no error
	}
	return q, nil
}

// plausibleCode reports whether what follows the last comma can be a code:
// digits, or a recovery code. A password such as "correct,horse" stays whole.
func plausibleCode(s string) bool {
	if allDigits(s) {
		return len(s) >= 6 && len(s) <= 10
	}
	return len(s) >= 10 && len(s) <= 11 && strings.IndexFunc(s, func(r rune) bool {
		return r != '-' && !digit(r) && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
	}) < 0 && strings.ContainsFunc(s, digit)
}

func digit(r rune) bool { return r >= '0' && r <= '9' }

func allDigits(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool { return !digit(r) })
}
