package main

import (
	"crypto/hmac"
	"crypto/md5"
	"crypto/rand"
	"crypto/subtle"
	"encoding/binary"
	"errors"
	"hash"
)

// Codes and attributes (RFC 2865, sections 4 and 5; RFC 3579, section 3.2).
const (
	accessRequest   = 1
	accessAccept    = 2
	accessReject    = 3
	accessChallenge = 11

	userName             = 1
	userPassword         = 2
	nasAddress           = 4
	replyMessage         = 18
	stateAttribute       = 24
	messageAuthenticator = 80

	headerLen = 20
	authAt    = 4 // where the authenticator of a header is
	maxPacket = 4096
)

var (
	errForm      = errors.New("malformed packet")
	errSignature = errors.New("wrong Response Authenticator")
	errMAC       = errors.New("wrong Message-Authenticator")
	errUnsigned  = errors.New("no Message-Authenticator")
	errPassword  = errors.New("hidden password of a wrong length")
)

var zeroMAC [md5.Size]byte

// A nonce is an authenticator of a packet's header.
type nonce = [md5.Size]byte

// A wire builds and checks the packets of one shared secret. It keeps the
// states of its hashes, so it is for one goroutine.
type wire struct {
	secret  []byte
	digest  hash.Hash
	mac     hash.Hash
	scratch nonce
}

func newWire(secret string) *wire {
	return &wire{secret: []byte(secret), digest: md5.New(), mac: hmac.New(md5.New, []byte(secret))}
}

// A packet is what matters of one that was checked. It points into the octets
// it was read from.
type packet struct {
	code     byte
	name     []byte
	password []byte // hidden
	state    []byte
	macAt    int // where the value of Message-Authenticator is; 0 without one
}

// request appends an Access-Request to b, with a new authenticator in auth. A
// Message-Authenticator comes first, so that nobody can put attributes of his
// own before it (CVE-2024-3596).
func (w *wire) request(b []byte, id byte, auth *nonce, name, password string, state []byte) []byte {
	rand.Read(auth[:])
	begin := len(b)
	b = append(b, accessRequest, id, 0, 0)
	b = append(b, auth[:]...)
	b = append(b, messageAuthenticator, 2+md5.Size)
	b = append(b, zeroMAC[:]...)
	b = append(b, userName, byte(2+len(name)))
	b = append(b, name...)
	b = append(b, userPassword, 0)
	hidden := len(b)
	b = w.hide(b, auth, password)
	b[hidden-1] = byte(2 + len(b) - hidden)
	b = append(b, nasAddress, 6, 127, 0, 0, 1)
	if state != nil {
		b = append(b, stateAttribute, byte(2+len(state)))
		b = append(b, state...)
	}
	p := b[begin:]
	binary.BigEndian.PutUint16(p[2:], uint16(len(p)))
	copy(p[headerLen+2:], w.authenticate(p, auth, headerLen+2))
	return b
}

// hide appends a password as RFC 2865, section 5.2 hides it.
func (w *wire) hide(b []byte, auth *nonce, password string) []byte {
	begin := len(b)
	b = append(b, password...)
	for len(b) == begin || (len(b)-begin)%md5.Size != 0 {
		b = append(b, 0)
	}
	before := auth[:]
	for block := b[begin:]; len(block) > 0; block = block[md5.Size:] {
		subtle.XORBytes(block, block[:md5.Size], w.pad(before))
		before = block[:md5.Size]
	}
	return b
}

// unhide appends the password that hide has hidden, without its padding.
func (w *wire) unhide(b []byte, auth *nonce, hidden []byte) ([]byte, error) {
	if len(hidden) == 0 || len(hidden)%md5.Size != 0 {
		return nil, errPassword
	}
	before := auth[:]
	for ; len(hidden) > 0; hidden = hidden[md5.Size:] {
		at := len(b)
		b = append(b, hidden[:md5.Size]...)
		subtle.XORBytes(b[at:], b[at:], w.pad(before))
		before = hidden[:md5.Size]
	}
	for len(b) > 0 && b[len(b)-1] == 0 {
		b = b[:len(b)-1]
	}
	return b, nil
}

func (w *wire) pad(before []byte) []byte {
	w.digest.Reset()
	w.digest.Write(w.secret)
	w.digest.Write(before)
	return w.digest.Sum(w.scratch[:0])
}

