package ldapauth

import (
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/portvakt/portvakt/login"
)

// Bounds of what an entry may hold.
const (
	maxDN     = 4096
	maxValue  = 1024
	maxPhones = 16
	maxGroups = 1000 // Windows itself ends at 1,015 groups
)

// An entryError is that one person's entry cannot be used: somebody must set
// something right in the directory or the configuration.
type entryError struct{ err error }

func (e *entryError) Error() string { return e.err.Error() }
func (e *entryError) Unwrap() error { return e.err }

var errManyGroups = &entryError{fmt.Errorf("ldapauth: more than %d groups", maxGroups)}

// schema knows the attributes that a login needs.
type schema struct {
	Attributes
	encoded []byte   // AttributeSelection
	shared  *sharing // names of groups
}

func newSchema(a Attributes) schema {
	all := slices.Concat([]string{a.ID, a.Name, a.Mail, a.Language, a.Groups}, a.Phone, a.LastLogon, createdAttributes, passwordSetAttributes[:])
	return schema{a, selection(all...), &sharing{}}
}

// selection encodes an AttributeSelection (RFC 4511, section 4.5.1.8), each
// attribute once.
func selection(attributes ...string) []byte {
	var w writer
	var seen []string
	for _, a := range attributes {
		if !slices.ContainsFunc(seen, func(s string) bool { return strings.EqualFold(s, a) }) {
			seen = append(seen, a)
			w.text(tagOctets, a)
		}
	}
	return w.b
}

// account makes an account of an entry.
func (s *schema) account(e entry) (login.Account, error) {
	var a login.Account
	if len(e.dn) == 0 || len(e.dn) > maxDN || !utf8.Valid(e.dn) {
		// An empty name would make every password right on a lenient server
		// (RFC 4513, section 5.1.1).
		return a, &entryError{errors.New("entry without a usable distinguished name")}
	}
	a.DN = string(e.dn)
	var ids int
	phones := make([][]string, len(s.Phone))
	var activity activity
	var set passwordSet
	err := e.each(func(name, value []byte) error {
		attribute := string(name)
		if strings.EqualFold(attribute, s.ID) {
			ids++
			a.ID = identifier(attribute, value)
		}
		if groupsAttribute(attribute, s.Groups) {
			if len(a.Groups) == maxGroups {
				return errManyGroups
			}
			if len(value) > maxDN || !utf8.Valid(value) {
				return &entryError{errors.New("group without a usable distinguished name")}
			}
			a.Groups = append(a.Groups, s.shared.text(value))
		}
		if len(value) == 0 || len(value) > maxValue || !utf8.Valid(value) {
			return nil
		}
		first(&a.Name, attribute, s.Name, value)
		first(&a.Mail, attribute, s.Mail, value)
		first(&a.Language, attribute, s.Language, value)
		activity.note(s.LastLogon, attribute, value)
		set.note(attribute, value)
		for i, p := range s.Phone {
			if strings.EqualFold(attribute, p) && len(phones[i]) < maxPhones {
				phones[i] = append(phones[i], string(value))
			}
		}
		return nil
	})
	if err != nil {
		return a, err
	}
	a.Active, a.PasswordSet = activity.last(), set.text()
	for _, p := range slices.Concat(phones...) {
		if len(a.Phones) < maxPhones && !slices.Contains(a.Phones, p) {
			a.Phones = append(a.Phones, p)
		}
	}
	if a.ID == "" || ids != 1 {
		return a, &entryError{fmt.Errorf("entry %q has no single usable %s: set ldap.attributes.id to an attribute "+
			"that every entry has and the service account may read", a.DN, s.ID)}
	}
	return a, nil
}

// first keeps the first value of an attribute.
func first(to *string, attribute, wanted string, value []byte) {
	if *to == "" && strings.EqualFold(attribute, wanted) {
		*to = string(value)
	}
}

// groupsAttribute also knows the name under which Active Directory sends the
// first part of many values (MS-ADTS, section 3.1.1.3.1.3.3).
func groupsAttribute(attribute, groups string) bool {
	name, option, _ := strings.Cut(attribute, ";")
	return strings.EqualFold(name, groups) && (option == "" || strings.HasPrefix(strings.ToLower(option), "range="))
}

// maxID is the most octets of an identifier: it is part of keys.
const maxID = 128

// guidSize is the octets of an objectGUID.
const guidSize = 16

// identifier is the text of an identifier, or "" when the value is no usable
// one. An objectGUID becomes the text that Windows shows.
func identifier(attribute string, value []byte) string {
	if strings.EqualFold(attribute, "objectGUID") {
		if len(value) != guidSize {
			return ""
		}
		v := value
		// The first three fields are little-endian (MS-DTYP, section 2.3.4.2).
		big := []byte{v[3], v[2], v[1], v[0], v[5], v[4], v[7], v[6]}
		x := hex.EncodeToString(append(big, v[8:]...))
		return x[:8] + "-" + x[8:12] + "-" + x[12:16] + "-" + x[16:20] + "-" + x[20:]
	}
	if len(value) > maxID {
		return ""
	}
	for _, b := range value {
		if b <= ' ' || b > '~' {
			return ""
		}
	}
	return string(value)
}
