package radiusd

import (
	"bytes"
	"context"
	"encoding/binary"
	"strings"
	"testing"

	"layeh.com/radius"

	"github.com/portvakt/portvakt/login"
)

// seeds are packets that have hurt others: vendor attributes with lying
// lengths, thousands of tiny attributes, empty ones where nobody expects them.
func seeds(d *device) [][]byte {
	return [][]byte{
		d.login("alice", "accept"),
		d.login("alice", "123456", attr(attrState, "s"), attr(attrProxyState, "")),
		d.unsignedLogin("alice", "ask"),
		d.signed(attr(attrUserName, ""), attr(attrUserPassword, "")),
		d.signed(attr(attrEAPMessage, ""), attr(attrEAPMessage, "\x02\x01\x00\x05\x01")),
		d.bare(attr(attrVendorSpecific, "\x00\x00\x01\x37\x19\x00")),
		d.bare(attr(attrVendorSpecific, "\x00\x00\x01\x37\x19\xc8\x01")),
		d.bare(attr(attrVendorSpecific, "\x00\x00\x01\x37")),
		d.bare(bytes.Repeat([]byte{69, 2}, 2038)),
		d.bare([]byte{26, 0}, []byte{1}),
		d.signed(attr(attrUserPassword, strings.Repeat("\xff", 128)), attr(attrUserName, "\xff")),
		{12, 0, 0, 20},
		{},
	}
}

// FuzzSurvey: what the walk accepts, the codec parses, and the values that the
// walk has found are those of the codec.
func FuzzSurvey(f *testing.F) {
	for _, p := range seeds(&device{secret: testSecret}) {
		f.Add(p)
	}
	f.Fuzz(func(t *testing.T, p []byte) {
		if len(p) < headerLen || len(p) > maxPacket {
			return
		}
		p = bytes.Clone(p)
		binary.BigEndian.PutUint16(p[2:], uint16(len(p)))
		o, drop := survey(p)
		want, err := radius.Parse(p, nil)
		if drop != dropNone {
			if err == nil && drop != dropAttributes {
				t.Fatalf("dropped as %s, but the codec parses it", drop)
			}
			return
		}
		if err != nil {
			t.Fatalf("accepted, but the codec says %v", err)
		}
		if len(want.Attributes) != o.attrs {
			t.Fatalf("%d attributes, the codec has %d", o.attrs, len(want.Attributes))
		}
		r := newRequest(p, o, pending{})
		for what, row := range map[string]struct {
			at  uint16
			typ byte
		}{
			"User-Name": {o.name, attrUserName}, "State": {o.state, attrState},
			"Calling-Station-Id": {o.station, attrCallingStationID}, "EAP-Message": {o.eap, attrEAPMessage},
		} {
			if got, want := r.value(row.at), firstOf(want, row.typ); !bytes.Equal(got, want) {
				t.Fatalf("%s is %x, the codec has %x", what, got, want)
			}
		}
		hidden, sent := want.Lookup(radius.Type(attrUserPassword))
		if sent != (o.passwords > 0) || !bytes.Equal(r.value(o.password), hidden) {
			t.Fatalf("User-Password is %x, the codec has %x", r.value(o.password), hidden)
		}
	})
}

// firstOf is the first value of a type that is not empty.
func firstOf(p *radius.Packet, typ byte) []byte {
	for _, avp := range p.Attributes {
		if avp.Type == radius.Type(typ) && len(avp.Attribute) > 0 {
			return avp.Attribute
		}
	}
	return nil
}

// FuzzDatagram sends datagrams the whole way: no panic, exactly one outcome,
// and replies that are what replies must be. The second round signs the packet,
// so that what lies behind the signature is reached.
func FuzzDatagram(f *testing.F) {
	for _, p := range seeds(&device{secret: testSecret}) {
		f.Add(p)
	}
	decide := script(f)
	f.Fuzz(func(t *testing.T, p []byte) {
		s, l, d := bench(t, flowFunc(func(ctx context.Context, a login.Attempt, k login.Ticket) (login.Step, error) {
			if typed, _ := a.Secret.Reveal(); typed == "panic" {
				return nil, context.Canceled
			}
			return decide(ctx, a, k)
		}))
		signed := append(bytes.Clone(p), attr(attrMessageAuthenticator, strings.Repeat("\x00", 16))...)
		if len(p) >= headerLen && len(signed) <= maxPacket {
			binary.BigEndian.PutUint16(signed[2:], uint16(len(signed)))
			d.sign(signed)
		}
		for _, q := range [][]byte{p, signed} {
			s.receive(t.Context(), l, bytes.Clone(q), nil, benchFrom)
		}
		s.crew.Close()
		s.crew.Wait() // the handlers end after their request
		s.handlers.Wait()
		st := s.Stats()
		if st.Received != 2 || sum(st.Dropped)+sum(st.Sent) != 2 || st.InHand != 0 || st.Dropped["panic"] != 0 {
			t.Fatalf("dropped %v, sent %v, in hand %d", st.Dropped, st.Sent, st.InHand)
		}
		if n := len(l.queue); n != int(sum(st.Sent)) {
			t.Fatalf("%d replies, sent %v", n, st.Sent)
		}
		for len(l.queue) > 0 {
			reply := (<-l.queue).packet
			if len(reply) > maxPacket || int(binary.BigEndian.Uint16(reply[2:])) != len(reply) || reply[headerLen] != attrMessageAuthenticator {
				t.Fatalf("reply %x", reply)
			}
			if _, drop := survey(reply); drop != dropNone && drop != dropAttributes {
				t.Fatalf("reply %x is %s", reply, drop)
			}
		}
	})
}
