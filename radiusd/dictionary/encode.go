package dictionary

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

const (
	maxAttribute = 255       // octets of an attribute in a packet: RFC 2865, section 5
	maxTag       = 0x1f      // RFC 2868, section 3.1
	maxTagged    = 1<<24 - 1 // a tagged integer has 3 octets: RFC 2868, section 3.1
)

// An Encoded is an attribute with its value, ready for packets. It may be
// used again and again.
type Encoded struct {
	attribute Attribute
	tag       byte
	value     []byte // without tag, salt and header
}

// Encode reads the value as an administrator writes it, strictly by the type
// of a. The tag is 0 for none, or 1 to 31 for a Tagged attribute. Errors say
// what is wrong and never repeat the value of a secret attribute.
func Encode(a Attribute, value string, tag byte) (Encoded, error) {
	octets, err := a.parse(value)
	if err != nil {
		return Encoded{}, fmt.Errorf("%s: %w", a.Name, err)
	}
	return encode(a, octets, tag)
}

// EncodeText takes the value as it is, for values that come from elsewhere
// than the configuration: "0x41" of a directory is four characters. Only texts
// and octets can be written so, and no control character is let through.
func EncodeText(a Attribute, value string, tag byte) (Encoded, error) {
	if a.Type != Text && a.Type != Octets {
		return Encoded{}, fmt.Errorf("%s: only texts and octets can hold this value", a.Name)
	}
	if err := checkText(value, ""); err != nil {
		return Encoded{}, fmt.Errorf("%s: %w", a.Name, err)
	}
	return encode(a, []byte(value), tag)
}

func encode(a Attribute, octets []byte, tag byte) (Encoded, error) {
	e := Encoded{attribute: a, tag: tag, value: octets}
	switch {
	case tag > 0 && !a.Tagged:
		return Encoded{}, fmt.Errorf("%s: has no tag", a.Name)
	case tag > maxTag:
		return Encoded{}, fmt.Errorf("%s: tag %d is not 1 to %d", a.Name, tag, maxTag)
	case e.Len() > maxAttribute:
		return Encoded{}, fmt.Errorf("%s: %d octets are too long by %d", a.Name, len(octets), e.Len()-maxAttribute)
	}
	return e, nil
}

// parse makes octets of the administrator's text.
func (a Attribute) parse(value string) ([]byte, error) {
	if value == "" {
		// RFC 2865, section 5: a text of length zero is not sent at all.
		return nil, errors.New("is empty; leave the attribute out")
	}
	switch a.Type {
	case Text:
		return []byte(value), checkText(value, "\t\n\r")
	case Octets:
		if digits, ok := strings.CutPrefix(value, "0x"); ok {
			octets, err := hex.DecodeString(digits)
			if err != nil || len(octets) == 0 {
				return nil, errors.New("0x must be followed by pairs of hexadecimal digits")
			}
			return octets, nil
		}
		return []byte(value), checkText(value, "\t\n\r")
	case Integer:
		return a.parseInteger(value)
	case IPAddr:
		addr, err := netip.ParseAddr(value)
		if err != nil || !addr.Is4() {
			return nil, fmt.Errorf("%q is no IPv4 address", clip(value))
		}
		return addr.AsSlice(), nil
	case IPv6Addr:
		addr, err := netip.ParseAddr(value)
		if err != nil || !addr.Is6() || addr.Zone() != "" {
			return nil, fmt.Errorf("%q is no IPv6 address", clip(value))
		}
		return addr.AsSlice(), nil
	case IPv6Prefix:
		return parsePrefix(value)
	case IfID:
		return parseIfID(value)
	case Date:
		return parseDate(value)
	default:
		return nil, errors.New("has no type")
	}
}

func (a Attribute) parseInteger(value string) ([]byte, error) {
	number, ok := a.numbered(value)
	if !ok {
		digits, base := value, 10
		if after, hexadecimal := strings.CutPrefix(value, "0x"); hexadecimal {
			digits, base = after, 16
		}
		n, err := strconv.ParseUint(digits, base, 32)
		switch {
		case err != nil && len(a.values) > 0:
			return nil, fmt.Errorf("%q is neither a number nor one of %s", clip(value), strings.Join(a.valueNames(), ", "))
		case err != nil:
			return nil, fmt.Errorf("%q is no number from 0 to 4294967295", clip(value))
		case a.Tagged && n > maxTagged:
			return nil, fmt.Errorf("%d is above %d, the most beside a tag", n, maxTagged)
		}
		number = uint32(n)
	}
	octets := binary.BigEndian.AppendUint32(nil, number)
	if a.Tagged {
		return octets[1:], nil
	}
	return octets, nil
}

// parsePrefix leaves out the octets behind the prefix (RFC 3162, section 2.3;
// RFC 8044, section 3.10).
func parsePrefix(value string) ([]byte, error) {
	p, err := netip.ParsePrefix(value)
	if err != nil || !p.Addr().Is6() {
		return nil, fmt.Errorf("%q is no IPv6 prefix, e.g. 2001:db8::/64", clip(value))
	}
	if p != p.Masked() {
		return nil, fmt.Errorf("%q has bits behind the prefix; write %s", clip(value), p.Masked())
	}
	octets := []byte{0, byte(p.Bits())} //nolint:gosec // 0 to 128
	return append(octets, p.Addr().AsSlice()[:(p.Bits()+7)/8]...), nil
}

func parseIfID(value string) ([]byte, error) {
	wrong := fmt.Errorf("%q is no interface identifier, e.g. 0:0:0:1", clip(value))
	groups := strings.Split(value, ":")
	if len(groups) == 1 && len(value) == 16 {
		groups = []string{value[:4], value[4:8], value[8:12], value[12:]}
	}
	if len(groups) != 4 {
		return nil, wrong
	}
	var octets []byte
	for _, g := range groups {
		n, err := strconv.ParseUint(g, 16, 16)
		if err != nil {
			return nil, wrong
		}
		octets = binary.BigEndian.AppendUint16(octets, uint16(n))
	}
	return octets, nil
}

func parseDate(value string) ([]byte, error) {
	seconds, err := strconv.ParseUint(value, 10, 32)
	if err != nil {
		t, timeErr := time.Parse(time.RFC3339, value)
		if timeErr != nil || t.Unix() < 0 || t.Unix() > 1<<32-1 {
			return nil, fmt.Errorf("%q is no date, e.g. 2018-06-13T00:00:00+02:00", clip(value))
		}
		seconds = uint64(t.Unix()) //nolint:gosec // not negative, as checked above
	}
	return binary.BigEndian.AppendUint32(nil, uint32(seconds)), nil
}

// checkText refuses what devices cut, misread or pass on to a log: NUL and the
// other control characters, and octets that are no UTF-8.
func checkText(s, allowed string) error {
	if s == "" {
		return errors.New("is empty")
	}
	if !utf8.ValidString(s) {
		return errors.New("is not UTF-8")
	}
	for _, r := range s {
		if unicode.IsControl(r) && !strings.ContainsRune(allowed, r) {
			return fmt.Errorf("contains the control character U+%04X", r)
		}
	}
	return nil
}
