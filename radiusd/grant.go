package radiusd

import (
	"fmt"
	"slices"

	"github.com/portvakt/portvakt/radiusd/mschap"
)

// addGrant adds what the server that has checked the password gives the session:
// encoded attributes, the keys among them in the clear until they are encrypted
// under this client's secret. An attribute that is there already, by a rule of
// ours, is not set again.
func (p *reply) addGrant(q *pending, k *key, grant []byte) error {
	if len(grant) == 0 {
		return nil
	}
	sealed, err := mschap.SealKeys(grant, k.secret, q.entry.digest.authenticator[:])
	if err != nil {
		return fmt.Errorf("what upstream has granted: %w", err)
	}
	ours := kindsOf(p.b[headerLen:])
	var left []byte
	for avps := sealed; len(avps) > 0; avps = avps[avps[1]:] { // SealKeys has walked over them
		if avp := avps[:avps[1]]; !slices.Contains(ours, kindOf(avp)) {
			left = append(left, avp...)
		}
	}
	return p.addAll(left)
}

// A kind tells attributes apart: the type, and of Vendor-Specific the vendor and
// the vendor's own type.
type kind [6]byte

func kindOf(avp []byte) (k kind) {
	k[0] = avp[0]
	if avp[0] == attrVendorSpecific {
		copy(k[1:], avp[2:])
	}
	return k
}

// kindsOf lists those of attributes that this package has written.
func kindsOf(avps []byte) (ks []kind) {
	for ; len(avps) > 0; avps = avps[avps[1]:] {
		ks = append(ks, kindOf(avps[:avps[1]]))
	}
	return ks
}
