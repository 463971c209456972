package sip

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/portvakt/portvakt/e2e/peer"
)

// cancelled is the far side of a cancelled call.
var cancelled = peer.SIPpRecv("CANCEL", "", "") + peer.SIPpReplyInDialog("200 OK") +
	peer.SIPpReplyTo("CSeq: 1 INVITE", "487 Request Terminated", "") + peer.SIPpRecv("ACK", "", "")

func TestRingingEnds(t *testing.T) {
	t.Parallel()
	many := strings.Repeat(peer.SIPpReply("183 Session Progress", ""), 15)
	for _, row := range []struct{ name, ringing string }{
		{"at its limit", peer.SIPpReply("180 Ringing", "")},
		{"when only progress is told", peer.SIPpReply("183 Session Progress", peer.SIPpSDP("8 101"))},
		{"when nothing but 100 came", peer.SIPpReply("100 Trying", "")},
		{"after more answers than sipgo's own dialog takes", many},
	} {
		for _, stop := range []bool{false, true} {
			name, want := row.name, "no_answer"
			if stop {
				name, want = name+", by ctx", "stopped"
			}
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				exchange := peer.StartSIPp(t, peer.SIPpOptions{}, peer.SIPpRecv("INVITE", "", ""), row.ringing, cancelled)
				p, _ := provider(t, "sip:"+exchange.Addr, nil)
				var alice person
				c, ctx := alice.call(t), t.Context()
				if stop {
					ctx = soon(t, time.Second)
				} else {
					c.Ring = time.Second
				}
				began := time.Now()
				if got := line(t, p.Call(ctx, c)); got != want {
					t.Errorf("got %s, want %s", got, want)
				}
				if took := time.Since(began); took < 900*time.Millisecond || took > 4*time.Second {
					t.Errorf("it took %v, want 1 s", took)
				}
				exchange.Wait(t)
			})
		}
	}
}

func TestAnAnswerThatCrossesTheCancelIsHungUp(t *testing.T) {
	t.Parallel()
	exchange := peer.StartSIPp(t, peer.SIPpOptions{},
		peer.SIPpRecv("INVITE", "", ""), peer.SIPpReply("180 Ringing", ""), peer.SIPpRecv("CANCEL", "", ""),
		peer.SIPpReplyTo("CSeq: 1 INVITE", "200 OK", peer.SIPpSDP("8 101")), peer.SIPpRecv("ACK", "", ""), ended)
	p, _ := provider(t, "sip:"+exchange.Addr, nil)
	var alice person
	c := alice.call(t)
	c.Ring = 300 * time.Millisecond
	if got, _ := place(t, p, c); got != "no_answer" {
		t.Errorf("got %s, want no_answer", got)
	}
	exchange.Wait(t)
}

// What takes long at the exchange does not keep a sign-in waiting.
func TestAnExchangeThatIgnoresTheCancelIsNotWaitedFor(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	p, _ := provider(t, f.server(), nil)
	during(t, func() {
		f.reply(f.next("INVITE"), "180 Ringing", "")
		f.next("CANCEL")
	}, func() {
		var alice person
		c := alice.call(t)
		c.Ring = 200 * time.Millisecond
		if got, took := place(t, p, c); got != "no_answer" || took > 5*time.Second {
			t.Errorf("got %s after %v, want no_answer after little more than a second", got, took)
		}
	})
	// Somebody answers at last: she must not be left in a silent call.
	f.reply(f.last, "200 OK", sdp)
	f.next("ACK")
	f.reply(f.next("BYE"), "200 OK", "")
}

