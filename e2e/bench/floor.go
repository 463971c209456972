package main

import (
	"bytes"
	"context"
	"errors"
	"net"
)

// The floor does the least a RADIUS server can do: it checks and unhides, asks
// everybody with the right password for a code, takes any code, and signs. It
// remembers nothing. What a real server costs is best said as a multiple.
type floor struct {
	conn *net.UDPConn
	wire *wire
	ask  bool // for a code; otherwise the password is enough
}

// floorState is the State of every challenge; a real one names the login.
var floorState = bytes.Repeat([]byte{'s'}, 32)

// serve answers until the context ends.
func (f *floor) serve(ctx context.Context) error {
	defer context.AfterFunc(ctx, func() { _ = f.conn.Close() })()
	var in, out [maxPacket]byte
	var plain [128]byte
	for {
		n, from, err := f.conn.ReadFromUDPAddrPort(in[:])
		if errors.Is(err, net.ErrClosed) {
			return nil
		}
		if err != nil {
			continue // an ICMP error of an earlier reply
		}
		if reply := f.answer(out[:0], in[:n], plain[:0]); reply != nil {
			_, _ = f.conn.WriteToUDPAddrPort(reply, from)
		}
	}
}

// answer appends the reply to a request, or returns nil for silence.
func (f *floor) answer(reply, request, plain []byte) []byte {
	p, auth, password, err := f.wire.open(request, plain)
	if err != nil {
		return nil
	}
	id := request[1]
	switch {
	case p.state != nil, !f.ask && rightPassword(p.name, password):
		return f.wire.reply(reply, accessAccept, id, &auth, nil, "")
	case !rightPassword(p.name, password):
		return f.wire.reply(reply, accessReject, id, &auth, nil, "no")
	}
	return f.wire.reply(reply, accessChallenge, id, &auth, floorState, "Code:")
}

// rightPassword compares without making either text: userNNNNNN, pw-NNNNNN.
func rightPassword(name, password []byte) bool {
	number, known := bytes.CutPrefix(name, []byte("user"))
	given, ok := bytes.CutPrefix(password, []byte("pw-"))
	return known && ok && bytes.Equal(number, given)
}

// echo sends every datagram back until the context ends: what the kernel costs.
func echo(ctx context.Context, conn *net.UDPConn) error {
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	var b [maxPacket]byte
	for {
		n, from, err := conn.ReadFromUDPAddrPort(b[:])
		if errors.Is(err, net.ErrClosed) {
			return nil
		}
		if err == nil {
			_, _ = conn.WriteToUDPAddrPort(b[:n], from)
		}
	}
}
