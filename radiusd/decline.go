package radiusd

import (
	"encoding/binary"

	"layeh.com/radius"
	"layeh.com/radius/rfc3576"
)

// declined are the answers to requests of other kinds.
var declined = map[radius.Code]radius.Code{
	radius.CodeAccountingRequest: radius.CodeAccountingResponse,
	radius.CodeDisconnectRequest: radius.CodeDisconnectNAK,
	radius.CodeCoARequest:        radius.CodeCoANAK,
}

// decline answers a request of a kind that this server does not take, with
// Error-Cause: one port carries all of them over TLS, and who heard nothing
// would take the server for dead (RFC 6614, section 2.5).
func (s *Server) decline(a *arrival) tally {
	p := a.packet
	o, drop := survey(p)
	var k *key
	if drop == dropNone {
		k, drop = a.client.verifyAccounting(p, &o) // RFC 5176, section 2.3 signs as RFC 2866 does
	}
	if drop != dropNone {
		s.tell(a.client, drop, a.at, a.route.to)
		return drop
	}
	var cause [4]byte
	binary.BigEndian.PutUint32(cause[:], uint32(rfc3576.ErrorCause_Value_UnsupportedExtension))
	buf, _ := buffers.Get().(*[maxPacket]byte)
	defer buffers.Put(buf)
	r := reply{b: append(buf[:0], byte(declined[radius.Code(p[0])]), p[1], 0, 0)} //nolint:gosec // codes of RADIUS are octets
	r.b = append(r.b, p[4:headerLen]...)
	r.add(byte(rfc3576.ErrorCause_Type), cause[:])
	for state := range proxyStates(p) {
		r.copy(state)
	}
	packet, err := r.finish(k)
	if err != nil {
		s.tell(a.client, dropTooLong, a.at, a.route.to)
		return dropTooLong
	}
	s.put(a.client, packet, a.outlet, &a.route, sentDeclined, a.at)
	return dropNone
}
