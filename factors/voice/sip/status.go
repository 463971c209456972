package sip

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"

	"github.com/portvakt/portvakt/factors/voice"
)

// failure is what a final answer to an INVITE means (RFC 3261, section 21).
// rang is whether the exchange said before that a telephone rings. The reason
// phrase is left out: exchanges write numbers into it.
func failure(status int, rang bool) *voice.Failure {
	f := &voice.Failure{Why: voice.WhyUnavailable, Rang: rang, Err: statusError(status)}
	switch status {
	case 486, 600, 603:
		f.Why, f.Rang = voice.WhyBusy, true
	case 408, 480, 487:
		f.Why, f.Rang = voice.WhyNoAnswer, true
	case 404, 410, 414, 416, 484, 485, 604:
		f.Why = voice.WhyUnreachable
	case 401, 402, 403, 407, 433, 436, 437, 438, 607, 608:
		f.Why = voice.WhyRefused
	case 415, 488, 606:
		f.Why = voice.WhyMedia
	}
	// A redirection is never followed (attack: to a number that costs). Of the
	// two first rows the telephone itself may be the source, though nobody
	// said that it rings: they are never reason to ring again.
	if status >= 300 && status < 400 {
		f.Why = voice.WhyUnreachable
	}
	return f
}

// A statusError is a final answer that is not what was asked for.
type statusError int

// Error says what to look at, for whoever reads the log and has no list of the
// numbers at hand.
func (e statusError) Error() string {
	text := fmt.Sprintf("the exchange answers %d", int(e))
	switch e {
	case 402, 403:
		return text + ": it does not let this extension or caller call there"
	case 404, 410, 414, 416, 484, 485, 604:
		return text + ": it knows no such number as it was dialled"
	case 415, 488, 606:
		return text + ": no common codec, or SRTP on one side only"
	case 503:
		return text + ": it has no line, or is out of order"
	}
	if e >= 300 && e < 400 {
		return text + ": it redirects, which is not followed"
	}
	return text
}

var errLost = errors.New("the message could not be sent, or the connection was lost")

// plain returns what is told of an error of sipgo, which writes whole requests
// into its errors, with the number that was dialled.
func plain(err error) error {
	if err == nil {
		return nil
	}
	for _, known := range []error{context.DeadlineExceeded, context.Canceled} {
		if errors.Is(err, known) {
			return known
		}
	}
	if bad, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return bad
	}
	if op, ok := errors.AsType[*net.OpError](err); ok {
		return op
	}
	return errLost
}
