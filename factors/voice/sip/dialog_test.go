package sip

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/emiago/sipgo/sip"
)

// The three ways of RFC 3261, section 12.2.1.1.
func TestRoutes(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		rule   string
		routes []string
		uri    string
		want   []string
	}{
		{"none", nil, "sip:x@192.0.2.9", nil},
		{"loose", []string{"<sip:p1;lr>", "<sip:p2;lr>"}, "sip:x@192.0.2.9", []string{"<sip:p1;lr>", "<sip:p2;lr>"}},
		{"strict", []string{"<sip:p1>", "<sip:p2;lr>"}, "sip:p1", []string{"<sip:p2;lr>", "<sip:x@192.0.2.9>"}},
	} {
		e := &endpoint{hop: target{host: "127.0.0.1", transport: transportTCP}}
		d := &dialog{
			e: e, flow: flow{to: netip.MustParseAddrPort("127.0.0.1:5060"), host: "127.0.0.1", port: 1},
			leg: newLeg(sip.Uri{Host: "a"}, sip.Uri{Host: "b"}), routes: row.routes,
			target: sip.Uri{Scheme: "sip", User: "x", Host: "192.0.2.9"},
		}
		req := d.request(sip.BYE, 2)
		var got []string
		for _, h := range req.GetHeaders("Route") {
			got = append(got, h.Value())
		}
		if req.Recipient.String() != row.uri || strings.Join(got, ",") != strings.Join(row.want, ",") {
			t.Errorf("%s: to %s by %q, want %s by %q", row.rule, req.Recipient.String(), got, row.uri, row.want)
		}
	}
}

// A proxy rings two telephones, and both are answered.
func TestASecondAnswerIsHungUp(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	p, _ := provider(t, f.server(), nil)
	during(t, func() {
		f.answer()
		f.reply(f.last, "200 OK", sdp) // our ACK was lost
		if got := header(f.next("ACK"), "To"); !strings.HasSuffix(got, "tag=far") {
			t.Errorf("an ACK to %s", got)
		}
		f.reply(strings.Replace(f.last, "\r\nTo: <sip:+4741234567@127.0.0.1>", "\r\nTo: <sip:+4741234567@127.0.0.1>;tag=second", 1), "200 OK", sdp)
		if got := header(f.next("ACK"), "To"); !strings.HasSuffix(got, "tag=second") {
			t.Errorf("an ACK to %s", got)
		}
		bye := f.next("BYE")
		if got := header(bye, "To"); !strings.HasSuffix(got, "tag=second") {
			t.Errorf("a BYE to %s", got)
		}
		f.reply(bye, "200 OK", "")
		f.reply(f.press(2, "#"), "200 OK", "")
	}, func() {
		var alice person
		if got, _ := place(t, p, alice.call(t)); got != "approved" {
			t.Errorf("got %s, want the answer of the first", got)
		}
	})
}

// An exchange that says badly where it is still gets the end of its call.
func TestACallWithoutAContactEnds(t *testing.T) {
	t.Parallel()
	for _, contact := range []string{"", "Contact: <sip:nowhere.invalid>"} {
		f := newFake(t)
		p, _ := provider(t, f.server(), nil)
		during(t, func() {
			invite := f.next("INVITE")
			answer := compose("SIP/2.0 200 OK\nVia: "+header(invite, "Via")+"\nFrom: "+header(invite, "From")+"\nTo: "+header(invite, "To")+
				";tag=far\nCall-ID: "+header(invite, "Call-ID")+"\nCSeq: "+header(invite, "CSeq")+"\n", strings.TrimPrefix(contact+"\n", "\n")+sdp)
			f.send(answer)
			f.next("ACK")
			f.reply(f.press(2, "#"), "200 OK", "")
		}, func() {
			var alice person
			if got, _ := place(t, p, alice.call(t)); got != "approved" {
				t.Errorf("got %s, want approved", got)
			}
		})
	}
}
