package radiusd

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync/atomic"

	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"
)

const (
	// readersPerSocket is measured: one reader leaves a core idle, more only
	// quarrel over the lock of the socket.
	readersPerSocket = 2

	// receiveBuffer holds some 5000 datagrams while the process is not
	// scheduled (bytes).
	receiveBuffer = 4 << 20
)

// An outlet is where replies leave: the socket of an address, or a connection.
type outlet struct {
	index uint32 // tells its requests from those of all others
	queue chan outgoing
}

// A socket is one address of the port, over UDP.
type socket struct {
	outlet
	conn     *net.UDPConn
	batch    batchWriter
	v6       bool
	wildcard bool          // bound to all addresses: replies must name theirs
	lost     atomic.Uint32 // datagrams the kernel had no room for
}

// A batchWriter sends many datagrams with one system call.
type batchWriter interface {
	WriteBatch(ms []ipv4.Message, flags int) (int, error)
}

// A route is the way back to whoever sent a datagram.
type route struct {
	to netip.AddrPort
	// local is the address that was asked, on sockets bound to all of them; a
	// NAS ignores a reply from another one.
	local netip.Addr
	zone  uint32 // interface of a link-local address
}

// listen binds an address. It warns through warn when the kernel gives less
// room than wanted.
func listen(ctx context.Context, at string, index int, warn func(got int)) (*socket, error) {
	addr, err := netip.ParseAddrPort(at)
	if err != nil {
		return nil, fmt.Errorf("listen on %q: %w", at, err)
	}
	s := &socket{
		outlet:   outlet{index: uint32(index), queue: make(chan outgoing, sendQueue)}, //nolint:gosec // the configuration has few addresses
		v6:       !addr.Addr().Unmap().Is4(),
		wildcard: addr.Addr().IsUnspecified(),
	}
	network := "udp4"
	if s.v6 {
		network = "udp6" // and IPv6 only, so that both wildcards can be bound
	}
	lc := net.ListenConfig{Control: s.control}
	pc, err := lc.ListenPacket(ctx, network, netip.AddrPortFrom(addr.Addr().Unmap(), addr.Port()).String())
	if err != nil {
		return nil, fmt.Errorf("listen on %q: %w", at, err)
	}
	conn, ok := pc.(*net.UDPConn)
	if !ok {
		return nil, errors.Join(fmt.Errorf("listen on %q: not a UDP socket", at), pc.Close())
	}
	s.conn = conn
	if s.v6 {
		s.batch = ipv6.NewPacketConn(conn)
	} else {
		s.batch = ipv4.NewPacketConn(conn)
	}
	if got, err := s.room(); err == nil && got < receiveBuffer {
		warn(got)
	}
	return s, nil
}
