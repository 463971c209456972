package radiusd

import (
	"bufio"
	"encoding/binary"
	"errors"
	"time"
)

const (
	lengthEnd = 4 // octets up to the end of Length (RFC 2865, section 3)

	// idleWithin is how long a connection may be silent; its client connects
	// again when it has something to ask.
	idleWithin = time.Hour
	// frameWithin is how long a packet may take from its first octet to its
	// last.
	frameWithin = 5 * time.Second
)

var (
	errLength  = errors.New("radiusd: a Length that no packet has")
	errStalled = errors.New("radiusd: a packet did not come whole in time")
)

// nextPacket returns the next packet of a stream, which Length cuts (RFC 6613,
// section 2.6.4), in the buffer of r, which needs room for the longest: discard
// it before the next call. limit is told how long reading may take from now on.
func nextPacket(r *bufio.Reader, limit func(time.Duration)) ([]byte, error) {
	if r.Buffered() == 0 {
		limit(idleWithin)
		if _, err := r.Peek(1); err != nil {
			return nil, err
		}
	}
	limit(frameWithin)
	head, err := r.Peek(lengthEnd)
	if err != nil {
		return nil, errors.Join(errStalled, err)
	}
	n := int(binary.BigEndian.Uint16(head[2:]))
	if n < headerLen || n > maxPacket {
		return nil, errLength
	}
	p, err := r.Peek(n)
	if err != nil {
		return nil, errors.Join(errStalled, err)
	}
	return p, nil
}