// authenticate is the Message-Authenticator of a packet whose value is at macAt
// and whose request has the authenticator.
func (w *wire) authenticate(p []byte, auth *nonce, macAt int) []byte {
	w.mac.Reset()
	w.mac.Write(p[:authAt])
	w.mac.Write(auth[:])
	w.mac.Write(p[headerLen:macAt])
	w.mac.Write(zeroMAC[:])
	w.mac.Write(p[macAt+md5.Size:])
	return w.mac.Sum(w.scratch[:0])
}

// respond is the Response Authenticator (RFC 2865, section 3).
func (w *wire) respond(p []byte, auth *nonce) []byte {
	w.digest.Reset()
	w.digest.Write(p[:authAt])
	w.digest.Write(auth[:])
	w.digest.Write(p[headerLen:])
	w.digest.Write(w.secret)
	return w.digest.Sum(w.scratch[:0])
}

// read checks the form of a packet and cuts its padding off.
func read(b []byte) (cut []byte, p packet, err error) {
	if len(b) < headerLen {
		return nil, p, errForm
	}
	length := int(binary.BigEndian.Uint16(b[2:]))
	if length < headerLen || length > len(b) || length > maxPacket {
		return nil, p, errForm
	}
	b = b[:length]
	p.code = b[0]
	for at := headerLen; at < length; {
		if length-at < 2 || b[at+1] < 2 || at+int(b[at+1]) > length {
			return nil, p, errForm
		}
		value := b[at+2 : at+int(b[at+1])]
		switch b[at] {
		case userName:
			p.name = value
		case userPassword:
			p.password = value
		case stateAttribute:
			p.state = value
		case messageAuthenticator:
			if len(value) != md5.Size || p.macAt != 0 {
				return nil, p, errForm
			}
			p.macAt = at + 2
		}
		at += 2 + len(value)
	}
	return b, p, nil
}

// check reads a reply to the request that has the authenticator. A reply
// without Message-Authenticator is wrong when signed is set.
func (w *wire) check(b []byte, auth *nonce, signed bool) (packet, error) {
	b, p, err := read(b)
	switch {
	case err != nil:
		return p, err
	case subtle.ConstantTimeCompare(w.respond(b, auth), b[authAt:headerLen]) != 1:
		return p, errSignature
	case p.macAt == 0 && signed:
		return p, errUnsigned
	case p.macAt != 0 && subtle.ConstantTimeCompare(w.authenticate(b, auth, p.macAt), b[p.macAt:p.macAt+md5.Size]) != 1:
		return p, errMAC
	}
	return p, nil
}

// open reads a request and unhides its password into plain.
func (w *wire) open(b, plain []byte) (p packet, auth nonce, password []byte, err error) {
	b, p, err = read(b)
	if err != nil {
		return p, auth, nil, err
	}
	copy(auth[:], b[authAt:headerLen])
	switch {
	case p.code != accessRequest:
		return p, auth, nil, errForm
	case p.macAt == 0:
		return p, auth, nil, errUnsigned
	case subtle.ConstantTimeCompare(w.authenticate(b, &auth, p.macAt), b[p.macAt:p.macAt+md5.Size]) != 1:
		return p, auth, nil, errMAC
	}
	password, err = w.unhide(plain, &auth, p.password)
	return p, auth, password, err
}

// reply appends a signed reply to b.
func (w *wire) reply(b []byte, code, id byte, auth *nonce, state []byte, message string) []byte {
	begin := len(b)
	b = append(b, code, id, 0, 0)
	b = append(b, zeroMAC[:]...)
	b = append(b, messageAuthenticator, 2+md5.Size)
	b = append(b, zeroMAC[:]...)
	if state != nil {
		b = append(b, stateAttribute, byte(2+len(state)))
		b = append(b, state...)
	}
	if message != "" {
		b = append(b, replyMessage, byte(2+len(message)))
		b = append(b, message...)
	}
	p := b[begin:]
	binary.BigEndian.PutUint16(p[2:], uint16(len(p)))
	copy(p[headerLen+2:], w.authenticate(p, auth, headerLen+2))
	copy(p[authAt:], w.respond(p, auth))
	return b
}
