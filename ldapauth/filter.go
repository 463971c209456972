package ldapauth

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"

	"github.com/go-ldap/ldap/v3"
)

// Placeholders of filters.
const (
	placeUser = "{user}" // the name
	placeDN   = "{dn}"   // the entry's distinguished name
)

// A template is a compiled filter whose assertion values may hold a
// placeholder. What replaces it is put in as octets after compilation, so a
// name can never become a part of the filter's grammar (CWE-90).
type template struct {
	tag   byte
	plain []byte   // the value of a primitive without placeholder
	parts [][]byte // the value around the placeholders
	sub   []template
}

// compileTemplate compiles a filter (RFC 4515).
func compileTemplate(filter, placeholder string) (template, error) {
	packet, err := ldap.CompileFilter(filter)
	if err != nil {
		return template{}, fmt.Errorf("filter %q: %w", filter, err)
	}
	r := reader(packet.Bytes())
	tag, value, err := r.next()
	if err != nil {
		return template{}, fmt.Errorf("filter %q: %w", filter, err)
	}
	t, err := parse(tag, value, placeholder, false)
	if err != nil {
		return template{}, fmt.Errorf("filter %q: %w", filter, err)
	}
	return t, nil
}

// Tags of filters (RFC 4511, section 4.5.1).
const (
	constructed   = 0x20
	filterEqual   = 0xa3
	filterGreater = 0xa5
	filterLess    = 0xa6
	filterApprox  = 0xa8
	filterMatch   = 0xa9
	matchValue    = 0x83
)

// parse builds the template of one BER value.
func parse(tag byte, value reader, placeholder string, isValue bool) (template, error) {
	if tag&constructed == 0 {
		parts := bytes.Split(value, []byte(placeholder))
		switch {
		case len(parts) == 1:
			return template{tag: tag, plain: value}, nil
		case !isValue:
			return template{}, fmt.Errorf("%s may only stand in a value", placeholder)
		}
		return template{tag: tag, parts: parts}, nil
	}
	t := template{tag: tag}
	for i := 0; !value.empty(); i++ {
		subTag, inner, err := value.next()
		if err != nil {
			return t, err
		}
		sub, err := parse(subTag, inner, placeholder, valueAt(tag, i, subTag))
		if err != nil {
			return t, err
		}
		t.sub = append(t.sub, sub)
	}
	return t, nil
}

// valueAt reports whether the i-th part of a filter item is an assertion
// value, not the name of an attribute or a rule.
func valueAt(parent byte, i int, tag byte) bool {
	switch parent {
	case filterEqual, filterGreater, filterLess, filterApprox:
		return i == 1
	case tagSequence: // the parts of a substring assertion
		return true
	case filterMatch:
		return tag == matchValue
	}
	return false
}

// holds reports whether the placeholder occurs.
func (t template) holds() bool {
	return t.parts != nil || slices.ContainsFunc(t.sub, template.holds)
}

// fill writes the filter with text in place of the placeholder.
func (t template) fill(w *writer, text string) {
	if t.tag&constructed != 0 {
		mark := w.begin(t.tag)
		for _, sub := range t.sub {
			sub.fill(w, text)
		}
		w.end(mark)
		return
	}
	if t.parts == nil {
		w.head(t.tag, len(t.plain))
		w.b = append(w.b, t.plain...)
		return
	}
	n := len(text) * (len(t.parts) - 1)
	for _, p := range t.parts {
		n += len(p)
	}
	w.head(t.tag, n)
	for i, p := range t.parts {
		if i > 0 {
			w.b = append(w.b, text...)
		}
		w.b = append(w.b, p...)
	}
}

// An assertion of exactly the name: what another attribute can stand in for.
var exactName = regexp.MustCompile(`\(\s*[A-Za-z][A-Za-z0-9;.-]*\s*=\s*\{user\}\s*\)`)

// withAttribute returns the filter asking for the name in another attribute,
// every restriction around it kept.
func withAttribute(filter, attribute string) (string, error) {
	if !exactName.MatchString(filter) {
		return "", fmt.Errorf("has no (attribute={user}) that %s could stand in for", attribute)
	}
	return exactName.ReplaceAllString(filter, "("+attribute+"="+placeUser+")"), nil
}
