package radiusd

import (
	"layeh.com/radius"
)

// parse makes the packet that radius.Parse makes of a datagram that survey has
// walked over, in four allocations instead of two for each attribute. Parsing
// is a tenth of what a request costs without its directory.
func parse(p []byte, attrs int) *radius.Packet {
	var (
		octets = append([]byte(nil), p[headerLen:]...)
		avps   = make([]radius.AVP, attrs)
		packet = &radius.Packet{
			Code:          radius.Code(p[0]),
			Identifier:    p[1],
			Authenticator: [16]byte(p[4:headerLen]),
			Attributes:    make(radius.Attributes, attrs),
		}
	)
	for i := range avps {
		n := int(octets[1])
		avps[i].Type = radius.Type(octets[0])
		if n > 2 {
			avps[i].Attribute = octets[2:n:n]
		}
		packet.Attributes[i] = &avps[i]
		octets = octets[n:]
	}
	return packet
}
