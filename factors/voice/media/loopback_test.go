package media

import (
	"bytes"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/pion/rtp"
)

const soon = 5 * time.Second // bounds waiting for what is to come at once

func udp(t testing.TB, address string) *net.UDPConn {
	t.Helper()
	c, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(netip.MustParseAddrPort(address)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	_ = c.SetDeadline(time.Now().Add(soon))
	return c
}

// answerOf is an answer of a socket.
func answerOf(c *net.UDPConn, lines ...string) []byte {
	at := netip.MustParseAddrPort(c.LocalAddr().String())
	text := describe(append([]string{"m=audio 4000 RTP/AVP 8 101", "a=rtpmap:101 telephone-event/8000"}, lines...)...)
	text = strings.ReplaceAll(text, "c=IN IP4 192.0.2.2", "c=IN IP4 "+at.Addr().String())
	return []byte(strings.ReplaceAll(text, " 4000 ", " "+at.String()[strings.LastIndex(at.String(), ":")+1:]+" "))
}

// The far side of a call on this machine, and an attacker at another address of
// it who knows the port and all numbers.
func TestInjectedPacketsAreNotHeard(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	s := opened(t, Config{Local: netip.MustParseAddr("127.0.0.1"), Log: slog.New(slog.NewTextHandler(&log, nil))})
	exchange, attacker := udp(t, "127.0.0.1:0"), udp(t, "127.0.0.2:0")
	if err := s.Answer(answerOf(exchange)); err != nil {
		t.Fatal(err)
	}
	s.Start()

	b := make([]byte, maxPacket)
	n, from, err := exchange.ReadFromUDPAddrPort(b)
	if err != nil {
		t.Fatal(err)
	}
	var p rtp.Packet
	if err := p.Unmarshal(b[:n]); err != nil || p.PayloadType != typePCMA || len(p.Payload) != packetSamples || int(from.Port()) != s.port {
		t.Fatalf("the first packet: %v, %v, from %v", err, &p, from)
	}

	for i := range uint16(20) {
		send(t, attacker, from, packet(101, 1000+i, 70000*uint32(i), event('#', false, 160)...))
	}
	send(t, exchange, from, packet(101, 1, 1000, event('5', false, 160)...))
	select {
	case key := <-s.Keys():
		if key != (Key{Digit: '5', Source: SourceEvent}) {
			t.Errorf("got %+v", key)
		}
	case <-time.After(soon):
		t.Fatal("the key did not come")
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if key, ok := <-s.Keys(); ok {
		t.Errorf("got %+v, which the attacker sent", key)
	}
	if got := s.Dropped(); got != (Dropped{Foreign: 20}) {
		t.Errorf("dropped %+v", got)
	}
	if n := strings.Count(log.String(), "\n"); n != 1 || !strings.Contains(log.String(), "count=20") {
		t.Errorf("it is to be told once:\n%s", &log)
	}
}

func send(t testing.TB, c *net.UDPConn, to netip.AddrPort, b []byte) {
	t.Helper()
	if _, err := c.WriteToUDPAddrPort(b, to); err != nil {
		t.Fatal(err)
	}
}

func TestAFarSideThatIsGoneStopsNothing(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	s := opened(t, Config{Local: netip.MustParseAddr("127.0.0.1"), Log: slog.New(slog.NewTextHandler(&log, nil))})
	exchange := udp(t, "127.0.0.1:0")
	if err := s.Answer(answerOf(exchange)); err != nil {
		t.Fatal(err)
	}
	_ = exchange.Close() // the kernel refuses what is sent there
	s.Start()
	select {
	case <-s.Play(make([]int16, 8*packetSamples)):
	case <-time.After(soon):
		t.Fatal("it does not end")
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if s.Heard() || strings.Count(log.String(), "\n") > 1 {
		t.Errorf("heard is %v; log:\n%s", s.Heard(), &log)
	}
}

func TestAClosedSessionStaysClosed(t *testing.T) {
	t.Parallel()
	s := opened(t, Config{Local: netip.MustParseAddr("127.0.0.1")})
	for range 2 {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
	s.Start()
	if err := s.Answer([]byte(soundOnly)); err == nil && s.Heard() {
		t.Error("it hears something")
	}
}
