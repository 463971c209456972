package main

import (
	"bytes"
	"net"
	"os"
	"strings"
	"testing"
	"time"
)

// serveOn runs a server on a port of its own until the test ends.
func serveOn(t *testing.T, serve func(*net.UDPConn)) string {
	t.Helper()
	conn, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		serve(conn)
		close(done)
	}()
	t.Cleanup(func() {
		conn.Close()
		<-done
	})
	return conn.LocalAddr().String()
}

func orderFor(m mode, server string) order {
	return order{
		server: server, secret: benchSecret, mode: m, under: 40, window: 500 * time.Millisecond, rate: 2000, flood: 2000,
		signed: true, copies: stormCopies, people: newPopulation(10000), watched: []watched{{serverName, os.Getpid()}},
	}
}

func TestLoadsAgainstTheFloor(t *testing.T) {
	for _, m := range []mode{modeLogin, modeReject, modeAccept, modeFlood, modeStorm, modeEcho} {
		t.Run(string(m), func(t *testing.T) {
			t.Parallel()
			serve := func(conn *net.UDPConn) {
				_ = (&floor{conn, newWire(benchSecret), m != modeAccept}).serve(t.Context())
			}
			if m == modeEcho {
				serve = func(conn *net.UDPConn) { _ = echo(t.Context(), conn) }
			}
			r, err := run(t.Context(), orderFor(m, serveOn(t, serve)))
			if err != nil {
				t.Fatal(err)
			}
			if r.ended == 0 || r.lost != 0 || r.p50 <= 0 || r.p99 < r.p50 {
				t.Errorf("got %d logins, %d lost, p50 %v, p99 %v", r.ended, r.lost, r.p50, r.p99)
			}
			// The floor answers copies as it answered the first, except that
			// nothing is random in it: so none of them differs.
			if r.wrong != 0 {
				t.Errorf("wrong: %v", r.why)
			}
			requests := r.ended
			if m.asks() {
				requests *= 2
			}
			if off := requests - r.requests; off > 2*40 || off < -2*40 {
				t.Errorf("%d logins in %d requests", r.ended, r.requests)
			}
			if m == modeStorm && r.repeated == 0 {
				t.Error("no reply came again")
			}
			if m == modeFlood && r.flooded == 0 {
				t.Error("nothing was sent beside the logins")
			}
		})
	}
}

// A spoil turns the floor's reply into another one.
type spoil func(w *wire, auth *nonce, reply []byte, count int) []byte

func spoiled(t *testing.T, change spoil) string {
	return serveOn(t, func(conn *net.UDPConn) {
		f := &floor{conn, newWire(benchSecret), true}
		b := make([]byte, maxPacket)
		for count := 0; ; count++ {
			n, from, err := conn.ReadFromUDPAddrPort(b)
			if err != nil {
				return
			}
			auth := nonce(b[authAt:headerLen])
			if reply := f.answer(nil, b[:n], nil); reply != nil {
				_, _ = conn.WriteToUDPAddrPort(change(f.wire, &auth, reply, count), from)
			}
		}
	})
}

// What is wrong with these servers must be seen, or figures mean nothing.
func TestWrongServersAreFoundOut(t *testing.T) {
	for name, row := range map[string]struct {
		mode  mode
		spoil spoil
		want  string
	}{
		"a reply under another secret": {modeLogin, func(_ *wire, _ *nonce, b []byte, _ int) []byte {
			b[authAt] ^= 1
			return b
		}, errSignature.Error()},
		"a reject for the right password": {modeAccept, func(w *wire, auth *nonce, b []byte, _ int) []byte {
			return w.reply(b[:0], accessReject, b[1], auth, nil, "")
		}, "unexpected Access-Reject"},
		"a second reply that differs": {modeStorm, func(w *wire, auth *nonce, b []byte, count int) []byte {
			return w.reply(b[:0], accessChallenge, b[1], auth, []byte{byte(count), byte(count >> 8)}, "")
		}, "second reply that differs"},
	} {
		t.Run(name, func(t *testing.T) {
			o := orderFor(row.mode, spoiled(t, row.spoil))
			o.under, o.rate, o.window, o.retry, o.tries = 1, 0, 100*time.Millisecond, 50*time.Millisecond, 1
			r, err := run(t.Context(), o)
			if err != nil {
				t.Fatal(err)
			}
			if r.wrong == 0 || r.why[row.want] == 0 {
				t.Errorf("got %v, want %q", r.why, row.want)
			}
		})
	}
}

func TestNobodyAnswersIsLost(t *testing.T) {
	o := orderFor(modeLogin, serveOn(t, func(conn *net.UDPConn) {
		var b [1]byte
		for _, err := conn.Read(b[:]); err == nil; _, err = conn.Read(b[:]) {
			continue
		}
	}))
	o.under, o.rate, o.window, o.retry, o.tries = 2, 0, 300*time.Millisecond, 50*time.Millisecond, 2
	r, err := run(t.Context(), o)
	if err != nil || r.ended != 0 || r.lost < 2 || r.wrong != 0 {
		t.Errorf("got %d logins, %d lost, wrong %v, %v", r.ended, r.lost, r.why, err)
	}
}

func TestTooFewPeopleMakeFiguresUseless(t *testing.T) {
	o := orderFor(modeLogin, spoiled(t, func(_ *wire, _ *nonce, b []byte, _ int) []byte { return b }))
	o.people = newPopulation(10)
	r, err := run(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.usable(); err == nil || !strings.Contains(err.Error(), "-users") {
		t.Errorf("got %v, want advice about -users", err)
	}
}

func TestRealServersAreLeftAlone(t *testing.T) {
	o := orderFor(modeLogin, "192.0.2.1:1812")
	if _, err := run(t.Context(), o); err == nil || !strings.Contains(err.Error(), "loopback") {
		t.Errorf("got %v, want a refusal", err)
	}
}

func TestQuantilesAndMedians(t *testing.T) {
	hundred := make([]int, 100)
	for i := range hundred {
		hundred[i] = i + 1
	}
	for share, want := range map[float64]int{0.5: 50, 0.99: 99, 1: 100, 0: 1} {
		if got := quantile(hundred, share); got != want {
			t.Errorf("quantile %v of 1 to 100: got %d, want %d", share, got, want)
		}
	}
	if got := median([]float64{9, 1, 5}); got != 5 {
		t.Errorf("median: got %v, want 5", got)
	}
}

func TestTableIsMarkdown(t *testing.T) {
	turn := func(seconds float64) result {
		return result{
			window: time.Second, ended: 1000, p50: 2 * time.Millisecond, p99: 5 * time.Millisecond, wrong: 1,
			processor: map[string]time.Duration{serverName: time.Duration(seconds * float64(time.Second))},
			sizes:     map[string]size{serverName: {resident: 3 << 20, files: 1 << 20}},
		}
	}
	one := &contender{name: "one", turns: []result{turn(0.1), turn(0.9), turn(0.2)}}
	two := &contender{name: "two", turns: []result{turn(0.1)}}
	var b bytes.Buffer
	writeTable(&b, "Title", []*contender{one, two})
	writeRatios(&b, []ratio{{one, two}})
	for _, want := range []string{
		"### Title", "| one | 1000 | 200.0 | – | 2.0 | 5.0 | 3 | 1 | 0 | 3 |", "| one ÷ two | 1.00 | 2.00 |",
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("%q is missing in\n%s", want, b.String())
		}
	}
}
