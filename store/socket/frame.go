package socket

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/portvakt/portvakt/login"
	"github.com/portvakt/portvakt/store"
)

const (
	// maxBody bounds a frame: the longest key and value, and what is around
	// them.
	maxBody = store.MaxKey + store.MaxData + 64
	// maxChunk is how much of a backup a frame holds.
	maxChunk = store.MaxData
	// maxText bounds the text of an error.
	maxText = 1024
)

// Operations of requests.
const (
	opGet    = 'G'
	opSwap   = 'S'
	opDelete = 'D' // a swap with nil data
	opScan   = 'L'
	opBackup = 'B'
	opStatus = 'T'
	opDesk   = 'R' // the only one of the service desk's socket
)

// Kinds of answers.
const (
	ansDone     = 'd'
	ansValue    = 'v'
	ansChunk    = 'c'
	ansNotFound = 'n'
	ansConflict = 'x'
	ansLimit    = 'l'
	ansClosed   = 'q'
	ansError    = 'e'
)

// A message is a request or an answer.
type message struct {
	kind byte
	rev  uint64
	key  string // or the prefix of a scan
	data []byte // or the text of an error
}

var errFrame = errors.New("socket: not a frame of this program's version")

// appendFrame adds a whole frame to b.
func appendFrame(b []byte, m message) []byte {
	b = binary.BigEndian.AppendUint32(b, uint32(11+len(m.key)+len(m.data))) //nolint:gosec // bounded by maxBody
	b = append(b, m.kind)
	b = binary.BigEndian.AppendUint64(b, m.rev)
	b = binary.BigEndian.AppendUint16(b, uint16(len(m.key))) //nolint:gosec // bounded by store.MaxKey
	b = append(b, m.key...)
	return append(b, m.data...)
}

// parseBody returns the message of a frame's body; its data aliases b.
func parseBody(b []byte) (message, error) {
	if len(b) < 11 || len(b) > maxBody {
		return message{}, errFrame
	}
	m := message{kind: b[0], rev: binary.BigEndian.Uint64(b[1:])}
	n := int(binary.BigEndian.Uint16(b[9:]))
	if n > len(b)-11 || n > store.MaxKey {
		return message{}, errFrame
	}
	m.key, m.data = string(b[11:11+n]), b[11+n:]
	return m, nil
}

// readMessage reads one frame into memory of its own. io.EOF means the other
// side is done.
func readMessage(r io.Reader) (message, error) {
	var head [4]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return message{}, err
	}
	n := binary.BigEndian.Uint32(head[:])
	if n > maxBody {
		return message{}, errFrame
	}
	body := make([]byte, n)
	if _, err := io.ReadFull(r, body); err != nil {
		return message{}, fmt.Errorf("cut frame: %w", io.ErrUnexpectedEOF)
	}
	return parseBody(body)
}

// answerOf puts an error on the wire; nil is ansDone.
func answerOf(err error) message {
	switch {
	case err == nil:
		return message{kind: ansDone}
	case errors.Is(err, login.ErrNotFound):
		return message{kind: ansNotFound}
	case errors.Is(err, login.ErrConflict):
		return message{kind: ansConflict}
	}
	kind, text := byte(ansError), err.Error()
	if errors.Is(err, store.ErrLimit) {
		kind = ansLimit
	} else if errors.Is(err, store.ErrClosed) {
		kind = ansClosed
	}
	return message{kind: kind, data: []byte(text[:min(len(text), maxText)])}
}

// errorOf is what an answer means; nil for one that is no error.
func errorOf(m message) error {
	switch m.kind {
	case ansDone, ansValue, ansChunk:
		return nil
	case ansNotFound:
		return login.ErrNotFound
	case ansConflict:
		return login.ErrConflict
	case ansLimit:
		return fmt.Errorf("daemon: %s: %w", m.data, store.ErrLimit)
	case ansClosed:
		return fmt.Errorf("daemon is stopping: %w", store.ErrClosed)
	case ansError:
		return fmt.Errorf("daemon: %s", m.data)
	}
	return errFrame
}
