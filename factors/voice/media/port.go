package media

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
)

// errNoPort is when a range is used up.
var errNoPort = errors.New("media: no free port")

// anyTries is how often the kernel is asked for any port: half of them are odd.
const anyTries = 64

// bind takes an even port (RFC 3550, section 11).
func bind(local netip.Addr, first, last int) (*net.UDPConn, int, error) {
	if first == 0 && last == 0 {
		for range anyTries {
			conn, port, err := listen(local, 0)
			if err != nil {
				return nil, 0, err
			}
			if port%2 == 0 {
				return conn, port, nil
			}
			_ = conn.Close()
		}
		return nil, 0, errNoPort
	}
	first += first % 2
	if first < 1 || last > 65535 || first > last {
		return nil, 0, fmt.Errorf("media: no even port in the range %d to %d", first, last)
	}
	// A port that was used a moment ago may still get packets of another call.
	n := (last-first)/2 + 1
	from := int(random64()>>1) % n
	var why error
	for i := range n {
		conn, port, err := listen(local, first+2*((from+i)%n))
		if err == nil {
			return conn, port, nil
		}
		why = err
	}
	return nil, 0, fmt.Errorf("%w in the range %d to %d: %w", errNoPort, first, last, why)
}

func listen(local netip.Addr, port int) (*net.UDPConn, int, error) {
	network := "udp4"
	if !local.Is4() {
		network = "udp6"
	}
	conn, err := net.ListenUDP(network, net.UDPAddrFromAddrPort(netip.AddrPortFrom(local, uint16(port)))) //nolint:gosec // checked by bind
	if err != nil {
		return nil, 0, err
	}
	at, ok := conn.LocalAddr().(*net.UDPAddr)
	if !ok {
		_ = conn.Close()
		return nil, 0, errNoPort
	}
	return conn, at.Port, nil
}
