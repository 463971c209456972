package ldapauth

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/portvakt/portvakt/login"
)

// maxName is the most octets of a login name: what a User-Name can carry (RFC
// 2865, section 5.1).
const maxName = 253

// A form is a way to write a login name.
type form string

// The forms that `names` may list.
const (
	formUID    form = "uid"    // alice
	formMail   form = "mail"   // alice@example.org, in the mail attribute
	formUPN    form = "upn"    // alice@ad.example.org
	formDomain form = "domain" // EXAMPLE\alice
)

// cleanName refuses what no directory has as a name, before any traffic, and
// returns the name in NFC. Control and format characters are refused because
// directories drop them when they compare (RFC 4518, section 2.2): "alice" and
// "ali\u200dce" would be twins.
func cleanName(name string) (string, error) {
	switch {
	case name == "":
		return "", refuse(login.ReasonBadRequest, "empty name")
	case len(name) > maxName:
		return "", refuse(login.ReasonBadRequest, "name longer than 253 octets")
	case !utf8.ValidString(name):
		return "", refuse(login.ReasonBadRequest, "name is not UTF-8")
	case strings.ContainsFunc(name, invisible):
		return "", refuse(login.ReasonBadRequest, "control or invisible character in name")
	}
	return norm.NFC.String(name), nil
}

func invisible(r rune) bool {
	return r < ' ' || r == 0x7f || r >= 0x80 && unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp)
}

func refuse(reason login.Reason, detail string) error {
	return &login.Refusal{Reason: reason, Detail: detail}
}

// names knows which entries a typed name may mean.
type names struct {
	base      template  // of `filter`
	mail, upn *template // the same filter with another attribute; nil: not taken
	byUID     bool
	byUPN     bool // user@domain of our own domains means the name before the @
	byDomain  bool
	domains   []string
}

// newNames compiles the filters of a resolved configuration.
func newNames(c Config) (*names, error) {
	base, err := compileTemplate(c.Filter, placeUser)
	if err != nil {
		return nil, err
	}
	if !base.holds() {
		return nil, fmt.Errorf("filter %q has no %s", c.Filter, placeUser)
	}
	n := &names{base: base, domains: c.Domains}
	for _, f := range c.Names {
		switch form(f) {
		case formUID:
			n.byUID = true
		case formDomain:
			n.byDomain = true
		case formMail:
			n.mail, err = otherAttribute(c.Filter, c.Attributes.Mail)
		case formUPN:
			n.byUPN = true
			if c.Kind == KindAD {
				n.upn, err = otherAttribute(c.Filter, "userPrincipalName")
			}
		default:
			err = fmt.Errorf("names has %q: use uid, mail, upn, domain", f)
		}
		if err != nil {
			return nil, err
		}
	}
	return n, nil
}

func otherAttribute(filter, attribute string) (*template, error) {
	changed, err := withAttribute(filter, attribute)
	if err != nil {
		return nil, err
	}
	t, err := compileTemplate(changed, placeUser)
	return &t, err
}

// asked is one alternative: a filter and what goes in.
type asked struct {
	filter *template
	value  string
}

// maxAlternatives is how many forms one name can have at a time.
const maxAlternatives = 4

// alternatives lists what a name may mean, none when it has no form that is
// taken here. An entry that matches several is still one entry; several
// entries are ambiguous.
func (n *names) alternatives(all []asked, name string) []asked {
	if domain, user, found := strings.Cut(name, `\`); found && n.byDomain {
		if n.ours(domain) && user != "" {
			all = append(all, asked{&n.base, user})
		}
		return all
	}
	if n.byUID {
		all = append(all, asked{&n.base, name})
	}
	at := strings.LastIndexByte(name, '@')
	if at <= 0 {
		return all
	}
	if n.mail != nil {
		all = append(all, asked{n.mail, name})
	}
	if n.upn != nil {
		all = append(all, asked{n.upn, name})
	}
	if n.byUPN && n.ours(name[at+1:]) {
		all = append(all, asked{&n.base, name[:at]})
	}
	return all
}

func (n *names) ours(domain string) bool {
	return slices.ContainsFunc(n.domains, func(d string) bool { return strings.EqualFold(d, domain) })
}

// filterOr is the choice "or" of RFC 4511, section 4.5.1.
const filterOr = 0xa1

// filter writes the filter that finds any of the alternatives.
func filter(w *writer, all []asked) {
	if len(all) == 1 {
		all[0].filter.fill(w, all[0].value)
		return
	}
	or := w.begin(filterOr)
	for _, a := range all {
		a.filter.fill(w, a.value)
	}
	w.end(or)
}
