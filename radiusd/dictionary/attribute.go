package dictionary

import "strings"

// A Type says how a value is written in the configuration and in a packet.
type Type uint8

// The types of attributes; package documentation says how each is written.
const (
	Text Type = iota + 1
	Octets
	Integer
	IPAddr
	IPv6Addr
	IPv6Prefix
	IfID
	Date
)

var typeNames = map[string]Type{
	"text": Text, "string": Text, "octets": Octets, "integer": Integer, "ipaddr": IPAddr,
	"ipv6addr": IPv6Addr, "ipv6prefix": IPv6Prefix, "ifid": IfID, "date": Date,
}

// A Use says who sends an attribute.
type Use uint8

const (
	// UseReply is for attributes that a reply may carry by configuration.
	UseReply Use = iota
	// UseRequest is for attributes that devices send and replies do not carry.
	UseRequest
	// UseOwn is for attributes that the server itself makes: State,
	// Message-Authenticator, keys.
	UseOwn
)

// A Vendor is who defined an attribute. The zero Vendor stands for the
// standard attributes.
type Vendor struct {
	Name string
	// Number is the private enterprise number.
	Number uint32
	// TypeSize and LengthSize are the octets of the vendor's own type and
	// length fields (RFC 2865, section 5.26).
	TypeSize, LengthSize int
}

// An ID identifies an attribute whatever its name. It is comparable.
type ID struct{ Vendor, Number uint32 }

// An Attribute is one entry of the dictionary. Copies are cheap and share
// their named values.
type Attribute struct {
	Name   string
	Vendor Vendor
	Number uint32
	Type   Type
	// Tagged attributes carry a tag (RFC 2868, section 3.1).
	Tagged bool
	// Encrypted attributes carry a salt (RFC 2868, section 3.5) and need a
	// [Salter].
	Encrypted bool
	// Secret attributes are never printed; Encrypted ones are not either.
	Secret bool
	Use    Use
	values []namedValue
}

type namedValue struct {
	name   string
	number uint32
}

// ID returns what identifies the attribute.
func (a Attribute) ID() ID { return ID{a.Vendor.Number, a.Number} }

// numbered returns the number that an integer attribute calls name.
func (a Attribute) numbered(name string) (uint32, bool) {
	for _, v := range a.values {
		if strings.EqualFold(v.name, name) {
			return v.number, true
		}
	}
	return 0, false
}

// named returns what an integer attribute calls number, or "".
func (a Attribute) named(number uint32) string {
	for _, v := range a.values {
		if v.number == number {
			return v.name
		}
	}
	return ""
}

// valueNames lists the named values, each number once.
func (a Attribute) valueNames() []string {
	var names []string
	for _, v := range a.values {
		if a.named(v.number) == v.name {
			names = append(names, v.name)
		}
	}
	return names
}
