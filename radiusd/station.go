package radiusd

import (
	"encoding/binary"
	"fmt"

	"github.com/portvakt/portvakt/radiusd/dictionary"
)

// stationOf finds the attribute that tells where the person is at a product that
// does not use Calling-Station-Id for it. The zero ID is none.
func stationOf(name string) (dictionary.ID, error) {
	if name == "" {
		return dictionary.ID{}, nil
	}
	d, err := dictionary.Load()
	if err != nil {
		return dictionary.ID{}, err
	}
	a, err := d.Find(name)
	if err != nil {
		return dictionary.ID{}, err
	}
	v := a.Vendor
	if a.Type != dictionary.Text || a.Tagged || a.Encrypted || v.Number != 0 && (v.TypeSize != 1 || v.LengthSize != 1) {
		return dictionary.ID{}, fmt.Errorf("%q is no plain text: name the attribute that has the address of the person's device as text", a.Name)
	}
	return a.ID(), nil
}

// stationIn is where a packet tells the client's station by an attribute of its
// own, 0 where it does not.
func (c *client) stationIn(p []byte) uint16 {
	if c.station == (dictionary.ID{}) {
		return 0
	}
	return findText(p, c.station)
}

// findText is where the first value of an attribute begins that is not empty, in
// a packet that survey has walked over; 0 without one.
func findText(p []byte, id dictionary.ID) uint16 {
	for at := headerLen; at < len(p); at += int(p[at+1]) {
		value := p[at+2 : at+int(p[at+1])]
		switch {
		case id.Vendor == 0:
			if uint32(p[at]) == id.Number && len(value) > 0 {
				return uint16(at + 2)
			}
		case p[at] == attrVendorSpecific && len(value) > 4 && binary.BigEndian.Uint32(value) == id.Vendor:
			// RFC 2865, section 5.26.
			for in := 4; in+2 < len(value) && value[in+1] >= 2 && in+int(value[in+1]) <= len(value); in += int(value[in+1]) {
				if uint32(value[in]) == id.Number && value[in+1] > 2 {
					return uint16(at + 2 + in + 2)
				}
			}
		}
	}
	return 0
}
