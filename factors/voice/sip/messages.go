package sip

import (
	"crypto/rand"
	"strings"

	"github.com/emiago/sipgo/sip"
)

const (
	userAgent  = "Portvakt"
	allowed    = "INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, UPDATE"
	maxForward = 70 // RFC 3261, section 8.1.1.6
	seqFirst   = 1  // RFC 3261, section 8.1.1.5
	magic      = sip.RFC3261BranchMagicCookie
)

// A leg is one side of a dialog, ours: what its requests have in common.
type leg struct {
	callID string
	tag    string // ours
	from   sip.Uri
	to     sip.Uri
	peer   string // the far side's tag, once there is one
	seq    uint32
}

// newLeg makes a leg with a Call-ID and a tag that nobody can guess: they are
// what tells our calls from an attacker's.
func newLeg(from, to sip.Uri) *leg {
	return &leg{callID: rand.Text(), tag: rand.Text(), from: from, to: to, seq: seqFirst - 1}
}

// request makes a request of the leg with the next sequence number.
func (e *endpoint) request(f flow, l *leg, method sip.RequestMethod, uri sip.Uri) *sip.Request {
	l.seq++
	return e.numbered(f, l, method, uri, l.seq, newBranch())
}

func (e *endpoint) numbered(f flow, l *leg, method sip.RequestMethod, uri sip.Uri, seq uint32, branch string) *sip.Request {
	req := sip.NewRequest(method, uri)
	via := &sip.ViaHeader{
		ProtocolName: "SIP", ProtocolVersion: "2.0", Transport: e.hop.transport, Host: f.host, Port: f.port,
		// The answer comes back through a NAT to where it came from (RFC 3581).
		Params: sip.HeaderParams{{K: "branch", V: branch}, {K: "rport"}},
	}
	from := &sip.FromHeader{Address: l.from, Params: sip.HeaderParams{{K: "tag", V: l.tag}}}
	to := &sip.ToHeader{Address: l.to, Params: sip.NewParams()}
	if l.peer != "" {
		to.Params.Add("tag", l.peer)
	}
	id, hops := sip.CallIDHeader(l.callID), sip.MaxForwardsHeader(maxForward)
	for _, h := range []sip.Header{via, &hops, from, to, &id, &sip.CSeqHeader{SeqNo: seq, MethodName: method}} {
		req.AppendHeader(h)
	}
	req.AppendHeader(sip.NewHeader("User-Agent", userAgent))
	req.SetBody(nil)
	e.route(req, f.to)
	return req
}

// preload sends a request that belongs to no dialog yet through the outbound
// proxy. As a header, and not only as the destination, a CANCEL has it too.
func (e *endpoint) preload(req *sip.Request) {
	if e.cfg.OutboundProxy == "" {
		return
	}
	uri := e.hop.uri("", "")
	uri.UriParams = append(uri.UriParams, sip.HeaderKV{K: "lr"})
	req.AppendHeader(sip.NewHeader("Route", "<"+uri.String()+">"))
}

// contact is where the exchange reaches us.
func (e *endpoint) contact(f flow) *sip.ContactHeader {
	uri := sip.Uri{Scheme: "sip", User: e.cfg.User, Host: f.host, Port: f.port}
	if e.hop.reliable() {
		uri.UriParams = sip.HeaderParams{{K: "transport", V: strings.ToLower(e.hop.transport)}}
	}
	return &sip.ContactHeader{Address: uri, Params: sip.NewParams()}
}

// address is a user at the exchange's domain, without the way there.
func (e *endpoint) address(user string) sip.Uri {
	if name, domain, both := strings.Cut(user, "@"); both {
		return sip.Uri{Scheme: "sip", User: name, Host: domain}
	}
	uri := sip.Uri{Scheme: "sip", User: user, Host: e.cfg.Domain}
	if uri.Host == "" {
		uri.Host = e.server.host
	}
	return uri
}

// tagOf returns the tag of a To or From header's parameters.
func tagOf(params sip.HeaderParams) string {
	tag, _ := params.Get("tag")
	return tag
}

func newBranch() string { return magic + rand.Text() }
