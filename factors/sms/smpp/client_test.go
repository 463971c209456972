package smpp

import (
	"context"
	"errors"
	"net"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/portvakt/portvakt/login/logintest"
)

func TestLostConnectionIsMadeAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &script{answer: accepts}
		c, log := piped(t, s)
		for i, want := range []string{"sent as id-1", "sent as id-2", "sent as id-3"} {
			if got := outcome(send(t, c)); got != want {
				t.Errorf("message %d: %s, want %s", i+1, got, want)
			}
			time.Sleep(stable)
			s.drop()
			synctest.Wait()
		}
		if got := strings.Count(log.String(), "bound to the SMSC"); got != 4 {
			t.Errorf("bound %d times, want 4", got)
		}
	})
}

func TestConnectionsThatFailAreTriedLaterEachTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var tries []time.Time
		c, log := piped(t, &script{answer: accepts}, func(c *Client) {
			c.dial = func(context.Context) (net.Conn, error) {
				tries = append(tries, time.Now())
				return nil, errors.New("connection refused")
			}
		})
		c.Start()
		synctest.Wait()
		start := time.Now()
		if got := outcome(send(t, c)); !strings.HasPrefix(got, "not sent, down: no session with the SMSC: connect: connection refused") {
			t.Error(got)
		}
		if took := time.Since(start); took != 0 {
			t.Errorf("a message waited %v for an SMSC that is away", took)
		}
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		step := firstWait
		for i := 1; i < len(tries); i++ {
			if wait := tries[i].Sub(tries[i-1]); wait > step || wait <= step/2 {
				t.Errorf("try %d came after %v, want more than half of %v", i+1, wait, step)
			}
			step = min(2*step, longWait)
		}
		if len(tries) < 15 || len(tries) > 30 {
			t.Errorf("%d tries in ten minutes", len(tries))
		}
		if got := strings.Count(log.String(), "level=WARN"); got != 1 {
			t.Errorf("%d warnings of one outage, want 1", got)
		}
	})
}

func TestSessionsThatEndAtOnceAreTriedLater(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &script{answer: accepts}
		c, _ := piped(t, s)
		c.Start()
		for range 600 {
			time.Sleep(time.Second)
			s.drop()
		}
		if s.bound() > 30 {
			t.Errorf("bound %d times in ten minutes", s.bound())
		}
	})
}

func TestWrongPasswordIsNotTriedAgainSoon(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		rule   string
		status Status
		most   time.Duration
		least  time.Duration
	}{
		{"wrong password", statusBadPassword, longWait, longWait / 2},
		{"wrong system id", statusBadSystemID, longWait, longWait / 2},
		{"bind refused", statusBindFailed, longWait, longWait / 2},
		{"bound already, by the daemon before a reload", statusBound, firstWait, firstWait / 2},
		{"throttled", statusThrottled, firstWait, firstWait / 2},
	} {
		t.Run(row.rule, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := &script{answer: accepts, bind: []Status{row.status}}
				c, log := piped(t, s)
				if got := outcome(send(t, c)); !strings.HasPrefix(got, "not sent, down: no session with the SMSC: bind: "+row.status.String()) {
					t.Error(got)
				}
				time.Sleep(row.least - time.Millisecond)
				if s.bound() != 1 {
					t.Errorf("bound %d times within %v", s.bound(), row.least)
				}
				time.Sleep(row.most - row.least + 2*time.Millisecond)
				if got := outcome(send(t, c)); got != "sent as id-1" {
					t.Errorf("after %v: %s", row.most, got)
				}
				if !strings.Contains(log.String(), "level=WARN") {
					t.Error("no warning is logged")
				}
			})
		})
	}
}

