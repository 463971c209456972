package mschap

import (
	"encoding/binary"
	"errors"

	"layeh.com/radius"
	"layeh.com/radius/rfc2865"
)

const vendorMicrosoft = 311 // RFC 2548, section 2

// Types of Microsoft's attributes (RFC 2548, section 2).
const (
	typeResponse    = 1
	typeError       = 2
	typeNewPassword = 6 // MS-CHAP-NT-Enc-PW
	typePolicy      = 7
	typeTypes       = 8
	typeChallenge   = 11
	typeSendKey     = 16
	typeRecvKey     = 17
	typeResponse2   = 25
	typeSuccess     = 26
	typeChange2     = 27
)

// Octets of values, without vendor, type and length.
const (
	challengeLen = 16 // RFC 2759, section 4
	responseLen  = 50 // RFC 2548, section 2.3.2
	changeLen    = 68 // RFC 2548, section 2.3.4
	pieceHead    = 4  // RFC 2548, section 2.1.9
	newLen       = 516
	maxPieces    = 16
)

// ErrForm is that the attributes cannot be an MS-CHAPv2 exchange.
var ErrForm = errors.New("mschap: malformed attributes")

// Found is what a request has of MS-CHAP.
type Found struct {
	// Ident is what the answer must repeat.
	Ident byte
	// Version1 is an MS-CHAP-Response, which is never accepted.
	Version1 bool
	// Change is that the password is to be changed.
	Change bool

	challenge, response, change []byte
	// pieces are those of the new password, in the order they came in.
	pieces [][]byte
}

// Carries reports whether the value of a Vendor-Specific attribute has anything
// of an MS-CHAP exchange in it. It is for requests nothing of which is believed
// yet, and allocates nothing.
func Carries(vsa []byte) bool {
	if len(vsa) < 4 || binary.BigEndian.Uint32(vsa) != vendorMicrosoft {
		return false
	}
	for rest := vsa[4:]; len(rest) > 0; {
		switch rest[0] {
		case typeResponse, typeChallenge, typeResponse2, typeChange2, typeNewPassword:
			return true
		}
		if len(rest) < 2 || rest[1] < 2 || int(rest[1]) > len(rest) {
			return false
		}
		rest = rest[rest[1]:]
	}
	return false
}

// Find collects what a request has of MS-CHAP. One Vendor-Specific may hold
// several attributes (RFC 2548, section 2). An attribute that is there twice is
// an error: of two answers one could be checked and the other used.
func Find(attrs radius.Attributes) (f Found, err error) {
	for _, avp := range attrs {
		if avp.Type != rfc2865.VendorSpecific_Type || !Carries(avp.Attribute) {
			continue
		}
		for rest := avp.Attribute[4:]; len(rest) > 0; {
			if len(rest) < 2 || rest[1] < 2 || int(rest[1]) > len(rest) {
				return Found{}, ErrForm
			}
			value := rest[2:rest[1]]
			var into *[]byte
			switch rest[0] {
			case typeResponse:
				f.Version1 = true
			case typeChallenge:
				into = &f.challenge
			case typeResponse2:
				into = &f.response
			case typeChange2:
				into = &f.change
			case typeNewPassword:
				if f.pieces = append(f.pieces, value); len(value) <= pieceHead || len(f.pieces) > maxPieces {
					return Found{}, ErrForm
				}
			}
			if into != nil {
				if *into != nil || len(value) == 0 {
					return Found{}, ErrForm
				}
				*into = value
			}
			rest = rest[rest[1]:]
		}
	}
	switch {
	case f.change != nil:
		if len(f.change) != changeLen || f.response != nil {
			return Found{}, ErrForm
		}
		f.Change, f.Ident = true, f.change[1] // behind its code
	case f.response != nil:
		f.Ident = f.response[0]
	}
	return f, nil
}
