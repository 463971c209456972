package radiusd

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"testing"
	"testing/iotest"
	"time"
)

// packetsOf are those of a stream, cut as RFC 6613 has it, and why it ended.
func packetsOf(r io.Reader) (packets [][]byte, err error) {
	b := bufio.NewReaderSize(r, maxPacket)
	for {
		p, err := nextPacket(b, func(time.Duration) {})
		if err != nil {
			return packets, err
		}
		packets = append(packets, bytes.Clone(p))
		b.Discard(len(p))
	}
}

// FuzzFrames: a stream is cut where Length says, in whatever pieces it comes,
// and nothing behind a bad Length is a packet.
func FuzzFrames(f *testing.F) {
	d := &device{secret: radsecSecret}
	one, two := d.login("alice", "accept"), d.bare()
	longest := d.bare(bytes.Repeat(attr(attrReplyMessage, string(make([]byte, 14))), 254))
	binary.BigEndian.PutUint16(longest[2:], maxPacket)
	longest = append(longest, make([]byte, maxPacket-len(longest))...)
	for _, stream := range [][]byte{
		one, append(bytes.Clone(one), two...), longest, append(bytes.Clone(longest), one...),
		{1, 1, 0, 19},
		{1, 1, 16, 1},
		{1, 1, 255, 255},
		{1, 1, 0},
		one[:len(one)-1], []byte("GET / HTTP/1.1\r\n\r\n"),
		{},
	} {
		f.Add(stream)
	}
	f.Fuzz(func(t *testing.T, stream []byte) {
		var want [][]byte
		wantErr := io.EOF
		rest := stream
		for len(rest) > 0 {
			if len(rest) < lengthEnd {
				wantErr = errStalled
				break
			}
			n := int(binary.BigEndian.Uint16(rest[2:]))
			if n < headerLen || n > maxPacket {
				wantErr = errLength
				break
			}
			if n > len(rest) {
				wantErr = errStalled
				break
			}
			want, rest = append(want, rest[:n]), rest[n:]
		}
		for what, r := range map[string]io.Reader{
			"whole":    bytes.NewReader(stream),
			"octets":   iotest.OneByteReader(bytes.NewReader(stream)),
			"halves":   iotest.HalfReader(bytes.NewReader(stream)),
			"with EOF": iotest.DataErrReader(bytes.NewReader(stream)),
		} {
			got, err := packetsOf(r)
			if !errors.Is(err, wantErr) {
				t.Errorf("%s: ended by %v, want %v", what, err, wantErr)
			}
			if len(got) != len(want) {
				t.Fatalf("%s: %d packets, want %d", what, len(got), len(want))
			}
			for i := range got {
				if !bytes.Equal(got[i], want[i]) {
					t.Errorf("%s: packet %d is %x, want %x", what, i, got[i], want[i])
				}
			}
		}
	})
}
