package client

import (
	"bytes"
	"crypto/hmac"
	"crypto/md5" //nolint:gosec // RADIUS is built on MD5: RFC 2865, section 3
	"crypto/rand"
	"crypto/subtle"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
)

// A Code says what a packet is (RFC 2865, section 4).
type Code byte

// The codes that a client of this kind meets.
const (
	AccessRequest      Code = 1
	AccessAccept       Code = 2
	AccessReject       Code = 3
	AccountingResponse Code = 5
	AccessChallenge    Code = 11
	StatusServer       Code = 12
)

// String names the code as the RFCs do.
func (c Code) String() string {
	switch c {
	case AccessRequest:
		return "Access-Request"
	case AccessAccept:
		return "Access-Accept"
	case AccessReject:
		return "Access-Reject"
	case AccountingResponse:
		return "Accounting-Response"
	case AccessChallenge:
		return "Access-Challenge"
	case StatusServer:
		return "Status-Server"
	}
	return fmt.Sprintf("Code %d", byte(c))
}

const (
	headerSize  = 20   // RFC 2865, section 3
	maxPacket   = 4096 // RFC 2865, section 3
	maxValue    = 253  // RFC 2865, section 5
	maxPassword = 128  // RFC 2865, section 5.2

	typeUserName             = 1
	typeUserPassword         = 2
	typeReplyMessage         = 18
	typeState                = 24
	typeCallingStationID     = 31
	typeNASIdentifier        = 32
	typePrompt               = 76
	typeMessageAuthenticator = 80
)

// encode builds the octets of a request; they hold the authenticator.
func (c *Client) encode(r Request, identifier byte) ([]byte, error) {
	code := r.Code
	if code == 0 {
		code = AccessRequest
	}
	packet := make([]byte, headerSize, 512)
	packet[0], packet[1] = byte(code), identifier
	rand.Read(packet[4:headerSize]) // never fails

	// Message-Authenticator comes first: what stands before it could be the
	// prefix of an MD5 collision (CVE-2024-3596).
	packet = append(packet, typeMessageAuthenticator, 2+md5.Size)
	mac := len(packet)
	packet = append(packet, make([]byte, md5.Size)...)

	nas := c.NASIdentifier
	if nas == "" {
		nas = DefaultNASIdentifier
	}
	var err error
	add := func(kind byte, name string, value []byte) {
		if len(value) > maxValue && err == nil {
			err = fmt.Errorf("%s of %d octets is longer than %d", name, len(value), maxValue)
		}
		if err == nil {
			packet = append(packet, kind, byte(2+len(value))) //nolint:gosec // err is nil: at most maxValue
			packet = append(packet, value...)
		}
	}
	if code == AccessRequest {
		if len(r.Password) > maxPassword {
			return nil, fmt.Errorf("a password of %d octets is longer than %d", len(r.Password), maxPassword)
		}
		add(typeUserName, "the user name", []byte(r.User))
		if !r.Proof {
			add(typeUserPassword, "the password", hide(r.Password, c.Secret.Reveal(), packet[4:headerSize]))
		}
		if r.State != nil {
			add(typeState, "State", r.State)
		}
		if c.Station != "" {
			add(typeCallingStationID, "the station", []byte(c.Station))
		}
	}
	add(typeNASIdentifier, "the NAS identifier", []byte(nas))
	if err != nil {
		return nil, err
	}
	packet = append(packet, c.Attributes...)
	packet = append(packet, r.Attributes...)
	if len(packet) > maxPacket {
		return nil, fmt.Errorf("a request of %d octets is longer than %d", len(packet), maxPacket)
	}
	binary.BigEndian.PutUint16(packet[2:], uint16(len(packet))) //nolint:gosec // at most maxPacket
	copy(packet[mac:], sign(packet, c.Secret.Reveal()))
	return packet, nil
}

// hide encrypts a password (RFC 2865, section 5.2).
func hide(password, secret string, authenticator []byte) []byte {
	hidden := make([]byte, max(md5.Size, (len(password)+md5.Size-1)/md5.Size*md5.Size))
	copy(hidden, password)
	last := authenticator
	for i := 0; i < len(hidden); i += md5.Size {
		h := md5.New() //nolint:gosec // as above
		h.Write([]byte(secret))
		h.Write(last)
		for j, k := range h.Sum(nil) {
			hidden[i+j] ^= k
		}
		last = hidden[i : i+md5.Size]
	}
	return hidden
}

// sign computes a Message-Authenticator over a packet whose own is zero (RFC
// 3579, section 3.2).
func sign(packet []byte, secret string) []byte {
	h := hmac.New(md5.New, []byte(secret))
	h.Write(packet)
	return h.Sum(nil)
}

var replies = []Code{AccessAccept, AccessReject, AccessChallenge, AccountingResponse}

var (
	errForeign   = errors.New("not a reply to this request")
	errMalformed = errors.New("malformed")
)

// open verifies a datagram as a reply to request and returns it. The error is
// errForeign, errMalformed, ErrNotAuthentic or ErrUnsigned.
func (c *Client) open(datagram, request []byte) (Reply, error) {
	if len(datagram) < headerSize {
		return Reply{}, errMalformed
	}
	length := int(binary.BigEndian.Uint16(datagram[2:]))
	if length < headerSize || length > len(datagram) || length > maxPacket {
		return Reply{}, errMalformed
	}
	packet := bytes.Clone(datagram[:length]) // octets behind are padding
	if packet[1] != request[1] {
		return Reply{}, errForeign
	}
	code := Code(packet[0])
	if !slices.Contains(replies, code) {
		return Reply{}, errForeign
	}
	mac, err := findMAC(packet)
	if err != nil {
		return Reply{}, err
	}
	secret := c.Secret.Reveal()
	var response [md5.Size]byte
	copy(response[:], packet[4:headerSize])
	copy(packet[4:headerSize], request[4:headerSize])
	want := md5.Sum(slices.Concat(packet, []byte(secret))) //nolint:gosec // RFC 2865, section 3
	authentic := subtle.ConstantTimeCompare(want[:], response[:])
	if mac > 0 {
		got := bytes.Clone(packet[mac : mac+md5.Size])
		clear(packet[mac : mac+md5.Size])
		authentic &= subtle.ConstantTimeCompare(sign(packet, secret), got)
		copy(packet[mac:], got)
	}
	switch {
	case authentic != 1:
		return Reply{}, ErrNotAuthentic
	case mac == 0 && c.RequireMessageAuthenticator:
		return Reply{}, ErrUnsigned
	}
	return Reply{Code: code, Signed: mac > 0, Attributes: packet[headerSize:], Authenticator: [16]byte(request[4:headerSize])}, nil
}

// findMAC walks the attributes and returns where the value of
// Message-Authenticator is, 0 for nowhere.
func findMAC(packet []byte) (int, error) {
	at := 0
	for i := headerSize; i < len(packet); {
		if i+2 > len(packet) || packet[i+1] < 2 || i+int(packet[i+1]) > len(packet) {
			return 0, errMalformed
		}
		if packet[i] == typeMessageAuthenticator {
			if at > 0 || packet[i+1] != 2+md5.Size {
				return 0, errMalformed
			}
			at = i + 2
		}
		i += int(packet[i+1])
	}
	return at, nil
}
