package radiusd

import (
	"encoding/binary"
	"errors"
	"fmt"
	"sync"

	"layeh.com/radius"

	"github.com/portvakt/portvakt/login"
)

var (
	errInvalidAccept = errors.New("radiusd: an accept that no login has earned")
	errMayNotAsk     = errors.New("radiusd: a question for a client that cannot show one")
	errNoStep        = errors.New("radiusd: neither accept, reject nor question")
	errTooLong       = errors.New("radiusd: reply is longer than 4096 octets")
)

// Values of Prompt (RFC 2869, section 5.10).
const (
	promptNoEcho = 0
	promptEcho   = 1
)

// EAP-Failure (RFC 3748, section 4.2).
const (
	eapFailure    = 4
	eapFailureLen = 4
)

// neverAccepted are the attributes that an Access-Accept does not carry (RFC
// 2865, section 5.44; RFC 2869, section 5.19), and those that this package
// writes itself.
var neverAccepted = map[byte]bool{
	attrUserPassword: true, attrCHAPPassword: true, attrNASIPAddress: true, 5: true,
	attrState: true, 30: true, attrCallingStationID: true, attrNASIdentifier: true,
	attrProxyState: true, 60: true, 61: true, attrEAPMessage: true,
	attrMessageAuthenticator: true, attrNASIPv6Address: true,
}

// buffers are where replies are composed.
var buffers = sync.Pool{New: func() any { return new([maxPacket]byte) }}

// A reply is a packet in the making. Message-Authenticator comes first: an
// attacker who looks for a collision needs octets of his choice right behind
// the header (CVE-2024-3596).
type reply struct {
	b    []byte // its capacity is maxPacket
	mac  int    // where the value of Message-Authenticator is; 0 without one
	over bool   // something did not fit
}

// noMAC is a Message-Authenticator before it is computed.
var noMAC [macLen]byte

// begin starts a reply in a buffer.
func (c *client) begin(b []byte, code radius.Code, id byte, authenticator []byte) reply {
	p := reply{b: append(b[:0], byte(code), id, 0, 0)} //nolint:gosec // codes of RADIUS are octets
	p.b = append(p.b, authenticator...)
	if c.SendMessageAuthenticator {
		p.mac = len(p.b) + 2
		p.add(attrMessageAuthenticator, noMAC[:])
	}
	return p
}

// add appends an attribute.
func (p *reply) add(typ byte, value []byte) {
	if len(value) > maxValue || len(p.b)+2+len(value) > maxPacket {
		p.over = true
		return
	}
	p.b = append(p.b, typ, byte(2+len(value))) //nolint:gosec // callers have at most 253 octets
	p.b = append(p.b, value...)
}

// copy appends attributes as they came.
func (p *reply) copy(avps []byte) {
	if len(p.b)+len(avps) > maxPacket {
		p.over = true
		return
	}
	p.b = append(p.b, avps...)
}

// addAll appends encoded attributes when an Access-Accept may carry them.
func (p *reply) addAll(avps []byte) error {
	for at := 0; at < len(avps); {
		if at+2 > len(avps) {
			return fmt.Errorf("reply attributes: cut off at octet %d", at)
		}
		typ, n := avps[at], int(avps[at+1])
		if n < 2 || at+n > len(avps) {
			return fmt.Errorf("reply attributes: type %d has length %d", typ, n)
		}
		if neverAccepted[typ] {
			return fmt.Errorf("reply attributes: type %d is not for an Access-Accept", typ)
		}
		if n > 2 { // an empty text must not be sent (RFC 2865, section 5)
			p.add(typ, avps[at+2:at+n])
		}
		at += n
	}
	return nil
}

// addText appends a text in as many Reply-Messages as it needs, cut between
// runes (RFC 2865, section 5.18), when room octets stay free behind it: the
// text is what a reply can best do without.
func (p *reply) addText(text string, room int) {
	start := len(p.b)
	for len(text) > 0 {
		n := runeCut(text, maxValue)
		if len(p.b)+2+n+room > maxPacket {
			p.b = p.b[:start]
			return
		}
		p.add(attrReplyMessage, []byte(text[:n]))
		text = text[n:]
	}
}

// finish signs the reply and returns a copy to keep.
func (p *reply) finish(k *key) ([]byte, error) {
	if p.over {
		return nil, errTooLong
	}
	binary.BigEndian.PutUint16(p.b[2:], uint16(len(p.b))) //nolint:gosec // at most 4096 octets
	k.sign(p.b, p.mac)
	return append(make([]byte, 0, len(p.b)), p.b...), nil
}

// compose makes the packet of a step and says what it is.
func (s *Server) compose(q *pending, step login.Step) (packet []byte, sent tally, err error) {
	buf, _ := buffers.Get().(*[maxPacket]byte)
	defer buffers.Put(buf)
	c := q.client
	start := func(code radius.Code) reply {
		return c.begin(buf[:], code, q.entry.source.id, q.entry.digest.authenticator[:])
	}
	k := q.key
	if k == nil {
		k = c.keys[0]
	}
	var p reply
	var text string
	switch st := step.(type) {
	case login.Accept:
		if !st.Valid() {
			return nil, dropNone, errInvalidAccept
		}
		p, text, sent = start(radius.CodeAccessAccept), st.Notice(), sentAccept
		if s.reply != nil {
			avps, err := s.reply(c.Name, st.Account())
			if err != nil {
				return nil, dropNone, fmt.Errorf("reply attributes: %w", err)
			}
			if err := p.addAll(avps); err != nil {
				return nil, dropNone, err
			}
		}
		if kept := st.Kept(); kept != nil {
			if err := p.addSession(q, k, kept); err != nil {
				return nil, dropNone, err
			}
		}
		granted := st.Grant()
		if s.pass != nil {
			granted = s.pass(c.Name, st.Account(), granted)
		}
		if err := p.addGrant(q, k, granted); err != nil {
			return nil, dropNone, err
		}
	case login.Reject:
		p, text, sent = start(radius.CodeAccessReject), st.Text, sentReject
		if q.eap { // answered with its identifier; an EAP-Start has none
			p.add(attrEAPMessage, []byte{eapFailure, q.eapID, 0, eapFailureLen}) // RFC 3579, section 2.6.3
			text = ""                                                            // and section 2.6.5
		}
		p.addFailure(q.mschap, st.Reason, c.prompt(text))
	case login.Ask:
		if !c.Challenge {
			return nil, dropNone, errMayNotAsk
		}
		if len(st.Ticket) == 0 || len(st.Ticket) > login.MaxTicket {
			return nil, dropNone, fmt.Errorf("radiusd: a ticket of %d octets does not fit State", len(st.Ticket))
		}
		p, text, sent = start(radius.CodeAccessChallenge), st.Text, sentChallenge
		p.add(attrState, st.Ticket)
		echo := byte(promptNoEcho)
		if st.Echo {
			echo = promptEcho
		}
		p.add(attrPrompt, []byte{0, 0, 0, echo})
	default:
		return nil, dropNone, errNoStep
	}
	p.addText(c.prompt(text), len(q.proxies))
	p.copy(q.proxies) // RFC 2865, section 5.33
	packet, err = p.finish(k)
	return packet, sent, err
}
