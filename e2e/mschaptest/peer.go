package mschaptest

import (
	"bytes"
	"crypto/des"
	"crypto/md5"
	"crypto/rand"
	"crypto/rc4"
	"crypto/sha1"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"unicode/utf16"
)

// A Peer is one exchange of a person's system with a NAS.
type Peer struct {
	// User is the name with the domain, Password what is typed.
	User, Password string
	// Ident, Challenge (of the NAS) and PeerChallenge are set by New.
	Ident                    byte
	Challenge, PeerChallenge [16]byte
}

// New begins an exchange.
func New(user, password string) *Peer {
	p := &Peer{User: user, Password: password}
	var ident [1]byte
	rand.Read(ident[:])
	rand.Read(p.Challenge[:])
	rand.Read(p.PeerChallenge[:])
	p.Ident = ident[0]
	return p
}

// NTHash is NtPasswordHash of RFC 2759, section 8.3.
func NTHash(password string) [16]byte {
	var wide []byte
	for _, u := range utf16.Encode([]rune(password)) {
		wide = binary.LittleEndian.AppendUint16(wide, u)
	}
	return MD4(wide)
}

// SessionKey is HashNtPasswordHash of RFC 2759, section 8.4, which domain
// controllers call the user session key.
func SessionKey(password string) [16]byte {
	hash := NTHash(password)
	return MD4(hash[:])
}

// ChallengeHash is that of RFC 2759, section 8.2.
func (p *Peer) ChallengeHash() [8]byte {
	name := p.User[strings.LastIndexByte(p.User, '\\')+1:]
	sum := sha1.Sum(bytes.Join([][]byte{p.PeerChallenge[:], p.Challenge[:], []byte(name)}, nil))
	return [8]byte(sum[:8])
}

// NTResponse is ChallengeResponse of RFC 2759, section 8.5.
func (p *Peer) NTResponse() (response [24]byte) {
	hash, challenge := NTHash(p.Password), p.ChallengeHash()
	key := append(hash[:], 0, 0, 0, 0, 0)
	for i := range 3 {
		block, err := des.NewCipher(spread(key[7*i : 7*i+7]))
		if err != nil {
			panic(err) // the key has eight octets
		}
		block.Encrypt(response[8*i:], challenge[:])
	}
	return response
}

// spread makes a DES key of 56 bits; DES ignores the parity.
func spread(k []byte) []byte {
	var bitsOf uint64
	for _, b := range k {
		bitsOf = bitsOf<<8 | uint64(b)
	}
	out := make([]byte, 8)
	for i := range out {
		out[i] = byte(bitsOf>>(49-7*i)) << 1
	}
	return out
}

// Attributes are what the NAS puts into its request: MS-CHAP-Challenge and
// MS-CHAP2-Response.
func (p *Peer) Attributes() []byte {
	response := p.NTResponse()
	value := append([]byte{p.Ident, 0}, p.PeerChallenge[:]...)
	value = append(append(value, make([]byte, 8)...), response[:]...)
	return append(VSA(11, p.Challenge[:]), VSA(25, value)...)
}

// Change are what the NAS puts into a request that changes the old password to
// the peer's: MS-CHAP-Challenge, MS-CHAP2-CPW and three pieces of MS-CHAP-NT-Enc-PW
// (RFC 2548, sections 2.3.4 and 2.1.9).
func (p *Peer) Change(old string) []byte {
	oldHash, newHash, response := NTHash(old), NTHash(p.Password), p.NTResponse()
	value := append([]byte{7, p.Ident}, encryptHash(oldHash, newHash)...)
	value = append(append(value, p.PeerChallenge[:]...), make([]byte, 8)...)
	value = append(append(value, response[:]...), 0, 0)
	attrs := append(VSA(11, p.Challenge[:]), VSA(27, value)...)
	blob := EncryptPassword(p.Password, oldHash)
	for i := byte(1); len(blob) > 0; i++ {
		n := min(len(blob), 243)
		attrs = append(attrs, VSA(6, append([]byte{6, p.Ident, 0, i}, blob[:n]...))...)
		blob = blob[n:]
	}
	return attrs
}

// EncryptPassword is EncryptPwBlockWithPasswordHash of RFC 2759, section 8.10.
func EncryptPassword(password string, hash [16]byte) []byte {
	var wide []byte
	for _, u := range utf16.Encode([]rune(password)) {
		wide = binary.LittleEndian.AppendUint16(wide, u)
	}
	block := make([]byte, 516)
	rand.Read(block[:512])
	copy(block[512-len(wide):], wide)
	binary.LittleEndian.PutUint32(block[512:], uint32(len(wide)))
	return rc4of(hash, block)
}

// DecryptPassword undoes it; "" when the hash is another one.
func DecryptPassword(blob []byte, hash [16]byte) string {
	block := rc4of(hash, blob)
	n := binary.LittleEndian.Uint32(block[512:])
	if n > 512 || n%2 != 0 {
		return ""
	}
	var units []uint16
	for wide := block[512-n : 512]; len(wide) > 0; wide = wide[2:] {
		units = append(units, binary.LittleEndian.Uint16(wide))
	}
	return string(utf16.Decode(units))
}

