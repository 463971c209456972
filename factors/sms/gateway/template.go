package gateway

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/portvakt/portvakt/factors/phone"
	"github.com/portvakt/portvakt/factors/sms/gsm"
)

// Placeholders of templates.
const (
	toPlace     = "to"
	textPlace   = "text"
	senderPlace = "sender"
	secretPlace = "secret"
	codingPlace = "coding"
)

// values are what the placeholders of one message stand for.
type values struct{ to, text, sender, secret, coding string }

func (v values) of(place string) string {
	switch place {
	case toPlace:
		return v.to
	case textPlace:
		return v.text
	case senderPlace:
		return v.sender
	case secretPlace:
		return v.secret
	case codingPlace:
		return v.coding
	}
	return ""
}

// A field is a parsed template: literal texts and placeholders in turn,
// beginning with a literal.
type field []string

// parseField reads a template that may use the given placeholders. Its errors
// hold placeholders, never the literals around them: those may be secret.
func parseField(template string, allowed ...string) (field, error) {
	var f field
	for rest := template; ; {
		literal, after, found := strings.Cut(rest, "{")
		if strings.Contains(literal, "}") {
			return nil, errors.New(`a "}" without "{"`)
		}
		f = append(f, literal)
		if !found {
			return f, nil
		}
		place, next, closed := strings.Cut(after, "}")
		if !closed {
			return nil, errors.New(`a "{" without "}"`)
		}
		if !slices.Contains(allowed, place) {
			return nil, fmt.Errorf("a placeholder that is not allowed here: there are {%s}", strings.Join(allowed, "} {"))
		}
		f = append(f, place)
		rest = next
	}
}

// uses reports whether the placeholder is in the template.
func (f field) uses(place string) bool {
	for i := 1; i < len(f); i += 2 {
		if f[i] == place {
			return true
		}
	}
	return false
}

// only reports whether the template is one placeholder and nothing else.
func (f field) only(place string) bool {
	return len(f) == 3 && f[0] == "" && f[1] == place && f[2] == ""
}

func (f field) fill(v values) string {
	var b strings.Builder
	for i, part := range f {
		if i%2 == 1 {
			part = v.of(part)
		}
		b.WriteString(part)
	}
	return b.String()
}

// A pair is one entry of a form, query or header.
type pair struct {
	key   string
	value field
}

func parsePairs(entries []string, separator string, allowed ...string) ([]pair, error) {
	var pairs []pair
	var problems []error
	for i, entry := range entries {
		key, value, ok := strings.Cut(entry, separator)
		key = strings.TrimSpace(key)
		if separator == ":" {
			value = strings.TrimSpace(value)
		}
		if !ok || key == "" || strings.ContainsAny(key, "{}") {
			problems = append(problems, fmt.Errorf("entry %d is not \"name%svalue\"", i+1, separator))
			continue
		}
		f, err := parseField(value, allowed...)
		if err != nil {
			problems = append(problems, fmt.Errorf("entry %d (%s) has %w", i+1, key, err))
			continue
		}
		pairs = append(pairs, pair{key, f})
	}
	return pairs, errors.Join(problems...)
}

// A document is a parsed JSON template whose string leaves are fields.
type document struct{ root any }

// parseDocument reads a JSON template. Keys are taken as they are.
func parseDocument(text string, allowed ...string) (document, error) {
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	var root any
	if err := d.Decode(&root); err != nil {
		return document{}, errors.New("not JSON: placeholders belong inside of the quotes of a value")
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return document{}, errors.New("more than one JSON value")
	}
	root, err := mapLeaves(root, func(leaf any) (any, error) {
		s, ok := leaf.(string)
		if !ok {
			return leaf, nil
		}
		f, err := parseField(s, allowed...)
		if err != nil {
			return nil, fmt.Errorf("a value with %w", err)
		}
		return f, nil
	})
	return document{root}, err
}

// fill returns the JSON text for one message.
func (d document) fill(v values) ([]byte, error) {
	root, _ := mapLeaves(d.root, func(leaf any) (any, error) {
		if f, ok := leaf.(field); ok {
			return f.fill(v), nil
		}
		return leaf, nil
	})
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(root)
	return bytes.TrimRight(b.Bytes(), "\n"), err
}

func (d document) uses(place string) bool {
	used := false
	_, _ = mapLeaves(d.root, func(leaf any) (any, error) {
		if f, ok := leaf.(field); ok && f.uses(place) {
			used = true
		}
		return leaf, nil
	})
	return used
}

// mapLeaves copies a JSON value with each of its leaves replaced.
func mapLeaves(node any, replace func(leaf any) (any, error)) (any, error) {
	switch n := node.(type) {
	case map[string]any:
		m := make(map[string]any, len(n))
		for k, v := range n {
			if strings.ContainsAny(k, "{}") {
				return nil, errors.New("a key with a placeholder: only values can have one")
			}
			r, err := mapLeaves(v, replace)
			if err != nil {
				return nil, err
			}
			m[k] = r
		}
		return m, nil
	case []any:
		l := make([]any, len(n))
		for i, v := range n {
			r, err := mapLeaves(v, replace)
			if err != nil {
				return nil, err
			}
			l[i] = r
		}
		return l, nil
	default:
		return replace(node)
	}
}

// A numberFormat is how a gateway wants to have numbers written.
type numberFormat string

const (
	formatE164     numberFormat = "e164"     // +4741234567
	formatZeros    numberFormat = "00"       // 004741234567
	formatDigits   numberFormat = "digits"   // 4741234567
	formatNational numberFormat = "national" // 41234567
)

func (f numberFormat) of(n phone.Number) string {
	switch f {
	case formatZeros:
		return "00" + n.Digits()
	case formatDigits:
		return n.Digits()
	case formatNational:
		return n.National()
	default:
		return n.E164()
	}
}

// codings are the gateway's words for the two alphabets: some send "?" for a
// letter that is not in GSM 7-bit unless they are told.
type codings struct{ gsm7, ucs2 string }

func (c codings) of(text string) string {
	if _, coding := gsm.Parts(text); coding == gsm.UCS2 {
		return c.ucs2
	}
	return c.gsm7
}
