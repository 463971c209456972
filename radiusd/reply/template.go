package reply

import (
	"errors"
	"fmt"
	"strings"

	"github.com/portvakt/portvakt/login"
	"github.com/portvakt/portvakt/radiusd/dictionary"
)

// A placeholder is a hole of a template, filled from the account.
type placeholder int

const (
	literal placeholder = iota
	user
	mail
	groupsCN
)

var placeholders = map[string]placeholder{"user": user, "mail": mail, "groups:cn": groupsCN}

// A template is a text with placeholders.
type template struct {
	parts     []part
	attribute dictionary.Attribute
	tag       byte
}

type part struct {
	hole placeholder
	text string // of a literal
}

func parseTemplate(s string) (*template, error) {
	t := &template{}
	var text strings.Builder
	for s != "" {
		switch {
		case strings.HasPrefix(s, "{{"), strings.HasPrefix(s, "}}"):
			text.WriteByte(s[0])
			s = s[2:]
		case s[0] == '{':
			name, rest, closed := strings.Cut(s[1:], "}")
			hole, known := placeholders[name]
			if !closed || !known {
				return nil, errors.New("a brace opens none of {user}, {mail}, {groups:cn}; write {{ for a brace")
			}
			t.parts = append(t.parts, part{text: text.String()}, part{hole: hole})
			text.Reset()
			s = rest
		default:
			text.WriteByte(s[0])
			s = s[1:]
		}
	}
	t.parts = append(t.parts, part{text: text.String()})
	return t, nil
}

// constant returns the text of a template without placeholders.
func (t *template) constant() (string, bool) {
	if len(t.parts) > 1 {
		return "", false
	}
	return t.parts[0].text, true
}

func (t *template) has(hole placeholder) bool {
	for _, p := range t.parts {
		if p.hole == hole {
			return true
		}
	}
	return false
}

func (t *template) with(userName, address, group string) string {
	var s strings.Builder
	for _, p := range t.parts {
		switch p.hole {
		case literal:
			s.WriteString(p.text)
		case user:
			s.WriteString(userName)
		case mail:
			s.WriteString(address)
		case groupsCN:
			s.WriteString(group)
		}
	}
	return s.String()
}

// expand returns the attributes that the template makes of an account, and an
// error for each that could not be made. It never cuts: what is left of a name
// may be another name.
func (t *template) expand(a login.Account, cns []string) (avps [][]byte, problems []error) {
	if t.has(user) && a.Name == "" || t.has(mail) && a.Mail == "" {
		return nil, nil
	}
	groups := []string{""}
	if t.has(groupsCN) {
		groups = cns
	}
	for _, group := range groups {
		e, err := dictionary.EncodeText(t.attribute, t.with(a.Name, a.Mail, group), t.tag)
		if err != nil {
			problems = append(problems, fmt.Errorf("a value from the directory was left out: %w", err))
			continue
		}
		octets, err := e.Append(nil, nil)
		if err != nil {
			problems = append(problems, err)
			continue
		}
		avps = append(avps, octets)
	}
	return avps, problems
}
