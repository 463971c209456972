package mschap

import (
	"crypto/rand"
	"fmt"
	"unicode/utf8"

	"github.com/portvakt/portvakt/login"
)

// Codes of failures (RFC 2759, section 6).
const (
	failHours         = 646
	failDisabled      = 647
	failExpired       = 648
	failNoDialIn      = 649
	failAuthenticated = 691
	failChanging      = 709
)

// Code is what a person's system is told of a refusal, which is no more than
// Windows tells: all but 691 are for those who had the right password.
func Code(r login.Reason) int {
	switch r {
	case login.ReasonHours:
		return failHours
	case login.ReasonDisabled, login.ReasonAccountExpired:
		return failDisabled
	case login.ReasonPasswordExpired, login.ReasonMustChange:
		return failExpired
	case login.ReasonPolicyDeny, login.ReasonWorkstation:
		return failNoDialIn
	default:
		return failAuthenticated
	}
}

// ReasonOf is what a server means that has refused with a code. What it does not
// tell apart, or nobody knows, is a wrong password: that is counted.
func ReasonOf(code int) login.Reason {
	switch code {
	case failHours:
		return login.ReasonHours
	case failDisabled:
		return login.ReasonDisabled
	case failExpired:
		return login.ReasonPasswordExpired
	case failNoDialIn:
		return login.ReasonWorkstation
	}
	return login.ReasonBadPassword
}

// maxFailure is how long the value of MS-CHAP-Error may be, so that it fits a
// Vendor-Specific attribute.
const maxFailure = 240

// Failure is the MS-CHAP-Error of an Access-Reject, encoded (RFC 2548, section
// 2.1.5). No retry is allowed: the NAS would have the person guess again in the
// same exchange, unseen by the limits on sign-ins.
func (f Found) Failure(r login.Reason, text string) []byte {
	code := Code(r)
	if f.Change {
		code = failChanging
	}
	var challenge [challengeLen]byte
	rand.Read(challenge[:])
	value := fmt.Appendf([]byte{f.Ident}, "E=%d R=0 C=%X V=3", code, challenge)
	if text != "" {
		value = append(value, " M="...)
		room := maxFailure - len(value)
		for len(text) > room {
			_, n := utf8.DecodeLastRuneInString(text)
			text = text[:len(text)-n]
		}
		value = append(value, text...)
	}
	return vsa(nil, typeError, value)
}
