package radiusd

import (
	"crypto/md5"
	"crypto/subtle"

	"layeh.com/radius/rfc2865"

	"github.com/portvakt/portvakt/login"
)

// A chapProof is what somebody sent to prove that she knows a password (RFC
// 1994, section 4.1): an identifier, and the MD5 over it, the password and the
// challenge.
type chapProof struct {
	id        byte
	response  [md5.Size]byte
	challenge []byte
	password  string // once it was found
}

var _ login.Lasting = (*chapProof)(nil)

// Carried are the attributes that the proof came in, encoded, for a server that
// decides about it. The challenge is one of them always: the authenticator of
// another request would not be it. No name is hashed.
func (c *chapProof) Carried() (user string, attributes []byte) {
	b := append([]byte{byte(rfc2865.CHAPPassword_Type), 2 + 1 + md5.Size, c.id}, c.response[:]...)
	b = append(b, byte(rfc2865.CHAPChallenge_Type), byte(2+len(c.challenge))) //nolint:gosec // it was an attribute's value
	return "", append(b, c.challenge...)
}

// Reveal has nothing to reveal.
func (*chapProof) Reveal() (string, bool) { return "", false }

// Is computes what somebody with this password, or code, would have sent.
func (c *chapProof) Is(text string) bool {
	h := md5.New()
	h.Write([]byte{c.id})
	h.Write([]byte(text))
	h.Write(c.challenge)
	right := subtle.ConstantTimeCompare(h.Sum(nil), c.response[:]) == 1
	if right {
		c.password = text
	}
	return right
}

// Lasting is the password; nil before it was found, and where another server has
// found it.
func (c *chapProof) Lasting() []byte { return []byte(c.password) }

// String keeps what can be searched for a password out of logs.
func (*chapProof) String() string { return "[redacted]" }

// GoString keeps it out of %#v too.
func (*chapProof) GoString() string { return "[redacted]" }

// chap takes CHAP-Password out of the request. The challenge is an attribute,
// or the Request Authenticator when there is none (RFC 2865, section 5.3).
func (r *request) chap() (login.Secret, tally) {
	attributes, err := r.attributes()
	if err != nil {
		return nil, refusedPasswordForm
	}
	password := attributes.Get(rfc2865.CHAPPassword_Type)
	if len(password) != 1+md5.Size {
		return nil, refusedPasswordForm
	}
	c := &chapProof{id: password[0], challenge: r.octets[4:headerLen]}
	copy(c.response[:], password[1:])
	seen := false
	for _, avp := range attributes {
		if avp.Type != rfc2865.CHAPChallenge_Type {
			continue
		}
		if seen || len(avp.Attribute) == 0 {
			return nil, refusedPasswordForm
		}
		seen, c.challenge = true, avp.Attribute
	}
	return c, dropNone
}
