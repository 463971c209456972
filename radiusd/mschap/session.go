package mschap

import (
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strings"

	"layeh.com/radius"
	"layeh.com/radius/rfc2865"
	"layeh.com/radius/rfc3079"

	"github.com/portvakt/portvakt/login"
)

// A Session is what the first request has earned: the proof that this server
// knows the password too, and the key that the session's keys come from.
type Session struct {
	ident         byte
	authenticator [20]byte
	master        [16]byte
}

func (s *Session) encode() []byte {
	b := make([]byte, 0, login.MaxKept)
	b = append(b, s.ident)
	b = append(b, s.authenticator[:]...)
	return append(b, s.master[:]...)
}

// ParseSession reads what [Proof.Kept] has given.
func ParseSession(kept []byte) (*Session, error) {
	if len(kept) != login.MaxKept {
		return nil, ErrForm
	}
	s := &Session{ident: kept[0]}
	copy(s.authenticator[:], kept[1:21])
	copy(s.master[:], kept[21:])
	return s, nil
}

// Values of MS-MPPE-Encryption-Policy and -Types (RFC 2548, sections 2.4.4 and
// 2.4.5): encryption is allowed, RC4 with 40 or 128 bits. Whether a session
// must be encrypted is the NAS's to say, or a reply rule's.
const (
	encryptionAllowed = 1
	rc4Both           = 6
)

// Attributes are what an Access-Accept carries of the session, encoded: the
// server's proof, both keys, and what they are for. The keys are encrypted
// under the shared secret and the Request Authenticator (RFC 2548, section
// 2.4.2). Policy and types are left out when the reply has them from elsewhere
// already; has are its encoded attributes.
func (s *Session) Attributes(has, secret, authenticator []byte) ([]byte, error) {
	success := append([]byte{s.ident}, "S="+strings.ToUpper(hex.EncodeToString(s.authenticator[:]))...)
	b := vsa(nil, typeSuccess, success)
	policy, types := carried(has)
	if !policy {
		b = vsa(b, typePolicy, binary.BigEndian.AppendUint32(nil, encryptionAllowed))
	}
	if !types {
		b = vsa(b, typeTypes, binary.BigEndian.AppendUint32(nil, rc4Both))
	}
	var salt [2]byte
	rand.Read(salt[:])
	for i, key := range []struct {
		typ  byte
		send bool
	}{{typeSendKey, true}, {typeRecvKey, false}} {
		// Salts have their highest bit set and differ within a packet.
		salt[0] |= 0x80
		salt[1] = salt[1]&^1 | byte(i)
		start, err := rfc3079.GetAsymmetricStartKey(s.master[:], rfc3079.KeyLength128Bit, key.send)
		if err != nil {
			return nil, fmt.Errorf("session key: %w", err)
		}
		hidden, err := radius.NewTunnelPassword(start, salt[:], secret, authenticator)
		if err != nil {
			return nil, fmt.Errorf("encrypt session key: %w", err)
		}
		b = vsa(b, key.typ, hidden)
	}
	return b, nil
}

// carried looks for policy and types among encoded attributes.
func carried(avps []byte) (policy, types bool) {
	for len(avps) >= 2 && avps[1] >= 2 && int(avps[1]) <= len(avps) {
		value := avps[2:avps[1]]
		if avps[0] == byte(rfc2865.VendorSpecific_Type) && len(value) > 4 && binary.BigEndian.Uint32(value) == vendorMicrosoft {
			policy = policy || value[4] == typePolicy
			types = types || value[4] == typeTypes
		}
		avps = avps[avps[1]:]
	}
	return policy, types
}

// vsa appends a Vendor-Specific attribute with one of Microsoft's in it.
func vsa(b []byte, typ byte, value []byte) []byte {
	b = append(b, byte(rfc2865.VendorSpecific_Type), byte(len(value)+8)) //nolint:gosec // the longest is an error text of 240 octets
	b = binary.BigEndian.AppendUint32(b, vendorMicrosoft)
	b = append(b, typ, byte(len(value)+2)) //nolint:gosec // see above
	return append(b, value...)
}
