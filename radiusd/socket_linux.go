package radiusd

import (
	"encoding/binary"
	"net/netip"
	"syscall"

	"golang.org/x/sys/unix"
)

// oobSize has room for the control messages that are asked for below.
const oobSize = 128

// Sizes of struct in_pktinfo and struct in6_pktinfo, see ip(7) and ipv6(7).
const (
	pktinfo4Size = 12 // interface, address to send from, address in the header
	pktinfo6Size = 20 // address, interface
)

// control sets the options of a socket before it is bound.
func (s *socket) control(_, _ string, c syscall.RawConn) error {
	var failed error
	err := c.Control(func(fd uintptr) {
		f := int(fd)
		if s.wildcard && s.v6 {
			failed = unix.SetsockoptInt(f, unix.IPPROTO_IPV6, unix.IPV6_RECVPKTINFO, 1)
		} else if s.wildcard {
			failed = unix.SetsockoptInt(f, unix.IPPROTO_IP, unix.IP_PKTINFO, 1)
		}
		if failed != nil {
			return
		}
		// Only root may go beyond net.core.rmem_max; what was got is looked at
		// afterwards, and counting losses is a help, not a need.
		if unix.SetsockoptInt(f, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, receiveBuffer) != nil {
			_ = unix.SetsockoptInt(f, unix.SOL_SOCKET, unix.SO_RCVBUF, receiveBuffer)
		}
		_ = unix.SetsockoptInt(f, unix.SOL_SOCKET, unix.SO_RXQ_OVFL, 1)
	})
	if err != nil {
		return err
	}
	return failed
}

// room returns the size of the receive buffer in bytes.
func (s *socket) room() (int, error) {
	raw, err := s.conn.SyscallConn()
	if err != nil {
		return 0, err
	}
	var size int
	var failed error
	if err := raw.Control(func(fd uintptr) {
		size, failed = unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUF)
	}); err != nil {
		return 0, err
	}
	return size / 2, failed // the kernel doubles it for its own needs, socket(7)
}

// ancillary reads the control messages of a datagram into its route.
func (s *socket) ancillary(oob []byte, r *route) {
	for len(oob) > 0 {
		h, data, rest, err := unix.ParseOneSocketControlMessage(oob)
		if err != nil {
			return
		}
		switch {
		case h.Level == unix.SOL_SOCKET && h.Type == unix.SO_RXQ_OVFL && len(data) >= 4:
			s.lost.Store(binary.NativeEndian.Uint32(data))
		case h.Level == unix.IPPROTO_IP && h.Type == unix.IP_PKTINFO && len(data) >= pktinfo4Size:
			r.local = netip.AddrFrom4([4]byte(data[4:8]))
		case h.Level == unix.IPPROTO_IPV6 && h.Type == unix.IPV6_PKTINFO && len(data) >= pktinfo6Size:
			a := netip.AddrFrom16([16]byte(data[:16]))
			if a.IsMulticast() {
				break // nobody can send from it
			}
			r.local = a
			if a.IsLinkLocalUnicast() {
				r.zone = binary.NativeEndian.Uint32(data[16:20])
			}
		}
		oob = rest
	}
}

// from writes the control message that makes a datagram leave from the address
// that was asked into a buffer of oobSize octets.
func (s *socket) from(b []byte, r *route) []byte {
	if !r.local.IsValid() {
		return nil
	}
	size, level, typ := pktinfo4Size, unix.IPPROTO_IP, unix.IP_PKTINFO
	if s.v6 {
		size, level, typ = pktinfo6Size, unix.IPPROTO_IPV6, unix.IPV6_PKTINFO
	}
	b = b[:unix.CmsgSpace(size)]
	clear(b)
	head, data := b[:unix.CmsgLen(0)], b[unix.CmsgLen(0):]
	// struct cmsghdr: its length is a size_t, then level and type as int.
	length := len(head) - 8
	if length == 8 {
		binary.NativeEndian.PutUint64(head, uint64(unix.CmsgLen(size))) //nolint:gosec // a few dozen octets
	} else {
		binary.NativeEndian.PutUint32(head, uint32(unix.CmsgLen(size))) //nolint:gosec // a few dozen octets
	}
	binary.NativeEndian.PutUint32(head[length:], uint32(level))
	binary.NativeEndian.PutUint32(head[length+4:], uint32(typ))
	if s.v6 {
		a := r.local.As16()
		copy(data, a[:])
		binary.NativeEndian.PutUint32(data[16:], r.zone)
	} else {
		a := r.local.As4()
		copy(data[4:], a[:])
	}
	return b
}
