package smpp

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// A command is a command_id (SMPP 3.4, section 5.1.2.1). An answer's has the
// highest bit set.
type command uint32

const (
	bindReceiver      command = 0x01
	bindTransmitter   command = 0x02
	submitSM          command = 0x04
	deliverSM         command = 0x05
	unbind            command = 0x06
	bindTransceiver   command = 0x09
	outbind           command = 0x0b
	enquireLink       command = 0x15
	alertNotification command = 0x102
	dataSM            command = 0x103

	answerBit   command = 1 << 31
	genericNack         = answerBit
)

func (c command) answer() command { return c | answerBit }

func (c command) isAnswer() bool { return c&answerBit != 0 }

const (
	headerSize = 16 // SMPP 3.4, section 3.2
	// maxPDU bounds what a peer can make us hold. The longest that is of use,
	// a deliver_sm with a long reply as message_payload, is far below.
	maxPDU = 8 << 10
	// maxSequence is the last sequence_number before 1 (section 3.2).
	maxSequence = 0x7fffffff
)

// A pdu is one message of the protocol.
type pdu struct {
	command  command
	status   Status
	sequence uint32
	body     []byte
}

// octets is the pdu as it goes over the wire.
func (p pdu) octets() []byte {
	b := make([]byte, 0, headerSize+len(p.body))
	b = binary.BigEndian.AppendUint32(b, uint32(headerSize+len(p.body))) //nolint:gosec // G115: bodies are built here, far below 4 GiB
	b = binary.BigEndian.AppendUint32(b, uint32(p.command))
	b = binary.BigEndian.AppendUint32(b, uint32(p.status))
	b = binary.BigEndian.AppendUint32(b, p.sequence)
	return append(b, p.body...)
}

// errFraming says that the stream is no SMPP, or no longer: after a wrong
// length nobody knows where the next pdu begins.
var errFraming = errors.New("what came is not SMPP")

// readPDU reads one pdu. It allocates for a length only after that was found
// to be sane (attack: command_length 2^31).
func readPDU(r io.Reader) (pdu, error) {
	var header [headerSize]byte
	if _, err := io.ReadFull(r, header[:]); err != nil {
		return pdu{}, err
	}
	length := binary.BigEndian.Uint32(header[:])
	if length < headerSize || length > maxPDU {
		return pdu{}, fmt.Errorf("%w: a length of %d", errFraming, length)
	}
	p := pdu{
		command:  command(binary.BigEndian.Uint32(header[4:])),
		status:   Status(binary.BigEndian.Uint32(header[8:])),
		sequence: binary.BigEndian.Uint32(header[12:]),
	}
	if length == headerSize {
		return p, nil
	}
	p.body = make([]byte, length-headerSize)
	if _, err := io.ReadFull(r, p.body); err != nil {
		return pdu{}, fmt.Errorf("within a pdu: %w", err)
	}
	return p, nil
}
