package siptest

import (
	"crypto/rand"
	"errors"
	"net/netip"
	"sync"
	"time"

	"github.com/emiago/sipgo"
	"github.com/emiago/sipgo/sip"

	"github.com/portvakt/portvakt/factors/voice/media"
)

// Bounds of a call.
const (
	longestRing = 2 * time.Minute
	longestCall = 5 * time.Minute
	// How often and how long an answer is sent that nobody confirms (RFC 3261,
	// section 13.3.1.4).
	firstAgain = 500 * time.Millisecond
	againMost  = 4 * time.Second
	unheard    = 32 * time.Second
	// goodbye is how long the answer to a BYE is waited for.
	goodbye = 2 * time.Second
)

// A call is the one that a telephone has.
type call struct {
	t     *Telephone
	req   *sip.Request // the INVITE
	tag   string       // ours
	sound *media.Session
	tape  tape

	answer, hang, leave, confirm sync.Once
	picked                       chan struct{} // closed by Answer
	down                         chan struct{} // closed by HangUp
	gone                         chan struct{} // closed when the far side has ended it
	acked                        chan struct{} // closed when the far side knows that it was answered
	talking                      chan struct{} // closed when keys may be pressed
	cleared                      chan struct{} // closed when the telephone is free again
	over                         chan struct{} // closed when nothing is to be done any more
}

func (t *Telephone) answerRequests(s *sipgo.Server) {
	s.OnOptions(func(req *sip.Request, tx sip.ServerTransaction) { reply(req, tx, sip.StatusOK, "OK") })
	s.OnInvite(t.invited)
	s.OnAck(func(req *sip.Request, _ sip.ServerTransaction) {
		if c := t.find(req); c != nil {
			c.confirm.Do(func() { close(c.acked) })
		}
	})
	s.OnBye(func(req *sip.Request, tx sip.ServerTransaction) {
		c := t.find(req)
		if c == nil {
			reply(req, tx, sip.StatusCallTransactionDoesNotExists, "Call/Transaction Does Not Exist")
			return
		}
		c.left()
		reply(req, tx, sip.StatusOK, "OK")
	})
	s.OnCancel(func(req *sip.Request, tx sip.ServerTransaction) {
		reply(req, tx, sip.StatusCallTransactionDoesNotExists, "Call/Transaction Does Not Exist")
	})
	s.OnNoRoute(func(req *sip.Request, tx sip.ServerTransaction) {
		reply(req, tx, sip.StatusMethodNotAllowed, "Method Not Allowed")
	})
}

func reply(req *sip.Request, tx sip.ServerTransaction, status int, reason string) {
	_ = tx.Respond(sip.NewResponseFromRequest(req, status, reason, nil))
}

// invited is a call from its beginning to its end; sipgo runs it in a goroutine
// of its own, and keeps the transaction for as long.
func (t *Telephone) invited(req *sip.Request, tx sip.ServerTransaction) {
	c := &call{
		t: t, req: req, tag: rand.Text(),
		picked: make(chan struct{}), down: make(chan struct{}), gone: make(chan struct{}),
		acked: make(chan struct{}), talking: make(chan struct{}), over: make(chan struct{}), cleared: make(chan struct{}),
	}
	c.tape.tell = func(sound time.Duration, level float64) { t.tell(Event{Kind: Heard, Sound: sound, Level: level}) }
	if req.CallID() == nil || req.From() == nil || req.To() == nil || req.Contact() == nil || !t.begin(c) {
		c.refuse(tx, sip.StatusBusyHere, "Busy Here")
		return
	}
	defer t.end()
	defer c.clear()
	// It may have been cancelled before anybody listens for that.
	if !tx.OnCancel(func(*sip.Request) { c.left() }) {
		return
	}
	var err error
	if c.sound, err = media.Open(media.Config{Local: netip.MustParseAddr("127.0.0.1"), Hear: c.tape.take}); err != nil {
		c.refuse(tx, sip.StatusInternalServerError, "Server Internal Error")
		return
	}
	if err := c.sound.Answer(req.Body()); err != nil {
		c.refuse(tx, sip.StatusNotAcceptableHere, "Not Acceptable Here")
		return
	}
	t.tell(Event{Kind: Ringing, Caller: req.From().Address.User})
	err = c.ring(tx)
	if err == nil {
		err = c.talk(tx)
	}
	t.tell(Event{Kind: Over, Ours: !errors.Is(err, errGone)})
}

var (
	errGone = errors.New("the caller has hung up")
	errOurs = errors.New("hung up here")
)

func (c *call) clear() {
	close(c.over)
	if c.sound != nil {
		_ = c.sound.Close()
	}
}

func (c *call) isGone() bool {
	select {
	case <-c.gone:
		return true
	default:
		return false
	}
}

// ending reports whether nobody talks any more.
func (c *call) ending() bool {
	select {
	case <-c.down:
		return true
	default:
		return c.isGone()
	}
}

func (c *call) left() { c.leave.Do(func() { close(c.gone) }) }

// ring rings until it is answered.
func (c *call) ring(tx sip.ServerTransaction) error {
	if err := tx.Respond(c.response(sip.StatusRinging, "Ringing", nil)); err != nil {
		return err
	}
	limit := time.NewTimer(longestRing)
	defer limit.Stop()
	select {
	case <-c.picked:
		return nil
	case <-c.gone:
		return errGone
	case <-c.down:
		c.refuse(tx, sip.StatusBusyHere, "Busy Here")
	case <-limit.C:
		c.refuse(tx, sip.StatusTemporarilyUnavailable, "Temporarily Unavailable")
	case <-c.t.closing:
		c.refuse(tx, sip.StatusTemporarilyUnavailable, "Temporarily Unavailable")
	}
	return errOurs
}

// talk answers, and hears what is said until somebody hangs up.
func (c *call) talk(tx sip.ServerTransaction) error {
	if err := c.answered(tx); err != nil {
		return err
	}
	c.sound.Start()
	close(c.talking)
	c.t.tell(Event{Kind: Answered})
	limit := time.NewTimer(longestCall)
	defer limit.Stop()
	select {
	case <-c.gone:
		return errGone
	case <-c.down:
	case <-limit.C:
	case <-c.t.closing:
	}
	if c.isGone() {
		return errGone
	}
	c.bye()
	return errOurs
}

// answered sends the answer until the far side has it: the transaction does not
// repeat it (RFC 3261, section 13.3.1.4).
func (c *call) answered(tx sip.ServerTransaction) error {
	res := c.response(sip.StatusOK, "OK", c.sound.Offer())
	res.AppendHeader(sip.NewHeader("Content-Type", "application/sdp"))
	wait := firstAgain
	again := time.NewTimer(wait)
	defer again.Stop()
	limit := time.NewTimer(unheard)
	defer limit.Stop()
	for {
		if err := tx.Respond(res); err != nil {
			return err
		}
		select {
		case <-c.acked:
			return nil
		case <-c.gone:
			return errGone
		case <-c.t.closing:
			return errOurs
		case <-limit.C:
			c.bye()
			return errOurs
		case <-again.C:
			wait = min(2*wait, againMost)
			again.Reset(wait)
		}
	}
}

// refuse answers with a no, and waits until the far side has it.
func (c *call) refuse(tx sip.ServerTransaction, status int, reason string) {
	if tx.Respond(c.response(status, reason, nil)) != nil {
		return
	}
	limit := time.NewTimer(goodbye)
	defer limit.Stop()
	select {
	case <-tx.Acks():
	case <-tx.Done():
	case <-limit.C:
	}
}
