package smpp

import (
	"context"
	"errors"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestOutcomes(t *testing.T) {
	t.Parallel()
	says := func(status Status) func(*conversation, pdu) {
		return func(c *conversation, p pdu) {
			if p.command == submitSM {
				c.reply(p, status, "")
			}
		}
	}
	for _, row := range []struct {
		rule   string
		answer func(*conversation, pdu)
		want   string
	}{
		{"accepted", accepts, "sent as id-1"},
		{"accepted without an id", says(statusOK), "sent as "},
		{"accepted with an id that is none", func(c *conversation, p pdu) { c.reply(p, statusOK, "a\nb\x00") }, "sent as "},
		{"a bad number says nothing about the SMSC", says(statusBadTarget), "not sent: status 0xb"},
		{"a refused sender says something", says(statusBadSource), "not sent, down: status 0xa"},
		{"a broken SMSC", says(statusSystem), "not sent, down: status 0x8"},
		{"a carrier's own status", says(0x4ff), "not sent: status 0x4ff"},
		{"throttled", says(statusThrottled), "not sent, down: status 0x58"},
		{"its queue is full", says(statusQueueFull), "not sent, down: status 0x14"},
		{"not understood", func(c *conversation, p pdu) {
			c.say(pdu{command: genericNack, status: statusBadCommand, sequence: p.sequence})
		}, "not sent, down: status 0x3"},
		{"not understood, without a reason", func(c *conversation, p pdu) {
			c.say(pdu{command: genericNack, sequence: p.sequence})
		}, "not sent, down: generic_nack"},
		{"no answer", func(*conversation, pdu) {}, "unknown: no answer in time"},
		{"it dies between request and answer", func(c *conversation, _ pdu) { c.hangUp() }, "unknown: the connection broke"},
		{"it unbinds instead", func(c *conversation, _ pdu) { c.say(pdu{command: unbind, sequence: 9}) }, "unknown: the connection broke"},
		{"an answer to somebody else", func(c *conversation, p pdu) {
			c.say(pdu{command: submitSM.answer(), sequence: p.sequence + 77})
		}, "unknown: no answer in time"},
		{"an answer of another command", func(c *conversation, p pdu) {
			c.say(pdu{command: enquireLink.answer(), sequence: p.sequence})
		}, "unknown: the connection broke"},
		{"answered twice", func(c *conversation, p pdu) {
			c.reply(p, statusOK, "a\x00")
			c.reply(p, statusOK, "b\x00")
		}, "sent as a"},
		{"a length of 0", func(c *conversation, _ pdu) { c.write(make([]byte, headerSize)) }, "unknown: the connection broke"},
		{"a length of 2^31", func(c *conversation, _ pdu) {
			c.write(append([]byte{0x80}, make([]byte, headerSize-1)...))
		}, "unknown: the connection broke"},
		{"one pdu more than the most", func(c *conversation, _ pdu) {
			c.say(pdu{command: deliverSM, body: make([]byte, maxPDU)})
		}, "unknown: the connection broke"},
		{"a pdu that is cut off", func(c *conversation, p pdu) {
			c.write(pdu{command: submitSM.answer(), sequence: p.sequence, body: []byte("id\x00")}.octets()[:18])
			c.hangUp()
		}, "unknown: the connection broke"},
		{"other requests before the answer", func(c *conversation, p pdu) {
			c.say(pdu{command: outbind, sequence: 1})
			c.say(pdu{command: alertNotification, sequence: 2})
			accepts(c, p)
		}, "sent as id-1"},
	} {
		t.Run(row.rule, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				// The end of a test answers nothing more: Close takes its time.
				c, _ := piped(t, &script{answer: row.answer})
				if got := outcome(send(t, c)); !strings.HasPrefix(got, row.want) {
					t.Errorf("got %q, want %q", got, row.want)
				}
			})
		})
	}
}

func TestRequestsOfTheSMSCAreAnswered(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &script{answer: accepts}
		c, _ := piped(t, s)
		if _, err := send(t, c); err != nil {
			t.Fatal(err)
		}
		for _, row := range []struct {
			rule   string
			say    pdu
			answer command
			status Status
		}{
			{"enquire_link", pdu{command: enquireLink}, enquireLink.answer(), statusOK},
			{"data_sm is nobody's", pdu{command: dataSM, body: []byte("x")}, dataSM.answer(), statusRejected},
			{"a deliver_sm that is cut off", pdu{command: deliverSM, body: []byte("x")}, deliverSM.answer(), statusPermanent},
			{"a reply of a person", pdu{command: deliverSM, body: delivered(0, "STOP")}, deliverSM.answer(), statusOK},
			{"a command that is none", pdu{command: 0x7777}, genericNack, statusBadCommand},
			{"submit_sm, which is ours to say", pdu{command: submitSM}, genericNack, statusBadCommand},
		} {
			row.say.sequence = uint32(1000 + len(row.rule))
			s.mu.Lock()
			talk := s.talk
			s.mu.Unlock()
			talk.say(row.say)
			synctest.Wait()
			got := s.all(row.answer)
			if len(got) == 0 {
				t.Errorf("%s: no answer", row.rule)
			} else if last := got[len(got)-1]; last.sequence != row.say.sequence || last.status != row.status {
				t.Errorf("%s: got %v for %d, want %v for %d", row.rule, last.status, last.sequence, row.status, row.say.sequence)
			}
		}
	})
}

