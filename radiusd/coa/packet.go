package coa

import (
	"bytes"
	"crypto/hmac"
	"crypto/md5" //nolint:gosec // RFC 2866, section 3 asks for it
	"crypto/subtle"
	"encoding/binary"
	"errors"
	"fmt"
	"time"
)

const (
	headerSize = 20
	maxPacket  = 4096

	// Codes of RFC 5176, section 2.3. The answers to a request are the two codes
	// behind its own.
	disconnectRequest = 40
	coaRequest        = 43

	typeVendorSpecific       = 26
	typeEventTimestamp       = 55
	typeMessageAuthenticator = 80
	typeErrorCause           = 101
)

var (
	errForeign   = errors.New("not a reply to this request")
	errMalformed = errors.New("malformed")
)

// encode makes a request. Its Message-Authenticator is computed while
// its authenticator is zero (RFC 5176, section 3.4), and then that one as for
// accounting (section 2.3).
func encode(code, id byte, identity, change []byte, now time.Time, secret string) ([]byte, error) {
	packet := make([]byte, headerSize, headerSize+18+6+len(identity)+len(change))
	packet[0], packet[1] = code, id
	packet = append(packet, typeMessageAuthenticator, 2+md5.Size)
	packet = append(packet, make([]byte, md5.Size)...)
	packet = append(packet, typeEventTimestamp, 6)
	packet = binary.BigEndian.AppendUint32(packet, uint32(now.Unix())) //nolint:gosec // good until 2106
	packet = append(packet, identity...)
	if _, err := walk(packet, nil); err != nil || len(identity) == 0 {
		return nil, errors.New("the session's attributes are not whole: what the device accounted for does not name it")
	}
	packet = append(packet, change...)
	if _, err := walk(packet, nil); err != nil {
		return nil, errors.New("the attributes to change are not whole")
	}
	if len(packet) > maxPacket {
		return nil, fmt.Errorf("a request of %d octets is longer than %d", len(packet), maxPacket)
	}
	binary.BigEndian.PutUint16(packet[2:], uint16(len(packet))) //nolint:gosec // at most maxPacket
	copy(packet[headerSize+2:], mac(packet, secret))
	copy(packet[4:headerSize], hash(packet, secret))
	return packet, nil
}

func mac(packet []byte, secret string) []byte {
	h := hmac.New(md5.New, []byte(secret))
	h.Write(packet)
	return h.Sum(nil)
}

func hash(packet []byte, secret string) []byte {
	h := md5.New() //nolint:gosec // as above
	h.Write(packet)
	h.Write([]byte(secret))
	return h.Sum(nil)
}

// walk goes over the attributes and returns where the value of
// Message-Authenticator is, 0 for nowhere.
func walk(packet []byte, fn func(kind byte, value []byte)) (at int, err error) {
	for i := headerSize; i < len(packet); i += int(packet[i+1]) {
		if i+2 > len(packet) || packet[i+1] < 2 || i+int(packet[i+1]) > len(packet) {
			return 0, errMalformed
		}
		value := packet[i+2 : i+int(packet[i+1])]
		if packet[i] == typeMessageAuthenticator {
			if at > 0 || len(value) != md5.Size {
				return 0, errMalformed
			}
			at = i + 2
		}
		if fn != nil {
			fn(packet[i], value)
		}
	}
	return at, nil
}

// A reply is an authentic one.
type reply struct {
	ack   bool
	cause Cause
}

// open verifies a datagram as a reply to request. The error is errForeign,
// errMalformed or ErrNotAuthentic.
func open(datagram, request []byte, secret string) (reply, error) {
	if len(datagram) < headerSize {
		return reply{}, errMalformed
	}
	length := int(binary.BigEndian.Uint16(datagram[2:]))
	if length < headerSize || length > len(datagram) || length > maxPacket {
		return reply{}, errMalformed
	}
	packet := bytes.Clone(datagram[:length]) // octets behind are padding
	ack := packet[0] == request[0]+1
	if packet[1] != request[1] || !ack && packet[0] != request[0]+2 {
		return reply{}, errForeign
	}
	r := reply{ack: ack}
	at, err := walk(packet, func(kind byte, value []byte) {
		if kind == typeErrorCause && len(value) == 4 && r.cause == 0 {
			r.cause = Cause(binary.BigEndian.Uint32(value))
		}
	})
	if err != nil {
		return reply{}, err
	}
	response := bytes.Clone(packet[4:headerSize])
	copy(packet[4:headerSize], request[4:headerSize])
	if subtle.ConstantTimeCompare(hash(packet, secret), response) != 1 {
		return reply{}, ErrNotAuthentic
	}
	if at > 0 && !signed(packet, at, secret) {
		return reply{}, ErrNotAuthentic
	}
	return r, nil
}

// signed reports whether the Message-Authenticator of a reply is right: that of
// the packet with the authenticator of the request (RFC 5176, section 3.4), or
// with none, as FreeRADIUS has it. Nobody can make either without the secret.
func signed(packet []byte, at int, secret string) bool {
	got := bytes.Clone(packet[at : at+md5.Size])
	clear(packet[at : at+md5.Size])
	right := subtle.ConstantTimeCompare(mac(packet, secret), got)
	clear(packet[4:headerSize])
	return right|subtle.ConstantTimeCompare(mac(packet, secret), got) == 1
}