func rc4of(hash [16]byte, b []byte) []byte {
	c, err := rc4.NewCipher(hash[:])
	if err != nil {
		panic(err) // the key has sixteen octets
	}
	out := make([]byte, len(b))
	c.XORKeyStream(out, b)
	return out
}

// encryptHash is OldNtPasswordHashEncryptedWithNewNtPasswordHash of RFC 2759,
// section 8.12.
func encryptHash(hash, with [16]byte) []byte {
	out := make([]byte, 16)
	for i := range 2 {
		block, err := des.NewCipher(spread(with[7*i : 7*i+7]))
		if err != nil {
			panic(err) // the key has eight octets
		}
		block.Encrypt(out[8*i:], hash[8*i:])
	}
	return out
}

// DecryptHash undoes it.
func DecryptHash(hash, with [16]byte) (out [16]byte) {
	for i := range 2 {
		block, err := des.NewCipher(spread(with[7*i : 7*i+7]))
		if err != nil {
			panic(err) // the key has eight octets
		}
		block.Decrypt(out[8*i:], hash[8*i:])
	}
	return out
}

// VSA is one of Microsoft's attributes, encoded.
func VSA(typ byte, value []byte) []byte {
	return append([]byte{26, byte(8 + len(value)), 0, 0, 1, 55, typ, byte(2 + len(value))}, value...)
}

// Success is what the server must answer (RFC 2548, section 2.3.3): the
// identifier, and GenerateAuthenticatorResponse of RFC 2759, section 8.7.
func (p *Peer) Success() []byte {
	key, response, challenge := SessionKey(p.Password), p.NTResponse(), p.ChallengeHash()
	digest := sha1.Sum(append(append(key[:], response[:]...), "Magic server to client signing constant"...))
	digest = sha1.Sum(append(append(digest[:], challenge[:]...), "Pad to make it do more than one iteration"...))
	return append([]byte{p.Ident}, fmt.Sprintf("S=%X", digest)...)
}

// Keys are the 128-bit keys of the NAS, made as the person's system makes its
// own (RFC 3079, section 3.4): what the NAS sends with, and receives with.
func (p *Peer) Keys() (send, recv [16]byte) {
	key, response := SessionKey(p.Password), p.NTResponse()
	master := sha1.Sum(append(append(key[:], response[:]...), "This is the MPPE Master Key"...))
	start := func(magic string) [16]byte {
		b := append(append([]byte(nil), master[:16]...), make([]byte, 40)...)
		b = append(append(b, magic...), bytes.Repeat([]byte{0xf2}, 40)...)
		sum := sha1.Sum(b)
		return [16]byte(sum[:16])
	}
	return start("On the client side, this is the receive key; on the server side, it is the send key."),
		start("On the client side, this is the send key; on the server side, it is the receive key.")
}

// Check takes an Access-Accept's attributes as NAS and person's system do: the
// server must have proven itself, and all have the same keys. The secret and
// the Request Authenticator are those of the request that was accepted.
func (p *Peer) Check(attrs []byte, secret string, authenticator [16]byte) error {
	got := Microsoft(attrs)
	if want := p.Success(); !bytes.Equal(got[26], want) {
		return fmt.Errorf("MS-CHAP2-Success is %q, want %q", got[26], want)
	}
	send, recv := p.Keys()
	for _, k := range []struct {
		typ  byte
		want [16]byte
	}{{16, send}, {17, recv}} {
		key, err := reveal(got[k.typ], secret, authenticator)
		if err != nil || !bytes.Equal(key, k.want[:]) {
			return fmt.Errorf("key %d is %x (%w), want %x", k.typ, key, err, k.want)
		}
	}
	if bytes.Equal(got[16][:2], got[17][:2]) {
		return errors.New("both keys have one salt")
	}
	if len(got[7]) != 4 || len(got[8]) != 4 {
		return fmt.Errorf("policy is %x, types are %x", got[7], got[8])
	}
	return nil
}

// Microsoft are the vendor's attributes by type, among encoded ones; of two of
// a type the last.
func Microsoft(attrs []byte) map[byte][]byte {
	got := map[byte][]byte{}
	for ; len(attrs) >= 2 && attrs[1] >= 2 && int(attrs[1]) <= len(attrs); attrs = attrs[attrs[1]:] {
		if v := attrs[2:attrs[1]]; attrs[0] == 26 && len(v) > 6 && binary.BigEndian.Uint32(v) == 311 {
			got[v[4]] = v[6:]
		}
	}
	return got
}

// reveal decrypts a key (RFC 2548, section 2.4.2).
func reveal(hidden []byte, secret string, authenticator [16]byte) ([]byte, error) {
	if len(hidden) != 2+32 || hidden[0]&0x80 == 0 {
		return nil, fmt.Errorf("encrypted key is %x", hidden)
	}
	var plain []byte
	before := append(authenticator[:], hidden[:2]...)
	for c := hidden[2:]; len(c) > 0; c = c[16:] {
		pad := md5.Sum(append([]byte(secret), before...))
		for i, b := range c[:16] {
			plain = append(plain, b^pad[i])
		}
		before = c[:16]
	}
	if plain[0] != 16 {
		return nil, fmt.Errorf("key of %d octets", plain[0])
	}
	return plain[1:17], nil
}