func TestThrottledClientPauses(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var throttle atomic.Bool
		throttle.Store(true)
		s := &script{answer: func(c *conversation, p pdu) {
			if p.command == submitSM && throttle.Load() {
				c.reply(p, statusThrottled, "")
				return
			}
			accepts(c, p)
		}}
		c, _ := piped(t, s)
		var waits []time.Duration
		last := time.Now()
		for len(waits) < 8 {
			if got := outcome(send(t, c)); !strings.HasPrefix(got, "not sent, down: ") {
				t.Fatal(got)
			}
			if n := s.count(submitSM); n == len(waits)+1 {
				waits = append(waits, time.Since(last))
				last = time.Now()
			}
			time.Sleep(10 * time.Millisecond)
		}
		step := firstPause
		for i, wait := range waits[1:] {
			if wait < step/2 || wait > step+20*time.Millisecond {
				t.Errorf("pause %d took %v, want at most %v and half of it at least", i+1, wait, step)
			}
			step = min(2*step, longPause)
		}
		throttle.Store(false)
		time.Sleep(longPause)
		if got := outcome(send(t, c)); !strings.HasPrefix(got, "sent as ") {
			t.Error(got)
		}
		if c.pause.step != 0 {
			t.Error("pauses that are over are remembered")
		}
	})
}

func TestRefusalsTogetherAreOnePause(t *testing.T) {
	t.Parallel()
	var p pause
	now := time.Now()
	for range 10 {
		p.begin(now)
	}
	p.end(now)
	if p.step != firstPause || p.left(now) == 0 {
		t.Errorf("a step of %v, want %v, and a message of before does not end it", p.step, firstPause)
	}
	p.end(now.Add(firstPause))
	if p.step != 0 || p.left(now.Add(firstPause)) != 0 {
		t.Error("a message that was taken does not end it")
	}
}

func TestCloseUnbinds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &script{answer: accepts}
		c, _ := piped(t, s)
		if _, err := send(t, c); err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		_ = c.Close()
		_ = c.Close()
		synctest.Wait()
		if s.count(unbind) != 1 || s.left() != 1 || time.Since(start) != 0 {
			t.Errorf("%d unbinds, %d connections closed, in %v; want one of each at once", s.count(unbind), s.left(), time.Since(start))
		}
		if got := outcome(send(t, c)); !strings.HasPrefix(got, "not sent, down") {
			t.Errorf("after it: %s", got)
		}
	})
}

func TestCloseDoesNotWaitForADeadSMSC(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, _ := piped(t, &script{answer: func(*conversation, pdu) {}})
		if got := outcome(send(t, c)); !strings.HasPrefix(got, "unknown") {
			t.Error(got)
		}
		start := time.Now()
		_ = c.Close()
		if took := time.Since(start); took != closeWait {
			t.Errorf("took %v, want %v", took, closeWait)
		}
	})
}

func TestClosedBeforeUseStaysClosed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &script{answer: accepts}
		c, _ := piped(t, s)
		_ = c.Close()
		if got := outcome(send(t, c)); !strings.HasPrefix(got, "not sent, down") || s.bound() != 0 {
			t.Errorf("%s, %d binds", got, s.bound())
		}
	})
}

func TestWaysToBind(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		bind    string
		want    []command
		receipt byte
	}{
		{"", []command{bindTransceiver}, receiptWanted},
		{"transceiver", []command{bindTransceiver}, receiptWanted},
		{"transmitter", []command{bindTransmitter}, 0},
		{"pair", []command{bindReceiver, bindTransmitter}, receiptWanted},
	} {
		t.Run(row.bind, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := &script{answer: accepts}
				fake, _ := piped(t, s)
				cfg := fake.cfg
				cfg.Bind, cfg.SystemType = row.bind, "VMA"
				c, err := New(cfg, options(), new(logintest.Log).Logger(), nil)
				if err != nil {
					t.Fatal(err)
				}
				c.dial = fake.dial
				if _, err := send(t, c); err != nil {
					t.Fatal(err)
				}
				synctest.Wait()
				var got []command
				for _, as := range []command{bindReceiver, bindTransmitter, bindTransceiver} {
					for _, p := range s.all(as) {
						got = append(got, as)
						if want := markUser + "\x00" + markPassword + "\x00VMA\x00\x34\x00\x00\x00"; string(p.body) != want {
							t.Errorf("bound with %q, want %q", p.body, want)
						}
					}
				}
				if !slices.Equal(got, row.want) {
					t.Errorf("bound as %v, want %v", got, row.want)
				}
				if m := readSubmit(t, s.all(submitSM)[0]); m.registered != row.receipt {
					t.Errorf("registered_delivery %d, want %d", m.registered, row.receipt)
				}
				_ = c.Close()
				synctest.Wait()
				if n := s.count(unbind); n != len(row.want) {
					t.Errorf("%d unbinds, want %d", n, len(row.want))
				}
			})
		})
	}
}
