package phone

import (
	"errors"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/nyaruka/phonenumbers"
)

// Reasons why a text is not a usable number. None of them holds the text.
var (
	ErrNotANumber = errors.New("phone: no telephone number in the text")
	ErrTooLong    = errors.New("phone: text is too long for a telephone number")
	ErrSeveral    = errors.New("phone: more than one telephone number in the text")
	ErrInvalid    = errors.New("phone: no such telephone number in its country")
	ErrNoCountry  = errors.New("phone: number belongs to no country, as satellite numbers")
	ErrCostly     = errors.New("phone: premium, shared-cost or forwarding number")
)

const (
	maxRaw       = 128 // octets of the text: AD's telephoneNumber has 64 characters
	maxDigits    = 20  // E.164 has 15; "00" or a carrier code may come before them
	maxExtension = 7   // a longer one is a second number
	maxPauses    = 9   // the call waits for them, a second each
)

// Parse reads one telephone number out of free text. region is the ISO 3166-1
// code of the country that numbers without a country are in; empty, when only
// international numbers are read. The error is one of this package's and never
// holds the text.
func Parse(raw, region string) (Number, error) {
	if len(raw) > maxRaw {
		return Number{}, ErrTooLong
	}
	body, ext, err := split(raw)
	if err != nil {
		return Number{}, err
	}
	whole, trunk := foldTrunk(body)
	n, err := parseDigits(whole, ext, region)
	if errors.Is(err, ErrInvalid) && trunk != whole {
		// Italy dials the zero from abroad too (ITU-T E.123, section 2.8).
		n, err = parseDigits(trunk, ext, region)
	}
	if n.extension != "" {
		n.pauses = min(max(1, pauses(raw, n.extension)), maxPauses)
	}
	return n, err
}

func parseDigits(body, ext, region string) (Number, error) {
	if len(body) > maxDigits+1 {
		return Number{}, ErrInvalid
	}
	if region == "" && !strings.HasPrefix(body, "+") {
		return Number{}, ErrInvalid
	}
	p, err := phonenumbers.Parse(body, region)
	if err != nil {
		return Number{}, ErrInvalid
	}
	if ext != "" {
		p.Extension = &ext
	}
	return newNumber(p)
}

// foldTrunk reduces the body to digits and a leading plus. The national
// trunk prefix in an international number, "+47 (0) 412…", is left out of
// whole and kept in trunk; the two are the same when there is none.
func foldTrunk(body string) (whole, trunk string) {
	compact := strings.Map(func(r rune) rune {
		switch {
		case isDigit(r), r == '+', r == '(', r == ')':
			return r
		case r == '[':
			return '('
		case r == ']':
			return ')'
		}
		return -1
	}, body)
	digits := func(s string) string {
		s = strings.ReplaceAll(strings.ReplaceAll(s, "(", ""), ")", "")
		if after, ok := strings.CutPrefix(s, "00"); ok {
			return "+" + after
		}
		return s
	}
	trunk = digits(compact)
	whole = trunk
	if strings.HasPrefix(trunk, "+") {
		whole = digits(strings.Replace(compact, "(0)", "", 1))
	}
	return whole, trunk
}

// split finds the number in a text, and its extension. What comes before the
// number must have no digits by its nature; what comes after may be a remark
// without digits: a second number makes it unclear which one was meant.
func split(raw string) (body, ext string, err error) {
	if !utf8.ValidString(raw) {
		return "", "", ErrNotANumber
	}
	text := []rune(raw)
	for _, r := range text {
		if r == utf8.RuneError || unicode.IsControl(r) && r != '\t' {
			return "", "", ErrNotANumber
		}
	}
	start := 0
	for start < len(text) && !isDigit(text[start]) && text[start] != '+' {
		start++
	}
	if start > 0 && (text[start-1] == '(' || text[start-1] == '[') {
		start-- // "(0)47…" and "(+47)…": keep the pair together
	}
	end := start
	for digits := 0; end < len(text); end++ {
		r := text[end]
		if r == '+' && digits > 0 {
			return "", "", ErrSeveral
		}
		if isDigit(r) {
			digits++
		} else if !isSeparator(r) && r != '+' {
			break
		}
	}
	body = string(text[start:end])
	if !strings.ContainsAny(body, "0123456789") {
		return "", "", ErrNotANumber
	}
	ext, err = extension(string(text[end:]))
	if err != nil {
		return "", "", err
	}
	if strings.Contains(raw, ";phone-context=+") {
		// RFC 3966, section 5.1.5: the prefix of a local number.
		return local(body, raw)
	}
	return body, ext, nil
}

// local puts the phone-context of a "tel:" URI before its local number.
func local(body, raw string) (number, ext string, err error) {
	_, after, _ := strings.Cut(raw, ";phone-context=")
	context, params, _ := strings.Cut(after, ";")
	if strings.HasPrefix(body, "+") || strings.Trim(context, "+0123456789-.()") != "" {
		return "", "", ErrSeveral
	}
	if params != "" {
		ext, err = extension(";" + params)
	}
	return context + body, ext, err
}

// markers come before an extension, longest first.
var markers = [...]string{
	";extension=", ";ext=", "extension", "anknytning", "durchwahl", "intern", "linje", "extn", "ext", "int", "dw", "x", "#", ",",
}

// extension reads what follows the number.
func extension(rest string) (string, error) {
	if !strings.ContainsAny(rest, "0123456789") {
		return "", nil
	}
	rest = strings.ToLower(strings.TrimLeft(rest, " \t("))
	if strings.HasPrefix(rest, ";phone-context=+") {
		return "", nil
	}
	for _, marker := range markers {
		after, ok := strings.CutPrefix(rest, marker)
		if !ok {
			continue
		}
		after = strings.TrimLeft(after, " \t.:,") // ",,77" waits longer than ",77"
		digits := len(after) - len(strings.TrimLeft(after, "0123456789"))
		if digits == 0 || digits > maxExtension || strings.ContainsAny(after[digits:], "0123456789") {
			return "", ErrSeveral
		}
		return after[:digits], nil
	}
	return "", ErrSeveral
}

// pauses counts the commas right before the extension.
func pauses(raw, ext string) int {
	before := raw[:max(0, strings.LastIndex(raw, ext))]
	commas := before[len(strings.TrimRight(before, ", \t")):]
	return strings.Count(commas, ",")
}

func isDigit(r rune) bool { return r >= '0' && r <= '9' }

// isSeparator reports what people put between digits, with the spaces, dashes
// and invisible direction marks that come along when a number is pasted.
func isSeparator(r rune) bool {
	return strings.ContainsRune("()[]./-", r) || unicode.IsSpace(r) || unicode.In(r, unicode.Pd, unicode.Cf)
}
