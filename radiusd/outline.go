package radiusd

import (
	"iter"

	"layeh.com/radius"
	"layeh.com/radius/rfc2865"
	"layeh.com/radius/rfc2869"
	"layeh.com/radius/rfc3162"

	"github.com/portvakt/portvakt/radiusd/mschap"
)

const (
	headerLen = 20                     // RFC 2865, section 3
	maxPacket = radius.MaxPacketLength // RFC 2865, section 3
	maxValue  = 253                    // octets of an attribute's value (RFC 2865, section 5)

	// maxAttributes bounds the work of one datagram; no NAS comes near it.
	maxAttributes = 200
)

// Attribute types as they are on the wire.
const (
	attrUserName             = byte(rfc2865.UserName_Type)
	attrUserPassword         = byte(rfc2865.UserPassword_Type)
	attrCHAPPassword         = byte(rfc2865.CHAPPassword_Type)
	attrNASIPAddress         = byte(rfc2865.NASIPAddress_Type)
	attrReplyMessage         = byte(rfc2865.ReplyMessage_Type)
	attrState                = byte(rfc2865.State_Type)
	attrVendorSpecific       = byte(rfc2865.VendorSpecific_Type)
	attrCallingStationID     = byte(rfc2865.CallingStationID_Type)
	attrNASIdentifier        = byte(rfc2865.NASIdentifier_Type)
	attrProxyState           = byte(rfc2865.ProxyState_Type)
	attrPrompt               = byte(rfc2869.Prompt_Type)
	attrEAPMessage           = byte(rfc2869.EAPMessage_Type)
	attrMessageAuthenticator = byte(rfc2869.MessageAuthenticator_Type)
	attrNASIPv6Address       = byte(rfc3162.NASIPv6Address_Type)
)

// An outline is what one walk over the attributes of a datagram tells, before
// anything of it is believed or copied.
type outline struct {
	// mac is where the value of Message-Authenticator begins; 0 without one.
	mac   int
	macs  int
	attrs int
	// Attributes with a value, but for EAP-Message and Proxy-State, whose
	// empty ones mean something too (RFC 3579, section 2.1).
	names, passwords, chaps, states, eaps, proxies int
	mschap, nas                                    bool
	// Where the first values that are not empty begin; 0 without one. Of
	// User-Password, where the first one does.
	name, password, state, station, eap uint16
}

// survey walks over the attributes of a packet that ends where its Length
// says.
func survey(p []byte) (o outline, drop tally) {
	for at := headerLen; at < len(p); o.attrs++ {
		if o.attrs == maxAttributes {
			return o, dropAttributes
		}
		if at+2 > len(p) {
			return o, dropMalformed
		}
		n := int(p[at+1])
		if n < 2 || at+n > len(p) {
			return o, dropMalformed
		}
		o.add(p[at], p[at+2:at+n], at+2)
		at += n
	}
	return o, dropNone
}

// proxyStates yields the Proxy-States of a datagram that survey has walked over,
// as a reply repeats them (RFC 2865, section 5.33).
func proxyStates(p []byte) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		for at := headerLen; at < len(p); at += int(p[at+1]) {
			if p[at] == attrProxyState && !yield(p[at:at+int(p[at+1])]) {
				return
			}
		}
	}
}

// add notes one attribute.
func (o *outline) add(typ byte, value []byte, at int) {
	some := 0
	if len(value) > 0 {
		some = 1
	}
	// first notes a place once.
	first := func(place *uint16) {
		if *place == 0 {
			*place = uint16(at) //nolint:gosec // a packet has at most 4096 octets
		}
	}
	switch typ {
	case attrUserName:
		if o.names += some; some > 0 {
			first(&o.name)
		}
	case attrCallingStationID:
		if some > 0 {
			first(&o.station)
		}
	case attrUserPassword:
		o.passwords++ // an empty one is malformed, not absent
		first(&o.password)
	case attrCHAPPassword:
		o.chaps++
	case attrState:
		if o.states += some; some > 0 {
			first(&o.state)
		}
	case attrEAPMessage:
		if o.eaps++; some > 0 {
			first(&o.eap)
		}
	case attrProxyState:
		o.proxies++
	case attrMessageAuthenticator:
		o.macs++
		if len(value) == macLen {
			o.mac = at
		}
	case attrNASIPAddress, attrNASIdentifier, attrNASIPv6Address:
		o.nas = true
	case attrVendorSpecific:
		o.mschap = o.mschap || mschap.Carries(value)
	}
}
