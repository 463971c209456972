package sip

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/emiago/sipgo/sip"

	"github.com/portvakt/portvakt/factors/voice"
)

// An invitation is a call that is not answered yet.
type invitation struct {
	p     *Provider
	e     *endpoint
	flow  flow
	leg   *leg
	proof *proof
	to    sip.Uri
	offer []byte
	call  *call

	req   *sip.Request // the last INVITE
	early []byte       // the SDP of a 183, for exchanges that leave it out of the 200
	once  sync.Once    // one late CANCEL
}

var errSilent = errors.New("the exchange does not answer")

// settle is how long Call waits for a cancelled or ended call to be over; what
// takes longer goes on behind it.
const settle = time.Second

// ring sends the INVITE and waits until somebody answers. limit ends the
// ringing.
func (inv *invitation) ring(ctx context.Context, limit <-chan time.Time) (*dialog, []byte, error) {
	round := inv.proof.round()
	for {
		if err := inv.build(); err != nil {
			return nil, nil, &voice.Failure{Why: voice.WhyUnavailable, Rang: inv.call.rang.Load(), Err: err}
		}
		tx, err := inv.e.send(ctx, inv.req)
		if err != nil {
			return nil, nil, &voice.Failure{Why: stoppedOr(ctx, voice.WhyUnavailable), Rang: inv.call.rang.Load(), Err: err}
		}
		res, err := inv.await(ctx, tx, limit)
		if err != nil {
			return nil, nil, err
		}
		switch {
		case res.IsSuccess():
			return inv.answered(ctx, tx, res)
		case challenge(res):
			inv.call.trying.Store(false)
			if err := round.challenged(res); err != nil {
				return nil, nil, &voice.Failure{Why: voice.WhyRefused, Rang: inv.call.rang.Load(), Err: err}
			}
		default:
			return nil, nil, failure(res.StatusCode, inv.call.rang.Load())
		}
	}
}

// stoppedOr tells an end of ctx from what it may have caused.
func stoppedOr(ctx context.Context, why voice.Why) voice.Why {
	if ctx.Err() != nil {
		return voice.WhyStopped
	}
	return why
}

func (inv *invitation) build() error {
	req := inv.e.request(inv.flow, inv.leg, sip.INVITE, inv.to)
	req.AppendHeader(inv.e.contact(inv.flow))
	req.AppendHeader(sip.NewHeader("Allow", allowed))
	inv.e.preload(req)
	req.AppendHeader(sip.NewHeader("Content-Type", "application/sdp"))
	req.SetBody(inv.offer)
	inv.req = req
	return inv.proof.prove(req)
}

// await returns the final answer. There may be any number of provisional ones,
// and none of them prolongs anything.
func (inv *invitation) await(ctx context.Context, tx sip.ClientTransaction, limit <-chan time.Time) (*sip.Response, error) {
	silence := time.NewTimer(inv.e.cfg.timeout())
	defer silence.Stop()
	heard := false
	for {
		select {
		case res := <-tx.Responses():
			heard = true
			silence.Stop()
			inv.heard(res)
			if !res.IsProvisional() {
				return res, nil
			}
		case <-tx.Done():
			return nil, &voice.Failure{Why: voice.WhyUnavailable, Rang: inv.call.mayHaveRung(), Err: errLost}
		case <-silence.C:
			inv.abandon(tx)
			return nil, &voice.Failure{Why: voice.WhyUnavailable, Rang: inv.call.mayHaveRung(), Err: errSilent}
		case <-limit:
			inv.withdraw(tx, heard) //nolint:contextcheck // it goes on behind the call
			return nil, &voice.Failure{Why: voice.WhyNoAnswer, Rang: true}
		case <-ctx.Done():
			inv.withdraw(tx, heard) //nolint:contextcheck // it goes on behind the call
			return nil, &voice.Failure{Why: voice.WhyStopped, Rang: true, Err: context.Cause(ctx)}
		}
	}
}

func (inv *invitation) heard(res *sip.Response) {
	inv.call.status.Store(int32(res.StatusCode)) //nolint:gosec // three digits
	if body := res.Body(); res.IsProvisional() && len(body) > 0 {
		inv.early = body
	}
}

