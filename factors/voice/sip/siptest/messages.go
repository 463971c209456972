package siptest

import (
	"context"
	"crypto/rand"

	"github.com/emiago/sipgo"
	"github.com/emiago/sipgo/sip"
)

// response is one of the call, with our tag when the request has none yet.
func (c *call) response(status int, reason string, body []byte) *sip.Response {
	res := sip.NewResponseFromRequest(c.req, status, reason, body)
	if to := res.To(); to != nil && !c.req.To().Params.Has("tag") {
		to.Params = sip.HeaderParams{{K: "tag", V: c.tag}} // NewResponseFromRequest adds one of its own
	}
	res.AppendHeader(&sip.ContactHeader{Address: c.t.uri()})
	return res
}

func (t *Telephone) uri() sip.Uri {
	return sip.Uri{Scheme: "sip", User: "telephone", Host: t.at.IP.String(), Port: t.at.Port}
}

// bye tells the far side that the call is over (RFC 3261, section 15.1.1), at
// the address that it called from.
func (c *call) bye() {
	ctx, cancel := context.WithTimeout(context.Background(), goodbye)
	defer cancel()
	tx, err := c.t.client.TransactionRequest(ctx, c.byeRequest(), func(*sipgo.Client, *sip.Request) error { return nil })
	if err != nil {
		return
	}
	defer tx.Terminate()
	for {
		select {
		case res := <-tx.Responses():
			if !res.IsProvisional() {
				return
			}
		case <-c.gone: // both at once
			return
		case <-tx.Done():
			return
		case <-ctx.Done():
			return
		}
	}
}

func (c *call) byeRequest() *sip.Request {
	t := c.t
	req := sip.NewRequest(sip.BYE, c.req.Contact().Address)
	from, to := c.req.To().AsFrom(), c.req.From().AsTo()
	from.Params = sip.HeaderParams{{K: "tag", V: c.tag}}
	id, hops := *c.req.CallID(), sip.MaxForwardsHeader(70) // RFC 3261, section 8.1.1.6
	for _, h := range []sip.Header{
		&sip.ViaHeader{
			ProtocolName: "SIP", ProtocolVersion: "2.0", Transport: "UDP", Host: t.at.IP.String(), Port: t.at.Port,
			Params: sip.HeaderParams{{K: "branch", V: sip.RFC3261BranchMagicCookie + rand.Text()}},
		},
		&hops, &from, &to, &id, &sip.CSeqHeader{SeqNo: 1, MethodName: sip.BYE},
	} {
		req.AppendHeader(h)
	}
	req.SetBody(nil)
	req.SetTransport("UDP")
	req.SetDestination(c.req.Source())
	req.Laddr = sip.Addr{IP: t.at.IP, Port: t.at.Port}
	return req
}
