package exchange

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"
)

// A fakeServer tells what came and answers each datagram by a function.
func fakeServer(t *testing.T, answer func(n int, request string) []string) (addr string, got <-chan string) {
	t.Helper()
	conn, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	seen, done := make(chan string, 64), make(chan struct{})
	go func() {
		defer close(done)
		b := make([]byte, maxPacket)
		for n := 1; ; n++ {
			size, from, err := conn.ReadFromUDPAddrPort(b)
			if err != nil {
				return
			}
			seen <- string(b[:size])
			for _, a := range answer(n, string(b[:size])) {
				conn.WriteToUDPAddrPort([]byte(a), from)
			}
		}
	}()
	t.Cleanup(func() { conn.Close(); <-done })
	return conn.LocalAddr().String(), seen
}

func dial(t *testing.T, server string) *Conn {
	t.Helper()
	c, err := Dial(t.Context(), server, netip.Addr{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

var errForged = errors.New("forged")

// good takes "good", and has something to say of "forged".
func good(datagram []byte) (bool, error) {
	if string(datagram) == "forged" {
		return false, errForged
	}
	return string(datagram) == "good", nil
}

func TestTheSameOctetsAreSentUntilTheReplyComes(t *testing.T) {
	t.Parallel()
	addr, got := fakeServer(t, func(n int, _ string) []string {
		return [][]string{nil, {"noise", "forged"}, {"noise", "good"}}[min(n, 3)-1]
	})
	tries, err := dial(t, addr).Do(t.Context(), []byte("request"), Pace{First: 100 * time.Millisecond, Tries: 50}, good)
	if err != nil || tries < 3 {
		t.Fatalf("got %d, %v, want a reply to the third", tries, err)
	}
	for range tries {
		if r := <-got; r != "request" {
			t.Errorf("the server got %q", r)
		}
	}
}

func TestWhyNoReplyCame(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		answers []string
		want    error
	}{
		"silence":               {nil, ErrNoReply},
		"what is not a reply":   {[]string{"noise"}, ErrNoReply},
		"what cannot be true":   {[]string{"noise", "forged", "noise"}, errForged},
		"more than fits a read": {[]string{strings.Repeat("x", maxPacket+100)}, ErrNoReply},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			addr, _ := fakeServer(t, func(int, string) []string { return row.answers })
			tries, err := dial(t, addr).Do(t.Context(), []byte("r"), Pace{First: 100 * time.Millisecond, Tries: 2}, good)
			if !errors.Is(err, row.want) || tries != 2 || !strings.Contains(err.Error(), "2 tries") {
				t.Errorf("got %d, %v, want %v", tries, err, row.want)
			}
		})
	}
}

// Nothing listens: the system tells at once, and the rest is not waited for.
func TestAClosedPortIsToldAtOnce(t *testing.T) {
	t.Parallel()
	conn, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	addr := conn.LocalAddr().String()
	conn.Close()
	_, err = dial(t, addr).Do(t.Context(), []byte("r"), Pace{First: time.Hour, Tries: 1}, good)
	if !errors.Is(err, ErrNoReply) || !strings.Contains(err.Error(), "nothing listens there") {
		t.Errorf("got %v", err)
	}
}

func TestWaitingEndsWithItsContext(t *testing.T) {
	t.Parallel()
	addr, got := fakeServer(t, func(int, string) []string { return nil })
	ctx, cancel := context.WithCancelCause(t.Context())
	gone := errors.New("the person has gone")
	go func() {
		<-got
		cancel(gone)
	}()
	tries, err := dial(t, addr).Do(ctx, []byte("r"), Pace{First: time.Hour, Tries: 3}, good)
	if !errors.Is(err, gone) || tries != 1 {
		t.Errorf("got %d, %v", tries, err)
	}
}

// Somebody who does not have the server's address is not heard.
func TestOtherAddressesAreNotHeard(t *testing.T) {
	t.Parallel()
	stranger, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stranger.Close() })
	conns := make(chan *Conn, 1)
	addr, _ := fakeServer(t, func(n int, _ string) []string {
		if n == 1 { // before the server itself says a word
			stranger.WriteTo([]byte("forged"), (<-conns).LocalAddr())
			return []string{"noise"}
		}
		return []string{"good"}
	})
	c := dial(t, addr)
	conns <- c
	var seen []string
	if _, err := c.Do(t.Context(), []byte("r"), Pace{First: 200 * time.Millisecond, Tries: 50}, func(d []byte) (bool, error) {
		seen = append(seen, string(d))
		return good(d)
	}); err != nil || slices.Contains(seen, "forged") || !slices.Contains(seen, "noise") {
		t.Errorf("got %v, and heard %q", err, seen)
	}
}

func TestTheSourceIsKept(t *testing.T) {
	t.Parallel()
	addr, _ := fakeServer(t, func(int, string) []string { return nil })
	c, err := Dial(t.Context(), addr, netip.MustParseAddr("127.0.0.9"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if got := c.LocalAddr().(*net.UDPAddr).AddrPort().Addr().Unmap().String(); got != "127.0.0.9" {
		t.Errorf("sends from %s", got)
	}
}
