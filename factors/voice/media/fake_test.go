package media

import (
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pion/rtp"
)

var (
	here  = netip.MustParseAddr("192.0.2.1")
	there = netip.MustParseAddrPort("192.0.2.2:4000")
)

// A fakeSocket is a network for tests that have time to themselves.
type fakeSocket struct {
	in     chan datagram
	closed chan struct{}
	once   sync.Once

	mu    sync.Mutex
	out   []sent
	stall time.Duration // how long the next write takes
}

type datagram struct {
	b    []byte
	from netip.AddrPort
}

type sent struct {
	rtp.Packet
	to netip.AddrPort
	at time.Time
}

func (f *fakeSocket) ReadFromUDPAddrPort(b []byte) (int, netip.AddrPort, error) {
	select {
	case d := <-f.in:
		return copy(b, d.b), d.from, nil
	case <-f.closed:
		return 0, netip.AddrPort{}, net.ErrClosed
	}
}

func (f *fakeSocket) WriteToUDPAddrPort(b []byte, to netip.AddrPort) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	s := sent{to: to, at: time.Now()}
	if err := s.Unmarshal(append([]byte(nil), b...)); err != nil {
		return 0, err
	}
	f.out = append(f.out, s)
	time.Sleep(f.stall)
	f.stall = 0
	return len(b), nil
}

func (f *fakeSocket) Close() error {
	f.once.Do(func() { close(f.closed) })
	return nil
}

func (f *fakeSocket) packets() []sent {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]sent(nil), f.out...)
}

func (f *fakeSocket) slow(d time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.stall = d
}

// fake is a session on a fakeSocket; what it began ends with the test.
func fake(t testing.TB, answer string) (*Session, *fakeSocket) {
	t.Helper()
	f := &fakeSocket{in: make(chan datagram), closed: make(chan struct{})}
	s := open(Config{Local: here}, f, 5000)
	t.Cleanup(func() { _ = s.Close() })
	if err := s.Answer([]byte(answer)); err != nil {
		t.Fatal(err)
	}
	return s, f
}

// describe is an answer of there with the lines of a medium.
func describe(lines ...string) string {
	return strings.Join(append([]string{
		"v=0", "o=- 1 1 IN IP4 192.0.2.2", "s=-", "c=IN IP4 192.0.2.2", "t=0 0",
	}, lines...), "\r\n") + "\r\n"
}

// The answers of a far side with events of type 96, and of one without.
var (
	withEvents = describe("m=audio 4000 RTP/AVP 8 96", "a=rtpmap:96 telephone-event/8000")
	soundOnly  = describe("m=audio 4000 RTP/AVP 8 0")
)

// wait lets time pass until everything of it has happened.
func wait(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// packet is one of a sender 7.
func packet(kind uint8, seq uint16, ts uint32, payload ...byte) []byte {
	b, err := (&rtp.Packet{
		Header:  rtp.Header{Version: 2, PayloadType: kind, SequenceNumber: seq, Timestamp: ts, SSRC: 7},
		Payload: payload,
	}).Marshal()
	if err != nil {
		panic(err)
	}
	return b
}

// event is the payload of a telephone event.
func event(key byte, end bool, duration uint16) []byte {
	flags := byte(10)
	if end {
		flags |= 0x80
	}
	return binary.BigEndian.AppendUint16([]byte{byte(strings.IndexByte(digits, key)), flags}, duration)
}

// pressed are the keys that wait, as "1 2".
func pressed(s *Session) string {
	var all []string
	for {
		select {
		case k := <-s.Keys():
			all = append(all, fmt.Sprintf("%c", k.Digit))
		default:
			return strings.Join(all, " ")
		}
	}
}
