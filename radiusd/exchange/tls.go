package exchange

import (
	"context"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
)

// DialTLS makes a Conn over TLS (RFC 6614). A request is sent once there (RFC
// 6613, section 2.6.1): the Pace of Do has one try.
func DialTLS(ctx context.Context, server string, source netip.Addr, how *tls.Config) (*Conn, error) {
	d := tls.Dialer{NetDialer: &net.Dialer{}, Config: how}
	if source.IsValid() {
		d.NetDialer.LocalAddr = net.TCPAddrFromAddrPort(netip.AddrPortFrom(source, 0))
	}
	conn, err := d.DialContext(ctx, "tcp", server)
	if err != nil {
		return nil, fmt.Errorf("connect to %s: %w", server, err)
	}
	return &Conn{server, packets{conn}}, nil
}

// packets is a connection that is read a packet at a time, as a socket is.
type packets struct{ net.Conn }

func (p packets) Read(b []byte) (int, error) {
	const head = 4 // up to the end of Length (RFC 2865, section 3)
	if _, err := io.ReadFull(p.Conn, b[:head]); err != nil {
		return 0, err
	}
	n := int(binary.BigEndian.Uint16(b[2:]))
	if n < head || n > len(b) {
		return 0, errors.New("what came is no RADIUS packet")
	}
	_, err := io.ReadFull(p.Conn, b[head:n])
	return n, err
}
