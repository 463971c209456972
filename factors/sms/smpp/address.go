package smpp

import (
	"errors"
	"strings"
)

// Types of number (SMPP 3.4, section 5.2.5).
const (
	TONUnknown       byte = 0
	TONInternational byte = 1
	TONNational      byte = 2
	TONNetwork       byte = 3 // a short code
	TONAlphanumeric  byte = 5
)

// Numbering plans (section 5.2.6).
const (
	NPIUnknown byte = 0
	NPIISDN    byte = 1 // ITU-T E.164
)

const (
	maxAddress      = 20 // octets of source_addr and destination_addr
	maxShortCode    = 8  // digits; a longer number is a subscriber's
	maxAlphanumeric = 11 // characters (3GPP TS 23.040, section 9.1.2.5: 10 octets)
)

// An Address is a sender or a destination as it is on the wire.
type Address struct {
	TON, NPI byte
	Number   string
}

// International is a number of ITU-T E.164, given without its plus sign:
// that is what the type of number tells.
func International(digits string) Address { return Address{TONInternational, NPIISDN, digits} }

// Sender finds the type of a sender: "+4712345678" is international, "2002" a
// short code, "UiT" alphanumeric. An empty one leaves the choice to the SMSC.
func Sender(text string) (Address, error) {
	number, plus := strings.CutPrefix(text, "+")
	switch {
	case text == "":
		return Address{}, nil
	case len(text) > maxAddress:
		return Address{}, errors.New("is longer than any sender")
	case isDigits(number) && plus:
		return International(number), nil
	case isDigits(number) && len(number) <= maxShortCode:
		return Address{TONNetwork, NPIUnknown, number}, nil
	case isDigits(number):
		return Address{TONUnknown, NPIISDN, number}, nil
	case len(text) > maxAlphanumeric:
		return Address{}, errors.New("has letters and more than 11 characters, which telephones do not show")
	}
	for _, c := range text {
		if !strings.ContainsRune(alphanumeric, c) {
			return Address{}, errors.New("has a character that not every telephone shows: use letters, digits, space and - . & _")
		}
	}
	return Address{TONAlphanumeric, NPIUnknown, text}, nil
}

const alphanumeric = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789 -.&_"

func isDigits(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }

func (a Address) append(b []byte) []byte { return appendText(append(b, a.TON, a.NPI), a.Number) }
