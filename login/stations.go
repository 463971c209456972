package login

import (
	"errors"
	"fmt"
	"strings"
)

// A stationPattern is what a rule says of a Calling-Station-Id.
type stationPattern struct {
	text   string // lower case
	prefix bool
	mac    string // hexadecimal digits, when the text is a MAC address or begins one
}

// A device's Calling-Station-Id, as it is compared.
type callingStation struct{ text, mac string }

func newStationID(text string) callingStation {
	text = strings.ToLower(text)
	mac, whole := macDigits(text)
	if !whole {
		mac = ""
	}
	return callingStation{text, mac}
}

// matches compares in any case, and MAC addresses in any spelling: RFC 3580,
// section 3.21, asks for "00-10-A4-23-19-C0", and each vendor has its own.
func (s callingStation) matches(p stationPattern) bool {
	switch {
	case p.mac != "" && s.mac != "":
		return p.prefix && strings.HasPrefix(s.mac, p.mac) || s.mac == p.mac
	case p.prefix:
		return strings.HasPrefix(s.text, p.text)
	}
	return s.text == p.text
}

// parseStation reads a pattern: the whole of a Calling-Station-Id, or its
// beginning and "*".
func parseStation(text string) (p stationPattern, err error) {
	p.text, p.prefix = strings.CutSuffix(strings.ToLower(text), "*")
	switch {
	case p.text == "":
		return p, errors.New("an empty pattern would be every device: leave stations out instead")
	case strings.Contains(p.text, "*"):
		return p, fmt.Errorf("%q has a * before its end: write the beginning and one *, as in \"02-00-5e-*\"", short(text))
	}
	mac, whole := macDigits(p.text)
	if whole || p.prefix {
		p.mac = mac
	}
	return p, nil
}

// macDigits returns the digits of a MAC address or of the beginning of one,
// with the separators of any vendor: whole octets, or Cisco's groups of four
// digits. whole is whether they are all there.
func macDigits(text string) (digits string, whole bool) {
	group := strings.IndexAny(text, ":-.")
	if group < 0 {
		group = len(text)
	}
	if group != 2 && group != 4 && group != 6 && group != 12 {
		return "", false
	}
	var b strings.Builder
	for i := range len(text) {
		c := text[i]
		separator := i%(group+1) == group
		switch {
		case separator && (c != text[group] || group == 12):
			return "", false
		case separator:
		case c >= '0' && c <= '9' || c >= 'a' && c <= 'f':
			b.WriteByte(c)
		default:
			return "", false
		}
	}
	if b.Len() > 12 {
		return "", false
	}
	return b.String(), b.Len() == 12
}