func TestNobodyThere(t *testing.T) {
	t.Parallel()
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	silent, err := net.Listen("tcp", "127.0.0.1:0") // takes connections, never reads
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	closed.Close()
	mute := newFake(t)
	for _, row := range []struct{ name, server string }{
		{"nobody listens, TCP", "sip:" + closed.Addr().String() + ";transport=tcp"},
		{"nobody listens, TLS", "sips:" + closed.Addr().String()},
		{"nobody listens, UDP", "sip:" + closed.Addr().String()},
		{"silence, TCP", "sip:" + silent.Addr().String() + ";transport=tcp"},
		{"silence, TLS", "sips:" + silent.Addr().String()},
		{"silence, UDP", mute.server()},
		{"no such name", "sip:exchange.invalid"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			p, _ := provider(t, row.server, func(c *Config) { c.Timeout = 700 * time.Millisecond })
			var alice person
			if got, took := place(t, p, alice.call(t)); got != "unavailable unrung" || took > 4*time.Second {
				t.Errorf("got %s after %v, want unavailable unrung after 0.7 s", got, took)
			}
			if err := p.Check(t.Context()); err == nil {
				t.Error("Check finds it in order")
			}
		})
	}
}

// The call went on to another exchange: the first one must not ring as well.
func TestAnExchangeThatAnswersTooLateDoesNotRing(t *testing.T) {
	t.Parallel()
	for _, row := range []string{"180 Ringing", "200 OK"} {
		t.Run(row, func(t *testing.T) {
			t.Parallel()
			f := newFake(t)
			p, _ := provider(t, f.server(), func(c *Config) { c.Timeout = 700 * time.Millisecond })
			var alice person
			if got, _ := place(t, p, alice.call(t)); got != "unavailable unrung" {
				t.Fatalf("got %s", got)
			}
			invite := f.next("INVITE")
			if row == "200 OK" {
				f.reply(invite, row, sdp)
				f.next("ACK")
				f.reply(f.next("BYE"), "200 OK", "")
			} else {
				f.reply(invite, row, "")
				cancel := f.next("CANCEL")
				f.reply(cancel, "200 OK", "")
				f.reply(invite, "487 Request Terminated", "")
				f.next("ACK")
			}
			f.none("INVITE", short)
		})
	}
}

func TestAnExchangeThatDiesWhileItRings(t *testing.T) {
	t.Parallel()
	exchange := peer.StartSIPp(t, peer.SIPpOptions{TCP: true},
		peer.SIPpRecv("INVITE", "", ""), peer.SIPpReply("180 Ringing", ""), peer.SIPpPause(time.Minute))
	p, _ := provider(t, "sip:"+exchange.Addr+";transport=tcp", nil)
	during(t, func() {
		for !strings.Contains(exchange.Messages(), "180 Ringing") {
			<-time.After(10 * time.Millisecond)
		}
		exchange.Stop()
	}, func() {
		var alice person
		if got, took := place(t, p, alice.call(t)); got != "unavailable" || took > 7*time.Second {
			t.Errorf("got %s after %v, want unavailable when the connection is lost", got, took)
		}
	})
}

func TestCallsAreLimited(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	p, _ := provider(t, f.server(), func(c *Config) { c.MaxCalls = 1 })
	var alice, bob person
	during(t, func() {
		f.reply(f.next("INVITE"), "180 Ringing", "")
		if got, _ := place(t, p, bob.call(t)); got != "unavailable unrung" {
			t.Errorf("a second call: got %s", got)
		}
		f.reply(f.last, "486 Busy Here", "")
	}, func() {
		if got, _ := place(t, p, alice.call(t)); got != "busy" {
			t.Errorf("the first call: got %s", got)
		}
	})
}

func TestCloseEndsCalls(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	p, _ := provider(t, f.server(), nil)
	during(t, func() {
		f.reply(f.next("INVITE"), "180 Ringing", "")
		during(t, func() { _ = p.Close() }, func() {
			f.reply(f.next("CANCEL"), "200 OK", "")
			f.reply(f.last, "487 Request Terminated", "")
		})
	}, func() {
		var alice person
		err := p.Call(t.Context(), alice.call(t))
		if got := line(t, err); got != "stopped" || !errors.Is(err, errClosed) {
			t.Errorf("got %s, %v", got, err)
		}
	})
	var alice person
	if got, _ := place(t, p, alice.call(t)); got != "stopped unrung" {
		t.Errorf("after Close: got %s", got)
	}
	if p.Check(context.Background()) == nil {
		t.Error("after Close: Check is content")
	}
}
