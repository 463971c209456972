package relay

import (
	"bytes"
	"sync"
	"sync/atomic"
	"time"
)

// tally counts what the relay did.
type tally struct {
	requests, replies, dropped, duplicated, reordered, differing atomic.Int64
}

// A lane is one direction of one client.
type lane struct {
	done   <-chan struct{} // closed with the relay
	wg     *sync.WaitGroup
	script *script
	tally  *tally
	send   func([]byte)

	mu   sync.Mutex
	held []byte // waits to be overtaken
}

// pass lets the script have its way with a datagram. Only one goroutine calls
// it, so the fates are dealt in order of arrival.
func (l *lane) pass(datagram []byte, lose bool) {
	fate := l.script.next()
	if lose || fate.drop {
		l.tally.dropped.Add(1)
		return
	}
	if fate.reorder && l.hold(datagram) {
		return
	}
	copies := 1
	if fate.duplicate {
		l.tally.duplicated.Add(1)
		copies = 2
	}
	for range copies {
		l.later(fate.delay, func() { l.send(datagram) })
	}
	l.release()
}

// hold keeps a datagram back until the next one has passed, and reports false
// when one is being held already or there is nothing to hold.
func (l *lane) hold(datagram []byte) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.held != nil || len(datagram) == 0 {
		return false
	}
	l.held = datagram
	l.tally.reordered.Add(1)
	l.wg.Go(func() {
		if !l.wait(HoldBack) {
			return
		}
		l.mu.Lock()
		late := l.held != nil && &l.held[0] == &datagram[0]
		if late {
			l.held = nil
		}
		l.mu.Unlock()
		if late {
			l.send(datagram)
		}
	})
	return true
}

// release sends what was held back.
func (l *lane) release() {
	l.mu.Lock()
	held := l.held
	l.held = nil
	l.mu.Unlock()
	if held != nil {
		l.send(held)
	}
}

func (l *lane) later(delay time.Duration, do func()) {
	if delay == 0 {
		do()
		return
	}
	l.wg.Go(func() {
		if l.wait(delay) {
			do()
		}
	})
}

// wait reports false when the relay was closed meanwhile.
func (l *lane) wait(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-l.done:
		return false
	}
}

// A memory knows the requests of one client by their identifier, as far as a
// client has any outstanding: at most 256 (RFC 2865, section 3).
type memory struct {
	mu sync.Mutex
	of [256]exchange
}

// An exchange is one request and what was seen of its reply.
type exchange struct {
	authenticator [16]byte
	reply         []byte // the first one
	seen          bool
}

// request reports whether a request is a new one and not a retransmission.
func (m *memory) request(datagram []byte) (fresh bool) {
	if len(datagram) < headerLen {
		return true
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	e := &m.of[datagram[1]]
	authenticator := [16]byte(datagram[4:headerLen])
	if e.seen && e.authenticator == authenticator {
		return false
	}
	*e = exchange{authenticator: authenticator, seen: true}
	return true
}

// reply reports whether a reply is the first one to its request, and whether it
// differs from that first one.
func (m *memory) reply(datagram []byte) (first, differs bool) {
	if len(datagram) < headerLen {
		return true, false
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	e := &m.of[datagram[1]]
	if e.reply == nil {
		e.reply = datagram
		return true, false
	}
	return false, !bytes.Equal(e.reply, datagram)
}

// headerLen is the length of a RADIUS packet without attributes (RFC 2865,
// section 3).
const headerLen = 20
