package smpp

import (
	"fmt"
	"time"
)

const (
	esmUserHeader      byte = 0x40 // the message begins with a user data header (SMPP 3.4, section 5.2.12)
	receiptWanted      byte = 0x01 // of success and of failure (section 5.2.17)
	maxMessageID            = 64   // octets (section 5.2.23)
	dataCodingUCS2     byte = 0x08 // section 5.2.19
	maxShortMessage         = 254  // octets (section 5.2.22)
	concatenated8Bit   byte = 0    // information element (3GPP TS 23.040, section 9.2.3.24.1)
	concatenatedLength byte = 3
)

// A submit is one submit_sm.
type submit struct {
	service  string
	from, to Address
	validity time.Duration
	receipt  bool
	coding   byte
	header   []byte // user data header
	text     []byte
	options  []byte // optional parameters
}

func (s submit) body() []byte {
	var class, registered byte
	if len(s.header) > 0 {
		class = esmUserHeader
	}
	if s.receipt {
		registered = receiptWanted
	}
	b := appendText(nil, s.service)
	b = s.to.append(s.from.append(b))
	const protocol, priority = 0, 0
	b = append(b, class, protocol, priority)
	b = appendText(b, "") // at once
	b = appendText(b, relativeTime(s.validity))
	const replace, predefined = 0, 0
	b = append(b, registered, replace, s.coding, predefined, byte(len(s.header)+len(s.text))) //nolint:gosec // G115: parts are cut to fit
	b = append(append(b, s.header...), s.text...)
	return append(b, s.options...)
}

// relativeTime writes a duration as YYMMDDhhmmsstnnR (SMPP 3.4, section 7.1.1):
// no clock and no time zone has to agree for a code to be in time.
func relativeTime(d time.Duration) string {
	s := int(d / time.Second)
	const minute, hour, day = 60, 60 * 60, 24 * 60 * 60
	return fmt.Sprintf("0000%02d%02d%02d%02d000R", s/day, s%day/hour, s%hour/minute, s%minute)
}

// messageID reads a submit_sm_resp. An id that would make a mess of a log or
// of a record is none.
func messageID(body []byte) string {
	r := reader{rest: body}
	return clean(r.text())
}

// clean returns an id of printable characters and a length that the
// specification allows, or nothing.
func clean(id string) string {
	if len(id) > maxMessageID {
		return ""
	}
	for i := range len(id) {
		if id[i] <= ' ' || id[i] >= 0x7f {
			return ""
		}
	}
	return id
}
