package smpp

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"strings"
	"testing"
	"time"
)

func TestFrames(t *testing.T) {
	t.Parallel()
	header := func(length uint32) []byte {
		return append(binary.BigEndian.AppendUint32(nil, length), make([]byte, headerSize-4)...)
	}
	for _, row := range []struct {
		rule   string
		octets []byte
		want   error // nil is a pdu
	}{
		{"an empty body", header(16), nil},
		{"a body", append(header(18), 1, 2), nil},
		{"the longest", append(header(maxPDU), make([]byte, maxPDU-headerSize)...), nil},
		{"one octet more", append(header(maxPDU+1), make([]byte, maxPDU)...), errFraming},
		{"a length of 0", header(0), errFraming},
		{"shorter than its header", header(15), errFraming},
		{"a length of 2^31", header(1 << 31), errFraming},
		{"a length of 2^32-1", header(1<<32 - 1), errFraming},
		{"HTTP", []byte("HTTP/1.1 400 Bad Request\r\n"), errFraming},
		{"cut off in its header", header(16)[:10], io.ErrUnexpectedEOF},
		{"cut off in its body", header(20), io.EOF},
		{"nothing", nil, io.EOF},
	} {
		p, err := readPDU(bytes.NewReader(row.octets))
		switch {
		case row.want != nil && !errors.Is(err, row.want), row.want == nil && err != nil:
			t.Errorf("%s: got %v, want %v", row.rule, err, row.want)
		case err == nil && !bytes.Equal(p.octets(), row.octets):
			t.Errorf("%s: became %x", row.rule, p.octets())
		}
	}
}

func TestSequenceNumbersBeginAgainAndSkipThoseInUse(t *testing.T) {
	t.Parallel()
	s := &session{sequence: maxSequence - 1, waiting: map[uint32]waiter{1: {}}}
	for _, want := range []uint32{maxSequence, 2, 3} {
		if got := s.expect(waiter{}); got != want {
			t.Errorf("got %d, want %d", got, want)
		}
	}
}

func FuzzPDU(f *testing.F) {
	f.Add(pdu{command: deliverSM, sequence: 7, body: delivered(esmReceipt, receiptOfAppendixB)}.octets())
	f.Add(pdu{command: deliverSM, body: delivered(esmReceipt, "", appendTag(appendTag(nil, receiptedMessageID, 'a', 0), messageState, 2)...)}.octets())
	f.Add(pdu{command: deliverSM, body: delivered(0, "STOP", 0x04, 0x24, 0xff, 0xff)}.octets())
	f.Add(pdu{command: submitSM.answer(), body: []byte("id\x00")}.octets())
	f.Add(append([]byte{0x80}, make([]byte, 15)...))
	f.Add(append(pdu{command: enquireLink}.octets(), 0, 0, 0, 0))
	f.Fuzz(func(t *testing.T, stream []byte) {
		from := bytes.NewReader(stream)
		for {
			p, err := readPDU(from)
			if err != nil {
				return
			}
			if b := p.octets(); len(b) > maxPDU || !bytes.Contains(stream, b) {
				t.Fatalf("%x became %x", stream, b)
			}
			if id := messageID(p.body); len(id) > maxMessageID || strings.ContainsAny(id, "\x00\r\n \x7f") {
				t.Errorf("an id of %q", id)
			}
			d, err := readDelivery(p.body)
			if err != nil {
				continue
			}
			r, ok := d.receipt(time.Now())
			if ok && (r.MessageID == "" || len(r.MessageID) > maxMessageID || r.State == "" || r.Final && !r.State.final()) {
				t.Errorf("%x became %+v", p.body, r)
			}
		}
	})
}
