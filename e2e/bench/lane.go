package main

import (
	"bytes"
	"errors"
	"net"
	"os"
	"time"
)

const (
	retryAfter = 3 * time.Second        // as NASes do
	maxTries   = 3                      // of a request, the first included
	lookEvery  = 50 * time.Millisecond  // between looks for what must be sent again
	linger     = 200 * time.Millisecond // for second replies, at the end
)

// An attempt is one login under way.
type attempt struct {
	person int
	begun  time.Time // when it was due
	taken  int64     // the step it was begun in
	step   int64     // the step of the code sent; 0 before
	sent   time.Time // the code
}

// boundary is whether the step of the code was young or over while it was under
// way: a server whose clock lags by a tick takes the first for a code of the
// future, and one that looks at the present step alone refuses the second.
func (a *attempt) boundary(now time.Time) bool {
	const lag = 20 * time.Millisecond
	return stepAt(now) != a.step || stepAt(a.sent.Add(-lag)) != a.step
}

// A slot is one identifier of a lane: a request under way, and what is known of
// the one before, whose reply may come a second time.
type slot struct {
	of    *attempt // nil when the identifier is free
	auth  nonce
	sent  time.Time
	tries int
	bytes []byte

	past      nonce
	answered  bool   // the request before got a reply
	gone      bool   // it was given up
	lastReply []byte // the reply it got
}

// A lane is one source port. RADIUS tells requests of a port apart by 8 bits.
// One goroutine owns all of it.
type lane struct {
	load *load
	conn *net.UDPConn
	wire *wire

	slots  [256]slot
	next   byte
	idle   []*attempt
	busy   int
	looked time.Time
	due    time.Time     // when the next login may begin; only with a rate
	every  time.Duration // between beginnings; 0 without a rate
	until  time.Time     // the end of lingering
	wake   time.Time     // the read deadline in force
	tally  tally
}

// A tally counts how a lane's logins ended.
type tally struct {
	took     []time.Duration // those of the window that ended well
	requests int             // answered in the window
	lost     int
	boundary int // right codes refused at the beginning or end of their step, or used early
	repeated int // second replies, the same
	late     int // replies to what was given up
	wrong    map[string]int
}

func (t *tally) bad(why string) {
	if t.wrong == nil {
		t.wrong = map[string]int{}
	}
	t.wrong[why]++
}

// run keeps the lane's share of logins under way until the load ends and its
// requests are answered or lost.
func (l *lane) run() {
	buf := make([]byte, maxPacket)
	for {
		now := time.Now()
		if l.load.phase.Load() < phaseDrain {
			l.fill(now)
		} else if l.busy == 0 {
			if l.until.IsZero() {
				l.until = now.Add(linger)
			} else if now.After(l.until) {
				return
			}
		}
		if now.Sub(l.looked) >= lookEvery {
			l.retransmit(now)
			l.looked = now
		}
		if wake := l.alarm(now); !wake.Equal(l.wake) {
			l.wake = wake
			_ = l.conn.SetReadDeadline(wake)
		}
		n, err := l.conn.Read(buf)
		switch {
		case err == nil:
			l.receive(buf[:n], time.Now())
		case errors.Is(err, net.ErrClosed):
			return
		case !errors.Is(err, os.ErrDeadlineExceeded):
			l.tally.bad("error of the socket: " + err.Error())
		}
	}
}

// alarm is when the lane must look up even if nothing arrives. It lies ahead by
// a little at least: a deadline that is over keeps what has arrived from being
// read.
func (l *lane) alarm(now time.Time) time.Time {
	const least = 200 * time.Microsecond
	wake := l.looked.Add(lookEvery)
	if l.every > 0 && len(l.idle) > 0 && l.due.Before(wake) && l.load.phase.Load() < phaseDrain {
		wake = l.due
	}
	if wake.Before(now.Add(least)) {
		return now.Add(least)
	}
	return wake
}

// fill begins logins until the lane's share is under way, or none is due.
func (l *lane) fill(now time.Time) {
	for len(l.idle) > 0 {
		begun := now
		if l.every > 0 {
			if now.Before(l.due) {
				return
			}
			// Counted from when it was due, so that a server that stalls
			// cannot hide it.
			begun = l.due
			l.due = l.due.Add(l.every)
		}
		a := l.idle[len(l.idle)-1]
		*a = attempt{begun: begun, taken: stepAt(now)}
		var ok bool
		if a.person, ok = l.load.people.take(a.taken); !ok {
			l.load.exhausted()
			return
		}
		l.idle = l.idle[:len(l.idle)-1]
		password := passwordOf(a.person)
		if l.load.mode == modeReject {
			password = "wrong-" + password
		}
		l.ask(a, password, nil, now)
	}
}

