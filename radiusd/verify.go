package radiusd

import (
	"layeh.com/radius"
)

// What is known about a client's use of Message-Authenticator.
const (
	unlearned uint32 = iota
	learnedYes
	learnedNo
)

func learnedWord(v uint32) string {
	switch v {
	case learnedYes:
		return yes
	case learnedNo:
		return no
	}
	return auto
}

func learnedValue(word string) uint32 {
	switch word {
	case yes:
		return learnedYes
	case no:
		return learnedNo
	}
	return unlearned
}

// verify applies the rule about Message-Authenticator, which closes the door to
// forged replies (CVE-2024-3596): an attacker between NAS and server needs a
// request without one, and room for a collision in Proxy-State. It returns the
// key that verified; nil for a request that has none and needs none.
func (c *client) verify(p []byte, o *outline) (*key, tally) {
	if o.macs == 0 {
		switch {
		case radius.Code(p[0]) == radius.CodeStatusServer: // RFC 5997, section 3
			return nil, dropUnsigned
		case o.eaps > 0: // RFC 3579, section 3.2
			return nil, dropUnsigned
		case c.requires() == learnedYes:
			return nil, dropUnsigned
		case o.proxies > 0 && c.limits() == learnedYes:
			return nil, dropProxyState
		}
		return nil, dropNone
	}
	if o.macs > 1 || o.mac == 0 {
		return nil, dropBadSignature
	}
	for _, k := range c.keys {
		if k.verifies(p, o.mac) {
			return k, dropNone
		}
	}
	return nil, dropBadSignature
}

// requires is whether the client must send Message-Authenticator: the
// configuration decides, or what was learned.
func (c *client) requires() uint32 {
	if c.require != unlearned {
		return c.require
	}
	return c.peer.require.Load()
}

// limits is whether Proxy-State without Message-Authenticator is refused.
func (c *client) limits() uint32 {
	if c.limit != unlearned {
		return c.limit
	}
	return c.peer.limit.Load()
}

// learnSigned is told of an Access-Request whose Message-Authenticator is good.
// It returns true when that was news. EAP always has one, so it proves nothing
// of the client's other requests.
func (c *client) learnSigned(o *outline) bool {
	news := o.eaps == 0 && c.require == unlearned && c.peer.require.CompareAndSwap(unlearned, learnedYes)
	if c.limit == unlearned && c.peer.limit.CompareAndSwap(unlearned, learnedYes) {
		news = true
	}
	return news
}

// learnUnsigned is told of a request without Message-Authenticator whose
// password was right. Others teach nothing: anybody can send them in the
// client's name, and would so keep the door open.
func (c *client) learnUnsigned(proxied bool) bool {
	news := c.require == unlearned && c.peer.require.CompareAndSwap(unlearned, learnedNo)
	limit := learnedYes
	if proxied {
		limit = learnedNo
	}
	if c.limit == unlearned && c.peer.limit.CompareAndSwap(unlearned, limit) {
		news = true
	}
	return news
}
