package dictionary

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"net/netip"
	"strconv"
	"time"
	"unicode/utf8"
)

// A Value is one attribute of a packet.
type Value struct {
	// Attribute is the dictionary's entry, or one made up for a number that it
	// does not have: "Attribute-99", "Vendor-9-Attribute-33", or "Malformed".
	Attribute Attribute
	// Known is whether the dictionary has the attribute.
	Known bool
	// Tag is the tag of a Tagged attribute, 0 for none.
	Tag byte
	// Octets is the value without tag; it shares memory with what was decoded.
	Octets []byte
}

const malformed = "Malformed"

// Decode reads the attributes of a packet, tolerantly: what cannot be read
// ends as one Malformed value, and it always comes to an end, whatever the
// lengths inside claim (CVE-2001-1376 was such a length).
func (d *Dictionary) Decode(avps []byte) []Value {
	var values []Value
	for len(avps) > 0 {
		if len(avps) < 2 || avps[1] < 2 || int(avps[1]) > len(avps) {
			return append(values, broken(avps))
		}
		number, octets := avps[0], avps[2:avps[1]]
		avps = avps[avps[1]:]
		if number == vendorSpecific {
			values = d.decodeVendor(values, octets)
			continue
		}
		values = append(values, d.value(Vendor{}, uint32(number), octets))
	}
	return values
}

// decodeVendor reads the attributes inside one Vendor-Specific; there may be
// several (RFC 2865, section 5.26).
func (d *Dictionary) decodeVendor(values []Value, octets []byte) []Value {
	if len(octets) < 4 || octets[0] != 0 {
		return append(values, broken(octets))
	}
	v := d.vendor(binary.BigEndian.Uint32(octets))
	octets = octets[4:]
	header := v.TypeSize + v.LengthSize
	for first := true; first || len(octets) > 0; first = false {
		if len(octets) < header {
			return append(values, broken(octets))
		}
		number, length := sized(octets[:v.TypeSize]), len(octets)
		if v.LengthSize > 0 {
			length = int(sized(octets[v.TypeSize:header]))
		}
		if length < header || length > len(octets) {
			return append(values, broken(octets))
		}
		values = append(values, d.value(v, number, octets[header:length]))
		octets = octets[length:]
	}
	return values
}

func sized(octets []byte) uint32 {
	var n uint32
	for _, o := range octets {
		n = n<<8 | uint32(o)
	}
	return n
}

func broken(octets []byte) Value {
	return Value{Attribute: Attribute{Name: malformed, Type: Octets}, Octets: octets}
}

func (d *Dictionary) value(v Vendor, number uint32, octets []byte) Value {
	a, ok := d.byID[ID{v.Number, number}]
	if !ok {
		name := fmt.Sprintf("Attribute-%d", number)
		if v.Number != 0 {
			name = fmt.Sprintf("Vendor-%d-Attribute-%d", v.Number, number)
		}
		return Value{Attribute: Attribute{Name: name, Vendor: v, Number: number, Type: Octets}, Octets: octets}
	}
	value := Value{Attribute: *a, Known: true, Octets: octets}
	if a.Tagged && len(octets) > 0 {
		switch {
		// A first octet above 0x1f belongs to the text (RFC 2868, section 3.3).
		case a.Type == Integer || a.Encrypted || octets[0] <= maxTag:
			value.Tag, value.Octets = octets[0], octets[1:]
		}
	}
	return value
}

// Text returns the value for people. Secret and encrypted ones, and those that
// are not in the dictionary and could be either, are only counted. The result
// holds no control characters, so that a reply cannot write to a terminal what
// it likes.
func (v Value) Text() string {
	a := v.Attribute
	switch {
	case !v.Known:
		return fmt.Sprintf("(%d octets)", len(v.Octets))
	case a.Secret, a.Encrypted:
		return fmt.Sprintf("(secret, %d octets)", len(v.Octets))
	}
	switch a.Type {
	case Integer:
		if n := sized(v.Octets); len(v.Octets) == 4 || a.Tagged && len(v.Octets) == 3 {
			if name := a.named(n); name != "" {
				return name
			}
			return strconv.FormatUint(uint64(n), 10)
		}
	case Date:
		if len(v.Octets) == 4 {
			return time.Unix(int64(sized(v.Octets)), 0).UTC().Format(time.RFC3339)
		}
	case IPAddr, IPv6Addr:
		if addr, ok := netip.AddrFromSlice(v.Octets); ok && addr.Is4() == (a.Type == IPAddr) {
			return addr.String()
		}
	case IPv6Prefix:
		if p, ok := v.prefix(); ok {
			return p.String()
		}
	case IfID:
		if o := v.Octets; len(o) == 8 {
			return fmt.Sprintf("%x:%x:%x:%x", sized(o[:2]), sized(o[2:4]), sized(o[4:6]), sized(o[6:]))
		}
	case Text:
		return quote(v.Octets)
	case Octets:
		if printable(v.Octets) {
			return quote(v.Octets)
		}
	}
	return "0x" + hex.EncodeToString(v.Octets)
}

// prefix reads an IPv6 prefix, also one that is padded to 16 octets or has
// bits behind the prefix (RFC 3162, section 2.3).
func (v Value) prefix() (netip.Prefix, bool) {
	if len(v.Octets) < 2 || len(v.Octets) > 18 {
		return netip.Prefix{}, false
	}
	var addr [16]byte
	copy(addr[:], v.Octets[2:])
	p, err := netip.AddrFrom16(addr).Prefix(int(v.Octets[1]))
	return p, err == nil
}

// String returns the value as the line "Name = text", with the tag behind a
// colon when there is one.
func (v Value) String() string {
	name := v.Attribute.Name
	if v.Tag != 0 {
		name += ":" + strconv.Itoa(int(v.Tag))
	}
	return name + " = " + v.Text()
}

func quote(octets []byte) string { return strconv.Quote(string(octets)) }

func printable(octets []byte) bool {
	if !utf8.Valid(octets) {
		return false
	}
	for _, r := range string(octets) {
		if !strconv.IsPrint(r) {
			return false
		}
	}
	return true
}
