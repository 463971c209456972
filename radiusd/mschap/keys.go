package mschap

import (
	"crypto/md5"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"

	"layeh.com/radius"
	"layeh.com/radius/rfc2865"
)

// ErrKey is that a session's key cannot be read: it is malformed, or was
// encrypted under another secret.
var ErrKey = errors.New("mschap: encrypted key cannot be read")

// saltLen is how many octets of salt stand in front of an encrypted key.
const saltLen = 2

// isKey reports whether one of Microsoft's attributes is a session's key.
func isKey(typ byte) bool { return typ == typeSendKey || typ == typeRecvKey }

// OpenKeys returns encoded attributes with the keys of MS-MPPE-Send-Key and
// MS-MPPE-Recv-Key in the clear (RFC 2548, sections 2.4.2 and 2.4.3). Secret and
// authenticator are those of the exchange that they came in. Nothing verifies a
// key; one that does not have its form is [ErrKey].
func OpenKeys(attributes, secret, authenticator []byte) ([]byte, error) {
	return eachMicrosoft(attributes, func(b []byte, typ byte, value []byte) ([]byte, error) {
		if !isKey(typ) {
			return vsa(b, typ, value), nil
		}
		key, err := openKey(value, secret, authenticator)
		if err != nil {
			return nil, err
		}
		return vsa(b, typ, key), nil
	})
}

// openKey decrypts one key: salt, then blocks in which its length stands first.
func openKey(value, secret, authenticator []byte) ([]byte, error) {
	// The highest bit of a salt is set (RFC 2548, section 2.4.2).
	if len(value) <= saltLen || (len(value)-saltLen)%md5.Size != 0 || value[0]&0x80 == 0 {
		return nil, ErrKey
	}
	plain := make([]byte, 0, len(value))
	before := append(append([]byte{}, authenticator...), value[:saltLen]...)
	for rest := value[saltLen:]; len(rest) > 0; rest = rest[md5.Size:] {
		h := md5.New()
		h.Write(secret)
		h.Write(before)
		pad := h.Sum(nil)
		for i, o := range rest[:md5.Size] {
			plain = append(plain, o^pad[i])
		}
		before = rest[:md5.Size]
	}
	n := int(plain[0])
	// What another secret has encrypted has any length and any padding. As much
	// padding as a block holds is allowed, and it is zero.
	if n == 0 || n > len(plain)-1 || len(plain)-1-n >= md5.Size {
		return nil, ErrKey
	}
	for _, o := range plain[1+n:] {
		if o != 0 {
			return nil, ErrKey
		}
	}
	return plain[1 : 1+n], nil
}

// SealKeys is the reverse of OpenKeys, for the exchange that they are to go out
// in.
func SealKeys(attributes, secret, authenticator []byte) ([]byte, error) {
	var salt [saltLen]byte
	rand.Read(salt[:])
	return eachMicrosoft(attributes, func(b []byte, typ byte, value []byte) ([]byte, error) {
		if !isKey(typ) {
			return vsa(b, typ, value), nil
		}
		// Salts have their highest bit set and differ within a packet.
		binary.BigEndian.PutUint16(salt[:], (binary.BigEndian.Uint16(salt[:])+1)|1<<15)
		hidden, err := radius.NewTunnelPassword(value, salt[:], secret, authenticator)
		if err != nil {
			return nil, fmt.Errorf("encrypt session key: %w", err)
		}
		return vsa(b, typ, hidden), nil
	})
}

// eachMicrosoft copies attributes, and has change write those of Microsoft's,
// each into a Vendor-Specific of its own.
func eachMicrosoft(attributes []byte, change func(b []byte, typ byte, value []byte) ([]byte, error)) (b []byte, err error) {
	for ; len(attributes) > 0; attributes = attributes[attributes[1]:] {
		if len(attributes) < 2 || attributes[1] < 2 || int(attributes[1]) > len(attributes) {
			return nil, ErrForm
		}
		value := attributes[2:attributes[1]]
		if attributes[0] != byte(rfc2865.VendorSpecific_Type) || len(value) < 4 || binary.BigEndian.Uint32(value) != vendorMicrosoft {
			b = append(b, attributes[:attributes[1]]...)
			continue
		}
		for rest := value[4:]; len(rest) > 0; rest = rest[rest[1]:] {
			if len(rest) < 2 || rest[1] < 2 || int(rest[1]) > len(rest) {
				return nil, ErrForm
			}
			if b, err = change(b, rest[0], rest[2:rest[1]]); err != nil {
				return nil, err
			}
		}
	}
	return b, nil
}
