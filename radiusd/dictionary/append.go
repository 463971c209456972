package dictionary

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// Attribute returns what was encoded.
func (e Encoded) Attribute() Attribute { return e.attribute }

// Tag returns the tag, 0 for none.
func (e Encoded) Tag() byte { return e.tag }

// Len returns the octets that Append adds.
func (e Encoded) Len() int {
	n := 2 + len(e.value)
	if e.attribute.Encrypted {
		n = 2 + saltedLen(len(e.value))
	}
	if e.hasTag() {
		n++
	}
	if v := e.attribute.Vendor; v.Number != 0 {
		n += 4 + v.TypeSize + v.LengthSize
	}
	return n
}

// hasTag reports whether a tag octet is written. Integers and encrypted texts
// always have one, as their layout depends on it; other texts only when there
// is a tag, because devices exist that take a zero octet for text.
func (e Encoded) hasTag() bool {
	return e.attribute.Tagged && (e.tag != 0 || e.attribute.Type == Integer || e.attribute.Encrypted)
}

// Append adds the whole attribute to dst, a vendor's inside a Vendor-Specific
// (RFC 2865, section 5.26). Only Encrypted attributes need the [Salter]; it is
// an error to append one without.
func (e Encoded) Append(dst []byte, s *Salter) ([]byte, error) {
	a := e.attribute
	if a.Type == 0 {
		return dst, errors.New("append an attribute that was not encoded")
	}
	if a.Encrypted && s == nil {
		return dst, fmt.Errorf("%s: is encrypted for each request and needs its authenticator", a.Name)
	}
	length := e.Len()
	if v := a.Vendor; v.Number != 0 {
		dst = append(dst, vendorSpecific, byte(length)) //nolint:gosec // encode has checked the length
		dst = binary.BigEndian.AppendUint32(dst, v.Number)
		dst = appendSized(dst, a.Number, v.TypeSize)
		dst = appendSized(dst, uint32(length-6), v.LengthSize) //nolint:gosec // at least 6 + a type
	} else {
		dst = append(dst, byte(a.Number), byte(length)) //nolint:gosec // Parse has checked the number
	}
	if e.hasTag() {
		dst = append(dst, e.tag)
	}
	if a.Encrypted {
		return s.appendSealed(dst, e.value), nil
	}
	return append(dst, e.value...), nil
}

// Append adds the value to dst as an attribute again, a vendor's inside a
// Vendor-Specific of its own. It is for values that [Dictionary.Decode] has read,
// and adds nothing of what is malformed, or encrypted for one exchange.
func (v Value) Append(dst []byte) []byte {
	e := Encoded{attribute: v.Attribute, tag: v.Tag, value: v.Octets}
	if v.Attribute.Name == malformed || v.Attribute.Encrypted || e.Len() > maxAttribute {
		return dst
	}
	more, err := e.Append(dst, nil)
	if err != nil {
		return dst
	}
	return more
}

// appendSized writes n into size octets; Parse has checked that it fits.
func appendSized(dst []byte, n uint32, size int) []byte {
	for i := size - 1; i >= 0; i-- {
		dst = append(dst, byte(n>>(8*i))) //nolint:gosec // one octet after the other
	}
	return dst
}
