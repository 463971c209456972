package sip

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/emiago/sipgo/sip"
)

// A call is what the exchange may act on: a call that we placed.
type call struct {
	callID, tag string
	status      atomic.Int32 // the last answer to the INVITE
	trying      atomic.Bool  // the exchange has the INVITE
	rang        atomic.Bool  // a telephone may ring
	gone        chan struct{}
	keys        chan byte // of INFO

	mu   sync.Mutex
	peer string // the far side's tag, once it has answered
	seq  int64  // its last sequence number; -1 before the first
	over bool
}

// keysAtOnce bounds the keys that were not looked at yet.
const keysAtOnce = 32

func newCall(l *leg) *call {
	return &call{callID: l.callID, tag: l.tag, seq: -1, gone: make(chan struct{}), keys: make(chan byte, keysAtOnce)}
}

func (c *call) answered(peer string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.peer = peer
}

// hungUp marks that the far side has ended it.
func (c *call) hungUp() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.over {
		c.over = true
		close(c.gone)
	}
}

// inOrder reports whether a request is newer than the last one (RFC 3261,
// section 12.2.2), and remembers it.
func (c *call) inOrder(seq uint32) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if int64(seq) <= c.seq {
		return false
	}
	c.seq = int64(seq)
	return true
}

// mayHaveRung reports whether the exchange may have rung a telephone.
func (c *call) mayHaveRung() bool { return c.trying.Load() || c.rang.Load() }

// A registry has the calls of an endpoint by their Call-ID, and the INVITEs
// that were given up unheard.
type registry struct {
	mu    sync.Mutex
	calls map[string]*call
	given map[string]*invitation
	timer map[string]*time.Timer
}

func (r *registry) add(c *call) (remove func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.calls == nil {
		r.calls = make(map[string]*call)
	}
	r.calls[c.callID] = c
	return func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		delete(r.calls, c.callID)
	}
}

// observe sees every message in the order of arrival, which the transactions of
// sipgo do not: a final answer right behind a 180 may overtake it there, and the
// telephone that rings would not be known of.
func (r *registry) observe(msg sip.Message) {
	res, ok := msg.(*sip.Response)
	if !ok || res.CallID() == nil || res.CSeq() == nil || res.CSeq().MethodName != sip.INVITE {
		return
	}
	r.mu.Lock()
	c := r.calls[res.CallID().Value()]
	r.mu.Unlock()
	switch {
	case c == nil:
	case res.StatusCode == sip.StatusTrying:
		c.trying.Store(true)
	case res.IsProvisional():
		c.rang.Store(true)
	}
}

// find returns the call that a request belongs to: all of Call-ID and both tags
// must be its own. Before the answer there is no tag of the far side yet.
func (r *registry) find(req *sip.Request) *call {
	if req.CallID() == nil || req.To() == nil || req.From() == nil || req.CSeq() == nil {
		return nil
	}
	r.mu.Lock()
	c := r.calls[req.CallID().Value()]
	r.mu.Unlock()
	if c == nil || tagOf(req.To().Params) != c.tag {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.peer == "" || tagOf(req.From().Params) != c.peer {
		return nil
	}
	return c
}

// remember keeps an INVITE that was given up unheard for as long as it may still
// be answered.
func (r *registry) remember(inv *invitation) {
	id := inv.leg.callID
	shut := inv.e.door.open(inv.flow.to.Addr())
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.given == nil {
		r.given, r.timer = make(map[string]*invitation), make(map[string]*time.Timer)
	}
	r.given[id] = inv
	r.timer[id] = time.AfterFunc(settled, func() {
		defer shut()
		r.mu.Lock()
		defer r.mu.Unlock()
		delete(r.given, id)
		delete(r.timer, id)
	})
}

// forget drops what was remembered.
func (r *registry) forget() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, t := range r.timer {
		t.Stop()
	}
	clear(r.given)
	clear(r.timer)
}

// late answers what comes for an INVITE that was given up: its telephone falls
// silent as soon as we hear of it.
func (r *registry) late(res *sip.Response) {
	if res.CallID() == nil || res.CSeq() == nil || res.CSeq().MethodName != sip.INVITE || res.To() == nil {
		return
	}
	r.mu.Lock()
	inv := r.given[res.CallID().Value()]
	r.mu.Unlock()
	if inv == nil || inv.req.CSeq().SeqNo != res.CSeq().SeqNo {
		return
	}
	switch {
	case res.IsProvisional():
		inv.p.later(inv.cancelLate)
	case res.IsSuccess():
		inv.p.later(func() { inv.hangUp(res) })
	default:
		ack := inv.sibling(sip.ACK)
		ack.To().Params.Add("tag", tagOf(res.To().Params))
		_ = inv.e.write(ack)
	}
}
