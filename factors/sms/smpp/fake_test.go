package smpp

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/portvakt/portvakt/conf/secret"
	"github.com/portvakt/portvakt/login/logintest"
)

// What must never be in a log or an error.
const (
	markUser     = "mark-user"
	markPassword = "mark-password"
	markNumber   = "4741234567"
	markText     = "123456 is your mark-text"
)

// A script is a made-up SMSC: it answers as the test says. It speaks through
// this package's own codec; peer_test.go has real ones.
type script struct {
	t testing.TB
	// bind is the status of each answer to a bind in turn, then OK.
	bind []Status
	// answer is called with whatever else comes.
	answer func(*conversation, pdu)

	mu     sync.Mutex
	got    []pdu
	binds  int
	closed int
	now    []net.Conn
	talk   *conversation // the latest
}

// A conversation is one connection of a script. What is said is written by
// somebody else, so that it goes on reading, as the buffers of TCP would let it.
type conversation struct {
	*script
	out chan []byte // nil hangs up
}

func (c *conversation) say(p pdu) { c.write(p.octets()) }

func (c *conversation) write(b []byte) { c.out <- b }

func (c *conversation) hangUp() { c.out <- nil }

func (c *conversation) reply(to pdu, status Status, body string) {
	c.say(pdu{command: to.command.answer(), status: status, sequence: to.sequence, body: []byte(body)})
}

// accepts answers each submit_sm with the id "id-" and its number.
func accepts(c *conversation, p pdu) {
	switch p.command {
	case submitSM:
		c.reply(p, statusOK, fmt.Sprintf("id-%d\x00", c.count(submitSM)))
	case enquireLink, unbind:
		c.reply(p, statusOK, "")
	default:
	}
}

func (s *script) count(c command) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, p := range s.got {
		if p.command == c {
			n++
		}
	}
	return n
}

// bound counts the binds.
func (s *script) bound() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.binds
}

// left counts the connections that have ended.
func (s *script) left() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closed
}

func (s *script) all(c command) []pdu {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []pdu
	for _, p := range s.got {
		if p.command == c {
			all = append(all, p)
		}
	}
	return all
}

// serve talks on one connection until it ends.
func (s *script) serve(conn net.Conn) {
	defer conn.Close()
	c := &conversation{s, make(chan []byte, 64)}
	var writing sync.WaitGroup
	defer writing.Wait()
	defer close(c.out)
	writing.Go(func() {
		for b := range c.out {
			if b == nil {
				conn.Close()
			} else {
				_, _ = conn.Write(b)
			}
		}
	})
	s.mu.Lock()
	s.now, s.talk = append(s.now, conn), c
	s.mu.Unlock()
	for {
		p, err := readPDU(conn)
		if err != nil {
			s.mu.Lock()
			s.closed++
			s.mu.Unlock()
			return
		}
		s.mu.Lock()
		s.got = append(s.got, p)
		s.mu.Unlock()
		if p.command != bindTransceiver && p.command != bindTransmitter && p.command != bindReceiver {
			s.answer(c, p)
			continue
		}
		status := statusOK
		s.mu.Lock()
		if s.binds < len(s.bind) {
			status = s.bind[s.binds]
		}
		s.binds++
		s.mu.Unlock()
		c.reply(p, status, "SMSC\x00")
	}
}

// drop closes all connections that there are.
func (s *script) drop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.now {
		c.Close()
	}
	s.now = nil
}

func assertLeaksNothing(t testing.TB, what string) {
	t.Helper()
	for _, mark := range []string{markUser, markPassword, markNumber, "123456", "mark-text"} {
		if bytes.Contains([]byte(what), []byte(mark)) {
			t.Errorf("%q leaks in %q", mark, what)
		}
	}
}

func options() Options {
	return Options{Name: "carrier", User: markUser, Password: secret.New(markPassword), Sender: "UiT", Timeout: 2 * time.Second}
}

// piped is a client of a script over pipes in memory, so that a test in a
// bubble decides what the time is.
func piped(t testing.TB, s *script, change ...func(*Client)) (*Client, *logintest.Log) {
	t.Helper()
	s.t = t
	log := new(logintest.Log)
	c, err := New(Config{Address: "smsc.example.org:2775"}, options(), log.Logger(), nil)
	if err != nil {
		t.Fatal(err)
	}
	var serving sync.WaitGroup
	c.dial = func(context.Context) (net.Conn, error) {
		ours, theirs := net.Pipe()
		serving.Go(func() { s.serve(theirs) })
		return ours, nil
	}
	for _, f := range change {
		f(c)
	}
	t.Cleanup(func() {
		_ = c.Close()
		s.drop()
		serving.Wait()
		assertLeaksNothing(t, log.String())
	})
	return c, log
}

// send sends the marked text with the time that a provider has by default.
func send(t testing.TB, c *Client) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	id, err := c.Send(ctx, Message{To: International(markNumber), Text: markText})
	if err != nil {
		assertLeaksNothing(t, err.Error())
	}
	return id, err
}

// outcome words what Send says.
func outcome(id string, err error) string {
	var not *NotSent
	switch {
	case err == nil:
		return "sent as " + id
	case errors.As(err, &not) && not.Down:
		return "not sent, down: " + not.Reason
	case errors.As(err, &not):
		return "not sent: " + not.Reason
	default:
		return "unknown: " + err.Error()
	}
}
