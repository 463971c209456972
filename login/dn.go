package login

import (
	"encoding/hex"
	"errors"
	"slices"
	"strconv"
	"strings"
)

const maxDN = 4096 // octets

// A pair is one type and value of a distinguished name, e.g. cn and admins.
type pair struct{ kind, value string }

// parseDN reads a distinguished name (RFC 4514, section 3) and spaces around
// its separators (RFC 2253, section 4). Types are in lower case, values
// without escapes.
func parseDN(s string) ([][]pair, error) {
	if len(s) > maxDN {
		return nil, errors.New("too long for a distinguished name")
	}
	var names [][]pair
	more := false // names of several pairs are joined by a plus sign
	for {
		kind, rest, ok := strings.Cut(s, "=")
		kind = strings.ToLower(strings.TrimSpace(kind))
		if !ok || kind == "" || strings.Trim(kind, "abcdefghijklmnopqrstuvwxyz0123456789-.") != "" {
			return nil, errors.New("no distinguished name")
		}
		value, rest, err := parseValue(rest)
		if err != nil {
			return nil, err
		}
		if more {
			names[len(names)-1] = append(names[len(names)-1], pair{kind, value})
		} else {
			names = append(names, []pair{{kind, value}})
		}
		if rest == "" {
			return names, nil
		}
		more, s = rest[0] == '+', rest[1:]
	}
}

// parseValue reads up to a separator, which is the first octet of rest.
func parseValue(s string) (value, rest string, err error) {
	s = strings.TrimLeft(s, " ")
	var b strings.Builder
	end := 0 // behind the last octet that is not an unescaped space
	for i := 0; i < len(s); i++ {
		switch c := s[i]; c {
		case ',', ';', '+':
			return b.String()[:end], s[i:], nil
		case '\\':
			if i+2 < len(s) {
				if octet, err := hex.DecodeString(s[i+1 : i+3]); err == nil {
					b.Write(octet)
					i += 2
					end = b.Len()
					continue
				}
			}
			if i+1 == len(s) || !strings.ContainsRune(` "#+,;<=>\`, rune(s[i+1])) {
				return "", "", errors.New("a backslash escapes nothing")
			}
			i++
			b.WriteByte(s[i])
			end = b.Len()
		case '"', '<', '>', 0:
			return "", "", errors.New("a character that a distinguished name must escape")
		default:
			b.WriteByte(c)
			if c != ' ' {
				end = b.Len()
			}
		}
	}
	return b.String()[:end], "", nil
}

// NormalDN makes equal texts of equal distinguished names: case, spaces and the
// spelling of escapes do not count (RFC 4514, section 4). Directories differ in
// all three.
func NormalDN(s string) (string, error) {
	names, err := parseDN(s)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	for _, name := range names {
		var pairs []string
		for _, p := range name {
			value := strings.Join(strings.Fields(strings.ToLower(p.value)), " ")
			pairs = append(pairs, p.kind+"="+strconv.Quote(value))
		}
		slices.Sort(pairs)
		b.WriteString(strings.Join(pairs, "+"))
		b.WriteByte(',')
	}
	return b.String(), nil
}

// CommonName returns the cn that a distinguished name begins with, "" when it
// begins with something else.
func CommonName(dn string) string {
	names, err := parseDN(dn)
	if err != nil {
		return ""
	}
	for _, p := range names[0] {
		if p.kind == "cn" {
			return p.value
		}
	}
	return ""
}

// A Membership is the groups of an account, read once for all rules and only
// when a rule asks.
type Membership struct {
	account Account
	groups  map[string]bool // normal names; nil until asked
}

// NewMembership makes the Membership of an account.
func NewMembership(a Account) *Membership { return &Membership{account: a} }

// In reports whether the account is in the group with this normal name, see
// [NormalDN].
func (m *Membership) In(normal string) bool {
	if m.groups == nil {
		m.groups = make(map[string]bool, len(m.account.Groups))
		for _, group := range m.account.Groups {
			// A name that cannot be read is no group: nobody gains by it.
			if name, err := NormalDN(group); err == nil {
				m.groups[name] = true
			}
		}
	}
	return m.groups[normal]
}
