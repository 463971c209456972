package bolt

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"

	"github.com/portvakt/portvakt/store"
)

// ErrDamaged is wrapped by errors about a database or journal whose content
// cannot be right.
var ErrDamaged = errors.New("bolt: database is damaged")

const (
	// headerSize is one sector: a torn write leaves the old header or the new.
	headerSize = 512
	frameHead  = 28                                                   // magic, length, generation, sequence, CRC
	recordHead = 15                                                   // revision, operation, length of key, length of data
	maxFrame   = maxBatch + recordHead + store.MaxKey + store.MaxData // the last record of a batch may cross the bound
)

var (
	headerMagic = []byte("portvakt journal 1\n\x00\x00\x00\x00\x00")
	frameMagic  = []byte("\xf5PvJ")
	castagnoli  = crc32.MakeTable(crc32.Castagnoli)
)

const (
	opPut    = 1
	opDelete = 2
)

// A header opens a journal file.
type header struct {
	database [16]byte // the database it belongs to
	gen      uint64
	// before is how many frames the generation before had when this one
	// began; what is behind them there was never acknowledged.
	before uint64
}

func (h header) encode() []byte {
	b := make([]byte, headerSize)
	n := copy(b, headerMagic)
	n += copy(b[n:], h.database[:])
	binary.BigEndian.PutUint64(b[n:], h.gen)
	binary.BigEndian.PutUint64(b[n+8:], h.before)
	binary.BigEndian.PutUint32(b[headerSize-4:], crc32.Checksum(b[:headerSize-4], castagnoli))
	return b
}

func parseHeader(b []byte) (h header, ok bool) {
	if len(b) < headerSize || !bytes.HasPrefix(b, headerMagic) ||
		binary.BigEndian.Uint32(b[headerSize-4:]) != crc32.Checksum(b[:headerSize-4], castagnoli) {
		return header{}, false
	}
	b = b[len(headerMagic):]
	copy(h.database[:], b)
	h.gen = binary.BigEndian.Uint64(b[16:])
	h.before = binary.BigEndian.Uint64(b[24:])
	return h, true
}

// appendRecord adds one change to the payload of a frame.
func appendRecord(b []byte, e *entry) []byte {
	op := byte(opPut)
	if e.deleted {
		op = opDelete
	}
	b = binary.BigEndian.AppendUint64(b, e.rev)
	b = append(b, op)
	b = binary.BigEndian.AppendUint16(b, uint16(len(e.key)))  //nolint:gosec // store.ValidKey bounds it
	b = binary.BigEndian.AppendUint32(b, uint32(len(e.data))) //nolint:gosec // store.ValidSwap bounds it
	b = append(b, e.key...)
	return append(b, e.data...)
}

// sealFrame fills in the head that was left free at the start of b.
func sealFrame(b []byte, gen, seq uint64) {
	copy(b, frameMagic)
	binary.BigEndian.PutUint32(b[4:], uint32(len(b)-frameHead)) //nolint:gosec // a batch is bounded by maxFrame
	binary.BigEndian.PutUint64(b[8:], gen)
	binary.BigEndian.PutUint64(b[16:], seq)
	binary.BigEndian.PutUint32(b[24:], frameSum(b))
}

func frameSum(frame []byte) uint32 {
	sum := crc32.Update(0, castagnoli, frame[:24])
	return crc32.Update(sum, castagnoli, frame[frameHead:])
}

// parseFrame returns the frame that b begins with.
func parseFrame(b []byte) (payload []byte, gen, seq uint64, ok bool) {
	if len(b) < frameHead || !bytes.HasPrefix(b, frameMagic) {
		return nil, 0, 0, false
	}
	size := binary.BigEndian.Uint32(b[4:])
	if size > maxFrame || int(size) > len(b)-frameHead {
		return nil, 0, 0, false
	}
	frame := b[:frameHead+int(size)]
	if binary.BigEndian.Uint32(frame[24:]) != frameSum(frame) {
		return nil, 0, 0, false
	}
	return frame[frameHead:], binary.BigEndian.Uint64(b[8:]), binary.BigEndian.Uint64(b[16:]), true
}

// parseRecords calls fn for each change of a frame. The entry's data aliases
// the payload, and it is used again for the next one.
func parseRecords(payload []byte, fn func(e *entry)) error {
	e := &entry{}
	for len(payload) > 0 {
		if len(payload) < recordHead {
			return fmt.Errorf("short record: %w", ErrDamaged)
		}
		op := payload[8]
		*e = entry{rev: binary.BigEndian.Uint64(payload), deleted: op == opDelete}
		nk := int(binary.BigEndian.Uint16(payload[9:]))
		nd := int(binary.BigEndian.Uint32(payload[11:]))
		payload = payload[recordHead:]
		if op != opPut && op != opDelete || nk > store.MaxKey || nd > store.MaxData || nk+nd > len(payload) ||
			op == opDelete && nd != 0 || e.rev == 0 {
			return fmt.Errorf("impossible record: %w", ErrDamaged)
		}
		e.key = string(payload[:nk])
		if store.ValidKey(e.key) != nil {
			return fmt.Errorf("impossible key in a record: %w", ErrDamaged)
		}
		if !e.deleted {
			e.data = payload[nk : nk+nd : nk+nd]
		}
		fn(e)
		payload = payload[nk+nd:]
	}
	return nil
}

// replay reads the frames of one generation from a journal file without its
// header and calls fn for each change, as parseRecords does. It returns how many
// frames there were; at most limit are read. A bad frame ends the journal; good
// frames of later batches behind it are damage.
func replay(b []byte, gen, limit uint64, fn func(e *entry)) (frames uint64, err error) {
	for frames < limit {
		payload, g, seq, ok := parseFrame(b)
		if !ok || g != gen || seq != frames+1 {
			break
		}
		if err := parseRecords(payload, fn); err != nil {
			return frames, err
		}
		b = b[frameHead+len(payload):]
		frames++
	}
	if frames < limit && laterFrame(b, gen, frames+1) {
		return frames, fmt.Errorf("batch %d of generation %d is unreadable and later ones are not: %w", frames+1, gen, ErrDamaged)
	}
	return frames, nil
}

// laterFrame looks for a good frame of the generation behind sequence number
// seq, which exists only when the batch with that number was acknowledged.
func laterFrame(b []byte, gen, seq uint64) bool {
	for {
		i := bytes.Index(b, frameMagic)
		if i < 0 {
			return false
		}
		// The head is compared before the CRC: values may hold many false
		// starts, and each CRC may cost megabytes.
		if h := b[i:]; len(h) >= frameHead && binary.BigEndian.Uint64(h[8:]) == gen && binary.BigEndian.Uint64(h[16:]) > seq {
			if _, _, _, ok := parseFrame(h); ok {
				return true
			}
		}
		b = b[i+1:]
	}
}
