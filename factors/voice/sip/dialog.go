package sip

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"strings"

	"github.com/emiago/sipgo/sip"
)

// A dialog is an answered call (RFC 3261, section 12).
type dialog struct {
	e      *endpoint
	flow   flow
	leg    *leg
	proof  *proof
	target sip.Uri  // the far side's Contact
	routes []string // how to get there, first hop first
	shut   func()   // closes the door for the next hop
	ack    *sip.Request
}

var errRoute = errors.New("the exchange answers with an address that cannot be reached")

// newDialog makes the dialog of a 2xx to an INVITE. An exchange that says badly
// where it is gets the end of its call where it got the beginning.
func (inv *invitation) newDialog(ctx context.Context, res *sip.Response) *dialog {
	side := *inv.leg
	if res.To() != nil {
		side.peer = tagOf(res.To().Params)
	}
	d := &dialog{e: inv.e, flow: inv.flow, leg: &side, proof: inv.proof, target: inv.to}
	if contact := res.Contact(); contact != nil && contact.Address.Host != "" {
		d.target = contact.Address
	}
	for _, h := range slices.Backward(res.GetHeaders("Record-Route")) {
		d.routes = append(d.routes, h.Value())
	}
	if next, err := d.nextHop(ctx); err == nil {
		d.flow.to = next
	}
	d.shut = inv.e.door.open(d.flow.to.Addr())
	d.ack = d.request(sip.ACK, inv.req.CSeq().SeqNo)
	// The ACK proves what the INVITE did (RFC 3261, section 13.2.2.4).
	sip.CopyHeaders("Authorization", inv.req, d.ack)
	sip.CopyHeaders("Proxy-Authorization", inv.req, d.ack)
	return d
}

// nextHop is where the requests of the dialog go: to the first route, else to
// the far side itself. Over TLS that is the connection there is, since only the
// exchange's name was checked in a certificate.
func (d *dialog) nextHop(ctx context.Context) (netip.AddrPort, error) {
	if d.e.hop.secure() {
		return d.flow.to, nil
	}
	uri := d.target
	if len(d.routes) > 0 {
		first, err := routeURI(d.routes[0])
		if err != nil {
			return netip.AddrPort{}, errRoute
		}
		uri = first
	}
	t := target{host: strings.Trim(uri.Host, "[]"), port: uri.Port, transport: d.e.hop.transport}
	if t.host == d.e.hop.host && t.port == d.e.hop.port {
		return d.flow.to, nil
	}
	ctx, cancel := context.WithTimeout(ctx, d.e.cfg.timeout())
	defer cancel()
	all, err := t.resolve(ctx, net.DefaultResolver)
	if err != nil {
		return netip.AddrPort{}, errRoute
	}
	return all[0], nil
}

// routeURI reads "<sip:10.0.0.1;lr>", with a name before it or parameters after.
func routeURI(route string) (sip.Uri, error) {
	_, rest, open := strings.Cut(route, "<")
	inner, _, closed := strings.Cut(rest, ">")
	if !open || !closed {
		inner, _, _ = strings.Cut(route, ";")
	}
	var uri sip.Uri
	if err := sip.ParseUri(strings.TrimSpace(inner), &uri); err != nil {
		return uri, err
	}
	if uri.Scheme != "sip" && uri.Scheme != "sips" || uri.Host == "" {
		return uri, errRoute
	}
	return uri, nil
}

// request makes a request of the dialog (RFC 3261, section 12.2.1.1).
func (d *dialog) request(method sip.RequestMethod, seq uint32) *sip.Request {
	uri, routes := d.target, d.routes
	if len(routes) > 0 {
		first, err := routeURI(routes[0])
		if err == nil && !first.UriParams.Has("lr") {
			// A strict router takes its own address as the Request-URI.
			uri, routes = first, append(slices.Clone(routes[1:]), "<"+d.target.String()+">")
		}
	}
	req := d.e.numbered(d.flow, d.leg, method, *uri.Clone(), seq, newBranch())
	for _, r := range routes {
		req.AppendHeader(sip.NewHeader("Route", r))
	}
	return req
}

// confirm sends the ACK, again for each time that the 2xx comes again.
func (d *dialog) confirm() error { return d.e.write(d.ack.Clone()) }

// bye ends the call.
func (d *dialog) bye(ctx context.Context) {
	_, _ = d.e.do(ctx, d.proof, func() *sip.Request {
		d.leg.seq++
		return d.request(sip.BYE, d.leg.seq)
	})
}
