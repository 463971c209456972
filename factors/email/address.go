package email

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base32"
	"errors"
	"net/mail"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/net/idna"
)

const (
	maxAddress = 254 // RFC 5321, section 4.5.3.1.3, without the brackets
	maxLocal   = 64  // RFC 5321, section 4.5.3.1.1
	// shown is how many characters of each side a person is shown.
	shownLocal, shownDomain = 1, 2
	hidden                  = "••"
	idLength                = 10
)

// local is a dot-atom (RFC 5322, section 3.2.3). Quoted local parts are left
// out: hardly anybody has one, and programs on the way disagree about them.
var local = regexp.MustCompile("^[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*$")

var errAddress = errors.New("is no address")

// parse reads one address of a directory; its domain becomes ASCII. Names,
// comments, lists and control characters are refused (attack: whoever can
// write her own entry adds a recipient or a header).
func parse(raw string) (string, error) {
	raw = strings.Trim(raw, " ")
	if len(raw) > maxAddress || strings.ContainsFunc(raw, unsafe) {
		return "", errAddress
	}
	name, domain, ok := strings.Cut(raw, "@")
	if !ok || len(name) > maxLocal || !local.MatchString(name) {
		return "", errAddress
	}
	ascii, err := idna.Lookup.ToASCII(strings.ToLower(domain))
	if err != nil || !strings.Contains(ascii, ".") || strings.HasSuffix(ascii, ".") {
		return "", errAddress
	}
	address := name + "@" + ascii
	if a, err := mail.ParseAddress(address); err != nil || a.Address != address || a.Name != "" || len(address) > maxAddress {
		return "", errAddress
	}
	return address, nil
}

// sender reads the address that messages come from, which may have a name.
func sender(raw string) (*mail.Address, error) {
	if strings.ContainsFunc(raw, unicode.IsControl) {
		return nil, errAddress
	}
	a, err := mail.ParseAddress(raw)
	if err != nil {
		return nil, errAddress
	}
	if a.Address, err = parse(a.Address); err != nil {
		return nil, err
	}
	return a, nil
}

// unsafe are characters that end a line, a word or a list somewhere.
func unsafe(r rune) bool {
	return unicode.IsControl(r) || unicode.IsSpace(r) || strings.ContainsRune("<>,;:\"()[]\\", r)
}

func domainOf(address string) string { return address[strings.LastIndexByte(address, '@')+1:] }

// allowed reports whether an address is of one of the domains, or there are
// none.
func (c Config) allowed(address string) bool {
	return len(c.Domains) == 0 || slices.ContainsFunc(c.Domains, func(d string) bool {
		ascii, err := idna.Lookup.ToASCII(strings.ToLower(d))
		return err == nil && ascii == domainOf(address)
	})
}

// mask is an address as a person is shown it, "a••@ex••": enough to know one's
// own mailboxes apart, too little to learn somebody else's.
func mask(address string) string {
	name, domain, _ := strings.Cut(address, "@")
	return name[:min(len(name), shownLocal)] + hidden + "@" + domain[:min(len(domain), shownDomain)] + hidden
}

// id names an address among those of one account without showing it.
func id(key []byte, address string) string {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte("email id\x00" + strings.ToLower(address)))
	return strings.ToLower(base32.StdEncoding.EncodeToString(mac.Sum(nil))[:idLength])
}
