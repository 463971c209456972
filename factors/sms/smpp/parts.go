package smpp

import (
	"encoding/binary"
	"errors"
	"unicode/utf16"

	"github.com/portvakt/portvakt/factors/sms/gsm"
)

// maxParts bounds what one text may cost.
const maxParts = 4

// parts makes the submits of a text: one for each part that a telephone puts
// together again.
func (c *Client) parts(m Message) ([]submit, error) {
	texts, alphabet := gsm.Split(m.Text)
	if alphabet == gsm.GSM7 && c.cfg.latin1() && !inLatin1(m.Text) {
		texts, alphabet = gsm.SplitUCS2(m.Text), gsm.UCS2
	}
	from := m.From
	if from == (Address{}) {
		from = c.from
	}
	from, to := typed(from, c.cfg.SenderTONNPI), typed(m.To, c.cfg.ToTONNPI)
	if len(texts) > maxParts {
		return nil, errors.New("the text is too long")
	}
	// Telephones tell messages of several parts apart by it, so it differs
	// from that of the message before.
	reference := byte(c.reference.Add(1)) //nolint:gosec // G115: it wraps
	var all []submit
	for i, t := range texts {
		s := submit{
			service: c.cfg.ServiceType, from: from, to: to, validity: c.cfg.validity(),
			// One receipt a message: of its last part.
			receipt: c.cfg.Receipts() && i == len(texts)-1,
			coding:  c.opt.coding(alphabet),
			text:    c.encode(t, alphabet),
		}
		if total, n := byte(len(texts)), byte(i+1); total > 1 && c.cfg.sar() { //nolint:gosec // G115: at most maxParts
			s.options = appendTag(s.options, sarReference, 0, reference)
			s.options = appendTag(s.options, sarTotal, total)
			s.options = appendTag(s.options, sarSequence, n)
		} else if total > 1 {
			element := []byte{concatenated8Bit, concatenatedLength, reference, total, n}
			s.header = append([]byte{byte(len(element))}, element...) //nolint:gosec // G115: 5
		}
		if len(s.header)+len(s.text) > maxShortMessage {
			return nil, errors.New("the text is too long")
		}
		all = append(all, s)
	}
	return all, nil
}

func (c *Client) encode(text string, alphabet gsm.Coding) []byte {
	switch {
	case alphabet == gsm.UCS2:
		var b []byte
		for _, unit := range utf16.Encode([]rune(text)) {
			b = binary.BigEndian.AppendUint16(b, unit)
		}
		return b
	case c.cfg.latin1():
		var b []byte
		for _, r := range text {
			b = append(b, byte(r)) //nolint:gosec // G115: inLatin1 has looked
		}
		return b
	default:
		b, _ := gsm.Encode(text) // gsm.Split has told that it can
		return b
	}
}

func inLatin1(text string) bool {
	for _, r := range text {
		if r > 0xff {
			return false
		}
	}
	return true
}