// answered makes the dialog and confirms it at once, whatever comes then: a
// call without an ACK stays open at the exchange.
func (inv *invitation) answered(ctx context.Context, tx sip.ClientTransaction, res *sip.Response) (*dialog, []byte, error) {
	d, err := inv.accept(ctx, tx, res)
	if err != nil {
		d.shut()
		return nil, nil, &voice.Failure{Why: voice.WhyUnavailable, Rang: true, Err: err}
	}
	sdp := res.Body()
	if len(sdp) == 0 {
		sdp = inv.early
	}
	return d, sdp, nil
}

func (inv *invitation) accept(ctx context.Context, tx sip.ClientTransaction, res *sip.Response) (*dialog, error) {
	d := inv.newDialog(context.WithoutCancel(ctx), res) // it is bounded, and must be made to be ended
	inv.call.answered(d.leg.peer)
	tx.OnRetransmission(func(again *sip.Response) { //nolint:contextcheck // it goes on behind the call
		if again.To() != nil && tagOf(again.To().Params) != d.leg.peer {
			// A second telephone has answered, of those that a proxy rang.
			inv.p.later(func() { inv.hangUp(again) })
			return
		}
		_ = d.confirm()
	})
	return d, d.confirm()
}

// hangUp ends a call that somebody has answered and nobody wants any more.
func (inv *invitation) hangUp(res *sip.Response) {
	ctx, cancel := context.WithTimeout(inv.p.hard, settled)
	defer cancel()
	d := inv.newDialog(ctx, res)
	defer d.shut()
	if d.confirm() == nil {
		d.bye(ctx)
	}
}

// abandon gives up an INVITE that nothing was heard of. It must not be sent
// again: an exchange that comes back would ring. What is heard later is
// answered by [registry.late].
func (inv *invitation) abandon(tx sip.ClientTransaction) {
	tx.Terminate()
	inv.p.drop(inv.flow.to)
	inv.e.calls.remember(inv)
}

// withdraw ends the ringing. An INVITE that nothing was heard of cannot be
// cancelled (RFC 3261, section 9.1).
func (inv *invitation) withdraw(tx sip.ClientTransaction, heard bool) {
	if !heard {
		timer := time.NewTimer(settle)
		defer timer.Stop()
		select {
		case res := <-tx.Responses():
			if !res.IsProvisional() {
				if res.IsSuccess() {
					inv.hangUp(res)
				}
				return
			}
		case <-tx.Done():
			return
		case <-timer.C:
			inv.abandon(tx)
			return
		}
	}
	done := make(chan struct{})
	inv.p.later(func() {
		defer close(done)
		inv.cancel(tx)
	})
	wait(done, settle)
}

// wait waits, not for ever.
func wait(done <-chan struct{}, most time.Duration) {
	timer := time.NewTimer(most)
	defer timer.Stop()
	select {
	case <-done:
	case <-timer.C:
	}
}

// cancel sends the CANCEL and waits until the INVITE is over. An answer that
// crosses it is hung up.
func (inv *invitation) cancel(tx sip.ClientTransaction) {
	ctx, cancel := context.WithTimeout(inv.p.hard, settled)
	defer cancel()
	own, err := inv.e.send(ctx, inv.cancelRequest())
	var answers <-chan *sip.Response
	if err == nil {
		defer own.Terminate()
		answers = own.Responses()
	}
	for {
		select {
		case <-answers: // the INVITE's own answer counts
		case res := <-tx.Responses():
			switch {
			case res.IsProvisional():
			case res.IsSuccess():
				tx.OnRetransmission(func(*sip.Response) {})
				inv.hangUp(res)
				return
			default:
				return
			}
		case <-tx.Done():
			return
		case <-ctx.Done():
			tx.Terminate()
			return
		}
	}
}

// cancelRequest makes the CANCEL, which goes exactly where the INVITE went
// (RFC 3261, section 9.1).
func (inv *invitation) cancelRequest() *sip.Request { return inv.sibling(sip.CANCEL) }

// sibling makes a request of the INVITE's own transaction.
func (inv *invitation) sibling(method sip.RequestMethod) *sip.Request {
	branch, _ := inv.req.Via().Params.Get("branch")
	req := inv.e.numbered(inv.flow, inv.leg, method, *inv.req.Recipient.Clone(), inv.req.CSeq().SeqNo, branch)
	inv.e.preload(req)
	return req
}

// cancelLate cancels an INVITE that was given up and is heard of now.
func (inv *invitation) cancelLate() {
	inv.once.Do(func() {
		ctx, cancel := context.WithTimeout(inv.p.hard, settled)
		defer cancel()
		_, _ = inv.e.once(ctx, inv.cancelRequest())
	})
}
