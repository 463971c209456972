package ldapauth

import (
	"encoding/binary"
	"errors"
)

// BER tags of LDAP (RFC 4511, section 5.1). Classes and forms are part of the
// octet; LDAP needs no tag above 30.
const (
	tagBoolean    = 0x01
	tagInteger    = 0x02
	tagOctets     = 0x04
	tagEnumerated = 0x0a
	tagSequence   = 0x30
	tagSet        = 0x31

	opBindRequest      = 0x60
	opBindResponse     = 0x61
	opUnbindRequest    = 0x42
	opSearchRequest    = 0x63
	opSearchEntry      = 0x64
	opSearchDone       = 0x65
	opSearchReference  = 0x73
	opModifyRequest    = 0x66
	opModifyResponse   = 0x67
	opExtendedRequest  = 0x77
	opExtendedResponse = 0x78

	tagSimple       = 0x80 // AuthenticationChoice
	tagRequestName  = 0x80 // ExtendedRequest
	tagRequestValue = 0x81 // ExtendedRequest
	tagUserIdentity = 0x80 // PasswdModifyRequestValue
	tagOldPassword  = 0x81
	tagNewPassword  = 0x82
	tagControls     = 0xa0
	tagReferral     = 0xa3
	tagWarning      = 0xa0 // password policy response
	tagPolicyError  = 0x81
	tagGraceLogins  = 0x81
	lengthOctets    = 4
	lengthLong      = 0x80
	maxTagNumber    = 0x1f
	maxIntegerSize  = 4
	integerSignMask = 0x80

	modifyAdd    = 0
	modifyDelete = 1
)

var errBER = errors.New("ldapauth: malformed BER")

// A writer appends BER. Constructed values get a length of four octets that is
// filled in when they end, the form Active Directory itself sends.
type writer struct{ b []byte }

// begin starts a constructed value and returns the mark that end wants.
func (w *writer) begin(tag byte) int {
	w.b = append(w.b, tag, lengthLong|lengthOctets, 0, 0, 0, 0)
	return len(w.b)
}

func (w *writer) end(mark int) {
	binary.BigEndian.PutUint32(w.b[mark-lengthOctets:], uint32(len(w.b)-mark)) //nolint:gosec // requests are a few kB
}

func (w *writer) head(tag byte, n int) {
	if n < lengthLong {
		w.b = append(w.b, tag, byte(n)) //nolint:gosec // below 128
		return
	}
	w.b = append(w.b, tag, lengthLong|lengthOctets)
	w.b = binary.BigEndian.AppendUint32(w.b, uint32(n)) //nolint:gosec // requests are a few kB
}

func (w *writer) text(tag byte, s string) {
	w.head(tag, len(s))
	w.b = append(w.b, s...)
}

// integer writes a value of 0 to 2^31-1, the range of LDAP's integers (RFC
// 4511, section 4.1.1).
func (w *writer) integer(tag byte, v int32) {
	n := 1
	for x := v; x > 0x7f; x >>= 8 {
		n++
	}
	w.b = append(w.b, tag, byte(n))
	for n--; n >= 0; n-- {
		w.b = append(w.b, byte(v>>(8*n))) //nolint:gosec // the octet is what is wanted
	}
}

func (w *writer) boolean(v bool) {
	if v {
		w.b = append(w.b, tagBoolean, 1, 0xff)
		return
	}
	w.b = append(w.b, tagBoolean, 1, 0)
}

// A reader takes BER values off the front of what a server sent. It copies
// nothing: values lie in the connection's buffer.
type reader []byte

func (r reader) empty() bool { return len(r) == 0 }

// next takes one value with definite length; LDAP allows no other (RFC 4511,
// section 5.1).
func (r *reader) next() (tag byte, value reader, err error) {
	head, n, ok := header(*r)
	if !ok || n > len(*r)-head {
		return 0, nil, errBER
	}
	tag, value = (*r)[0], (*r)[head:head+n]
	*r = (*r)[head+n:]
	return tag, value, nil
}

// want takes one value that must have the tag.
func (r *reader) want(tag byte) (reader, error) {
	got, value, err := r.next()
	if err != nil {
		return nil, err
	}
	if got != tag {
		return nil, errBER
	}
	return value, nil
}

// optional takes the next value if it has the tag.
func (r *reader) optional(tag byte) (value reader, found bool, err error) {
	if r.empty() || (*r)[0] != tag {
		return nil, false, nil
	}
	_, value, err = r.next()
	return value, err == nil, err
}

// integer reads the content of an INTEGER or ENUMERATED of LDAP's range.
func (r reader) integer() (int32, error) {
	if len(r) == 0 || len(r) > maxIntegerSize || r[0]&integerSignMask != 0 {
		return 0, errBER
	}
	var v int32
	for _, b := range r {
		v = v<<8 | int32(b)
	}
	return v, nil
}

// header reads tag and length: how long they are themselves and how long the
// value is. ok is false when they are malformed or not all there; see
// [framed] for telling one from the other.
func header(b []byte) (head, n int, ok bool) {
	if len(b) < 2 || b[0]&maxTagNumber == maxTagNumber {
		return 0, 0, false
	}
	if b[1] < lengthLong {
		return 2, int(b[1]), true
	}
	k := int(b[1] &^ lengthLong)
	if k == 0 || k > lengthOctets || len(b) < 2+k {
		return 0, 0, false
	}
	for _, c := range b[2 : 2+k] {
		n = n<<8 | int(c)
	}
	return 2 + k, n, true
}

// maxHeader is the most octets that [header] needs to see.
const maxHeader = 2 + lengthOctets

// framed reports how long the LDAPMessage at the front of b is in all; 0 when
// more octets are needed to tell.
func framed(b []byte, limit int) (int, error) {
	if len(b) == 0 {
		return 0, nil
	}
	if b[0] != tagSequence {
		return 0, errBER
	}
	head, n, ok := header(b)
	if !ok {
		if len(b) >= maxHeader {
			return 0, errBER
		}
		return 0, nil
	}
	if n > limit-head {
		return 0, errTooLong
	}
	return head + n, nil
}

var errTooLong = errors.New("ldapauth: message longer than a login can need")
