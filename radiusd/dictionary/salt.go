package dictionary

import (
	"crypto/md5" //nolint:gosec // RFC 2868, section 3.5 is built on MD5
	"crypto/rand"
	"encoding/binary"

	"github.com/portvakt/portvakt/conf/secret"
)

const (
	saltBit  = 0x8000 // the highest bit of every salt: RFC 2868, section 3.5
	saltSize = 2
)

// A Salter encrypts the salted attributes of one reply (RFC 2868, section 3.5;
// RFC 2548, section 2.4.2 for MPPE keys). It is for one goroutine and one
// packet.
type Salter struct {
	secret        string
	authenticator [md5.Size]byte
	next          uint16
}

// NewSalter makes a Salter of the shared secret and the Request Authenticator
// of the request that is answered.
func NewSalter(shared secret.Value, requestAuthenticator [16]byte) *Salter {
	var start [saltSize]byte
	rand.Read(start[:]) // never fails
	return &Salter{
		secret:        shared.Reveal(),
		authenticator: requestAuthenticator,
		next:          binary.BigEndian.Uint16(start[:]),
	}
}

// salt counts up from a random start: random salts could meet within a packet,
// which would encrypt two values with the same octets.
func (s *Salter) salt() uint16 {
	s.next++
	return s.next | saltBit
}

// saltedLen is the length of n octets with salt, length octet and padding.
func saltedLen(n int) int {
	return saltSize + (1+n+md5.Size-1)/md5.Size*md5.Size
}

func (s *Salter) appendSealed(dst, plain []byte) []byte {
	salt := binary.BigEndian.AppendUint16(nil, s.salt())
	block := make([]byte, saltedLen(len(plain))-saltSize)
	block[0] = byte(len(plain)) //nolint:gosec // encode has checked the length
	copy(block[1:], plain)

	h := md5.New() //nolint:gosec // as above
	h.Write([]byte(s.secret))
	h.Write(s.authenticator[:])
	h.Write(salt)
	for i := 0; i < len(block); i += md5.Size {
		for j, k := range h.Sum(nil) {
			block[i+j] ^= k
		}
		h.Reset()
		h.Write([]byte(s.secret))
		h.Write(block[i : i+md5.Size])
	}
	dst = append(dst, salt...)
	return append(dst, block...)
}
