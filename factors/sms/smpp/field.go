package smpp

import (
	"bytes"
	"encoding/binary"
	"errors"
)

var errBody = errors.New("the body of a pdu is cut off")

// A reader takes the fields of a body in turn. After the first that is not
// whole, all are empty and err is set.
type reader struct {
	rest []byte
	err  error
}

func (r *reader) octets(n int) []byte {
	if r.err != nil || n > len(r.rest) {
		r.err, r.rest = errBody, nil
		return nil
	}
	taken := r.rest[:n]
	r.rest = r.rest[n:]
	return taken
}

func (r *reader) octet() byte {
	if b := r.octets(1); b != nil {
		return b[0]
	}
	return 0
}

func (r *reader) uint16() int {
	if b := r.octets(2); b != nil {
		return int(binary.BigEndian.Uint16(b))
	}
	return 0
}

// text is a "C-octet string", which ends with a zero (SMPP 3.4, section 3.1).
func (r *reader) text() string {
	end := bytes.IndexByte(r.rest, 0)
	if end < 0 {
		r.octets(len(r.rest) + 1)
		return ""
	}
	return string(r.octets(end + 1)[:end])
}

// tags is the rest of a body: optional parameters by their tag (section
// 3.2.4).
func (r *reader) tags() map[tag][]byte {
	all := make(map[tag][]byte)
	for r.err == nil && len(r.rest) > 0 {
		t := tag(r.uint16()) //nolint:gosec // G115: of two octets
		all[t] = r.octets(r.uint16())
	}
	return all
}

// A tag names an optional parameter (section 5.3.2).
type tag uint16

const (
	receiptedMessageID tag = 0x001e
	sarReference       tag = 0x020c
	sarTotal           tag = 0x020e
	sarSequence        tag = 0x020f
	messagePayload     tag = 0x0424
	messageState       tag = 0x0427
)

// appendText adds a C-octet string.
func appendText(b []byte, s string) []byte { return append(append(b, s...), 0) }

func appendTag(b []byte, t tag, value ...byte) []byte {
	b = binary.BigEndian.AppendUint16(b, uint16(t))
	b = binary.BigEndian.AppendUint16(b, uint16(len(value))) //nolint:gosec // G115: values are built here, of a few octets
	return append(b, value...)
}