// ask sends an Access-Request under the identifier that was free for longest.
func (l *lane) ask(a *attempt, password string, state []byte, now time.Time) {
	for l.slots[l.next].of != nil {
		l.next++
	}
	s := &l.slots[l.next]
	s.of, s.sent, s.tries = a, now, 1
	s.bytes = l.wire.request(s.bytes[:0], l.next, &s.auth, nameOf(a.person), password, state)
	l.next++
	l.busy++
	l.send(s)
}

func (l *lane) send(s *slot) {
	for range l.load.copies {
		// A datagram the kernel has no room for is lost, as on a network.
		_, _ = l.conn.Write(s.bytes)
	}
}

// retransmit sends again what waited too long, the same octets, and gives up
// what was sent often enough.
func (l *lane) retransmit(now time.Time) {
	if l.busy == 0 {
		return
	}
	for i := range l.slots {
		s := &l.slots[i]
		if s.of == nil || now.Sub(s.sent) < l.load.retry {
			continue
		}
		if s.tries >= l.load.tries {
			l.tally.lost++
			l.idle = append(l.idle, l.release(s))
			s.gone, s.answered = true, false
			continue
		}
		s.tries++
		s.sent = now
		l.send(s)
	}
}

// release ends the request of a slot; its identifier is free again.
func (l *lane) release(s *slot) *attempt {
	a := s.of
	s.of, s.past = nil, s.auth
	l.busy--
	return a
}

// receive judges a datagram.
func (l *lane) receive(b []byte, now time.Time) {
	if len(b) < headerLen {
		l.tally.bad(errForm.Error())
		return
	}
	s := &l.slots[b[1]]
	if l.load.mode == modeEcho {
		if s.of != nil && bytes.Equal(b, s.bytes) {
			l.end(l.settle(s, b), now)
		}
		return
	}
	var err error
	if s.of != nil {
		var p packet
		if p, err = l.wire.check(b, &s.auth, l.load.signed); err == nil {
			l.advance(s, b, p, now)
			return
		}
	}
	if (s.answered || s.gone) && l.second(s, b) {
		return
	}
	if err == nil {
		err = errors.New("reply to nothing asked")
	}
	l.tally.bad(err.Error())
}

// second judges a reply to the request before, and returns false when it is
// none. A second reply that differs means that the server handled one request
// twice.
func (l *lane) second(s *slot, b []byte) bool {
	if _, err := l.wire.check(b, &s.past, l.load.signed); err != nil {
		return false
	}
	switch {
	case s.gone:
		l.tally.late++
		s.gone, s.answered = false, true
		s.lastReply = append(s.lastReply[:0], b...)
	case bytes.Equal(s.lastReply, b):
		l.tally.repeated++
	default:
		l.tally.bad("second reply that differs")
	}
	return true
}

// settle takes a reply as the answer to the request of a slot.
func (l *lane) settle(s *slot, b []byte) *attempt {
	s.answered, s.gone = true, false
	s.lastReply = append(s.lastReply[:0], b...)
	if l.load.phase.Load() == phaseMeasure {
		l.tally.requests++
	}
	return l.release(s)
}

// advance moves a login on by a good reply.
func (l *lane) advance(s *slot, b []byte, p packet, now time.Time) {
	a := l.settle(s, b)
	mode := l.load.mode
	switch {
	case mode.asks() && a.step == 0 && p.code == accessChallenge && p.state != nil:
		a.step, a.sent = stepAt(now), now
		if a.step != a.taken {
			l.load.people.spend(a.person, a.step)
		}
		l.ask(a, codeAt(secretOf(nameOf(a.person)), a.step), p.state, now)
		return
	case mode.asks() && a.step != 0 && p.code == accessAccept,
		mode == modeAccept && p.code == accessAccept,
		mode == modeReject && p.code == accessReject:
		l.end(a, now)
		return
	case mode.asks() && a.step != 0 && p.code == accessReject && a.boundary(now),
		mode.asks() && a.step != 0 && p.code != accessAccept && usedEarly(secretOf(nameOf(a.person)), a.step):
		l.tally.boundary++
	case mode.asks() && a.step == 0:
		l.tally.bad("password: unexpected " + codeName(p.code))
	case mode.asks():
		l.tally.bad("code: unexpected " + codeName(p.code))
	default:
		l.tally.bad("unexpected " + codeName(p.code))
	}
	l.idle = append(l.idle, a)
}

// end notes a login that ended well.
func (l *lane) end(a *attempt, now time.Time) {
	if l.load.phase.Load() == phaseMeasure {
		l.tally.took = append(l.tally.took, now.Sub(a.begun))
	}
	l.idle = append(l.idle, a)
}

func codeName(code byte) string {
	switch code {
	case accessAccept:
		return "Access-Accept"
	case accessReject:
		return "Access-Reject"
	case accessChallenge:
		return "Access-Challenge"
	}
	return "code of a packet"
}
