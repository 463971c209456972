package mschap

import (
	"crypto/sha1"
	"crypto/subtle"
	"strings"

	"layeh.com/radius/rfc2759"
	"layeh.com/radius/rfc3079"

	"github.com/portvakt/portvakt/login"
)

// A Proof is what somebody sent to prove that she knows the NT hash of a
// password. It is for one goroutine at a time.
type Proof struct {
	ident     byte
	challenge [8]byte // RFC 2759, section 8.2
	response  [24]byte
	session   *Session // once it was found right
	key       [16]byte // what Proven was told then

	// As they came, for a server that decides.
	user                    string
	rawChallenge, rawAnswer []byte
}

var (
	_ login.NTProof = (*Proof)(nil)
	_ login.Keeper  = (*Proof)(nil)
	_ login.Lasting = (*Proof)(nil)
)

// Proof takes the answer out of the request of this user (the User-Name as
// sent). The domain in front of a name is not part of what was hashed (RFC
// 2759, section 4).
func (f Found) Proof(user string) (*Proof, error) {
	r := f.response
	if f.Version1 || f.Change || len(f.challenge) != challengeLen || len(r) != responseLen {
		return nil, ErrForm
	}
	// Flags and the reserved octets must be zero (RFC 2548, section 2.3.2), and
	// nothing that is hashed covers them.
	if r[1] != 0 || string(r[18:26]) != "\x00\x00\x00\x00\x00\x00\x00\x00" {
		return nil, ErrForm
	}
	p := newProof(r[0], r[2:18], f.challenge, r[26:], user)
	p.user, p.rawChallenge, p.rawAnswer = user, f.challenge, r
	return p, nil
}

func newProof(ident byte, peer, challenge, response []byte, user string) *Proof {
	_, name, found := strings.Cut(user, `\`)
	if !found {
		name = user
	}
	p := &Proof{ident: ident}
	copy(p.challenge[:], rfc2759.ChallengeHash(peer, challenge, []byte(name)))
	copy(p.response[:], response)
	return p
}

// Carried are the attributes that the proof came in, encoded, for a server that
// decides about it: MS-CHAP-Challenge and MS-CHAP2-Response. They are good under
// the name that they came with alone, which was hashed with them.
func (p *Proof) Carried() (user string, attributes []byte) {
	return p.user, vsa(vsa(nil, typeChallenge, p.rawChallenge), typeResponse2, p.rawAnswer)
}

// Ident is what the server's answer repeats.
func (p *Proof) Ident() byte { return p.ident }

// Reveal has nothing to reveal.
func (*Proof) Reveal() (string, bool) { return "", false }

// Is computes what somebody with this password, or code, would have sent.
func (p *Proof) Is(text string) bool {
	hash, err := NTHash(text)
	return err == nil && p.answers(hash[:])
}

func (p *Proof) answers(hash []byte) bool {
	return subtle.ConstantTimeCompare(rfc2759.ChallengeResponse(p.challenge[:], hash), p.response[:]) == 1
}

// NTResponse is what a domain controller checks.
func (p *Proof) NTResponse() (challenge [8]byte, response [24]byte) { return p.challenge, p.response }

// Matches reports whether the answer was made with the NT hash.
func (p *Proof) Matches(hash [16]byte) bool {
	if !p.answers(hash[:]) {
		return false
	}
	p.Proven([16]byte(rfc2759.NTPasswordHash(hash[:])))
	return true
}

// Proven is told the MD4 of the NT hash.
func (p *Proof) Proven(key [16]byte) {
	s := &Session{ident: p.ident}
	// RFC 2759, section 8.7
	h := sha1.New()
	h.Write(key[:])
	h.Write(p.response[:])
	h.Write([]byte("Magic server to client signing constant"))
	digest := h.Sum(nil)
	h.Reset()
	h.Write(digest)
	h.Write(p.challenge[:])
	h.Write([]byte("Pad to make it do more than one iteration"))
	h.Sum(s.authenticator[:0])
	copy(s.master[:], rfc3079.GetMasterKey(key[:], p.response[:])) // RFC 3079, section 3.4
	p.session, p.key = s, key
}

// Lasting is the MD4 of the NT hash; nil before the proof was found right, where a
// server has found it right that tells only the keys of the session, and where a
// domain has none to tell, as of a guest.
func (p *Proof) Lasting() []byte {
	if p.session == nil || p.key == [16]byte{} {
		return nil
	}
	return p.key[:]
}

// Kept is the session that this proof has earned; nil before it was found
// right.
func (p *Proof) Kept() []byte {
	if p.session == nil {
		return nil
	}
	return p.session.encode()
}

// String keeps what can be searched for a password out of logs.
func (*Proof) String() string { return "[redacted]" }

// GoString keeps it out of %#v too.
func (*Proof) GoString() string { return "[redacted]" }

// NTHash is the MD4 of a password in UTF-16 (RFC 2759, section 8.3).
func NTHash(password string) (hash [16]byte, err error) {
	wide, err := rfc2759.ToUTF16([]byte(password))
	if err != nil {
		return hash, err
	}
	copy(hash[:], rfc2759.NTPasswordHash(wide))
	return hash, nil
}