func TestWindowBoundsMessagesWithoutAnswer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const window, messages = 3, 8
		var held []pdu
		var talk *conversation
		var mu sync.Mutex
		s := &script{answer: func(c *conversation, p pdu) {
			if p.command == submitSM {
				mu.Lock()
				defer mu.Unlock()
				held, talk = append(held, p), c
			}
		}}
		c, _ := piped(t, s, func(c *Client) { c.cfg.Window = window })
		var sending sync.WaitGroup
		results := make(chan string, messages)
		for range messages {
			sending.Go(func() { results <- outcome(send(t, c)) })
		}
		for left := messages; left > 0; {
			synctest.Wait()
			mu.Lock()
			if want := min(window, left); len(held) != want {
				t.Errorf("%d are under way, want %d", len(held), want)
			}
			// In another order than they came: the sequence number tells.
			for _, p := range slices.Backward(held) {
				talk.reply(p, statusOK, "id\x00")
			}
			left -= len(held)
			held = nil
			mu.Unlock()
		}
		sending.Wait()
		for range messages {
			if got := <-results; got != "sent as id" {
				t.Error(got)
			}
		}
		for range window {
			sending.Go(func() { results <- outcome(send(t, c)) })
		}
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if got := outcome(c.Send(ctx, Message{To: International(markNumber), Text: markText})); !strings.HasPrefix(got, "not sent, down: the window is full") {
			t.Errorf("beyond the window: %s", got)
		}
		sending.Wait()
	})
}

func TestSilentSMSCIsLeft(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var mute atomic.Bool
		s := &script{answer: func(c *conversation, p pdu) {
			if !mute.Load() {
				accepts(c, p)
			}
		}}
		c, log := piped(t, s)
		if _, err := send(t, c); err != nil {
			t.Fatal(err)
		}
		time.Sleep(10*DefaultEnquireLink + time.Second)
		if got := s.count(enquireLink); got != 10 {
			t.Errorf("asked %d times in ten intervals, want 10", got)
		}
		if s.bound() != 1 {
			t.Errorf("bound %d times while it answered, want 1", s.bound())
		}
		mute.Store(true)
		time.Sleep(DefaultEnquireLink + options().Timeout + time.Second)
		if s.bound() != 2 || !strings.Contains(log.String(), errSilent.Error()) {
			t.Errorf("bound %d times after silence, want 2; the log: %s", s.bound(), log)
		}
		mute.Store(false)
	})
}

func TestConnectionThatTakesNothingIsLeft(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		stop := make(chan struct{})
		s := &script{answer: func(*conversation, pdu) { <-stop }}
		c, _ := piped(t, s)
		if got := outcome(send(t, c)); !strings.HasPrefix(got, "unknown: no answer") {
			t.Errorf("the one that was read: %s", got)
		}
		// The pipe holds nothing: the next request does not leave.
		if got := outcome(send(t, c)); !strings.HasPrefix(got, "not sent, down: ") {
			t.Errorf("the one that was not: %s", got)
		}
		close(stop)
	})
}

// A breaking is a connection that takes the beginning of what is written, and
// fails.
type breaking struct {
	net.Conn
	takes int
}

func (b breaking) Write(p []byte) (int, error) {
	return min(b.takes, len(p)), errors.New("connection reset")
}

// Only what did not leave whole was certainly not sent.
func TestAWholeRequestMayHaveBeenSent(t *testing.T) {
	t.Parallel()
	p := pdu{command: submitSM, sequence: 1, body: []byte("body")}
	for takes, sent := range map[int]bool{0: false, len(p.octets()) - 1: false, len(p.octets()): true} {
		ours, theirs := net.Pipe()
		s := &session{conn: breaking{ours, takes}, timeout: time.Second, pen: make(chan struct{}, 1), over: make(chan struct{})}
		err := s.write(t.Context(), p)
		if _, not := errors.AsType[*notWritten](err); err == nil || not == sent {
			t.Errorf("%d octets: got %v, may have been sent: %v", takes, err, sent)
		}
		_ = theirs.Close()
	}
}
