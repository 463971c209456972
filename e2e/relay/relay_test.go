package relay_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"net"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/portvakt/portvakt/e2e/relay"
)

// quiet is how long nothing must come before nothing more is expected: some
// times what the relay itself can hold a datagram back.
const quiet = 4 * relay.HoldBack

// server answers each datagram by answer and remembers what it got.
type server struct {
	conn *net.UDPConn
	mu   sync.Mutex
	got  [][]byte
}

func newServer(t *testing.T, answer func(n int, request []byte) []byte) *server {
	t.Helper()
	conn, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	s := &server{conn: conn}
	var wg sync.WaitGroup
	wg.Go(func() {
		buffer := make([]byte, 4096)
		for n := 0; ; n++ {
			size, from, err := conn.ReadFromUDPAddrPort(buffer)
			if err != nil {
				return
			}
			request := bytes.Clone(buffer[:size])
			s.mu.Lock()
			s.got = append(s.got, request)
			s.mu.Unlock()
			if reply := answer(n, request); reply != nil {
				conn.WriteToUDPAddrPort(reply, from)
			}
		}
	})
	t.Cleanup(func() { conn.Close(); wg.Wait() })
	return s
}

func (s *server) addr() string { return s.conn.LocalAddr().String() }

func (s *server) received() [][]byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.got)
}

func echo(_ int, request []byte) []byte { return request }

func dial(t *testing.T, addr string) net.Conn {
	t.Helper()
	conn, err := net.Dial("udp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

// receive reads until nothing has come for a while.
func receive(t *testing.T, conn net.Conn) [][]byte {
	t.Helper()
	var all [][]byte
	buffer := make([]byte, 4096)
	for {
		conn.SetReadDeadline(time.Now().Add(quiet))
		n, err := conn.Read(buffer)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, bytes.Clone(buffer[:n]))
	}
}

// packet is a RADIUS header with n as identifier and in the authenticator.
func packet(n uint8) []byte {
	p := make([]byte, 20)
	p[0], p[1] = 1, n
	binary.BigEndian.PutUint16(p[2:], 20)
	p[4] = n + 1
	return p
}

func identifiers(packets [][]byte) []int {
	var ids []int
	for _, p := range packets {
		ids = append(ids, int(p[1]))
	}
	return ids
}

func TestThePlanDecidesWhatArrives(t *testing.T) {
	tests := []struct {
		name string
		plan relay.Plan
		send []uint8
		want []int // identifiers of replies, in order
	}{
		{"the zero plan passes everything on", relay.Plan{}, []uint8{1, 2, 3}, []int{1, 2, 3}},
		{"everything is lost", relay.Plan{Drop: 1}, []uint8{1, 2, 3}, nil},
		{"twice on the way there and twice on the way back", relay.Plan{Duplicate: 1}, []uint8{1}, []int{1, 1, 1, 1}},
		{"a held datagram comes when none overtakes it", relay.Plan{Reorder: 1}, []uint8{1}, []int{1}},
		{"a first reply is lost and the next one passes", relay.Plan{DropFirstReply: true}, []uint8{1, 1, 1}, []int{1, 1}},
		{"a first request is lost and the next one passes", relay.Plan{DropFirstRequest: true}, []uint8{1, 1, 1}, []int{1, 1}},
		{"each request has its own first reply", relay.Plan{DropFirstReply: true}, []uint8{1, 2, 1, 2}, []int{1, 2}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			client := dial(t, relay.New(t, newServer(t, echo).addr(), test.plan).Addr())
			for _, n := range test.send {
				if _, err := client.Write(packet(n)); err != nil {
					t.Fatal(err)
				}
			}
			if got := identifiers(receive(t, client)); !slices.Equal(got, test.want) {
				t.Errorf("got replies %v, want %v", got, test.want)
			}
		})
	}
}

func TestADatagramIsOvertakenByTheNext(t *testing.T) {
	t.Parallel()
	s := newServer(t, func(int, []byte) []byte { return nil })
	r := relay.New(t, s.addr(), relay.Plan{Reorder: 1})
	client := dial(t, r.Addr())
	for n := range uint8(4) {
		client.Write(packet(n))
	}
	receive(t, client)
	if got, want := identifiers(s.received()), []int{1, 0, 3, 2}; !slices.Equal(got, want) {
		t.Errorf("the server got %v, want %v", got, want)
	}
	if got := r.Counts().Reordered; got != 2 {
		t.Errorf("got %d reordered, want 2", got)
	}
}

func TestTheSameSeedIsTheSameRun(t *testing.T) {
	t.Parallel()
	run := func(seed uint64) []int {
		s := newServer(t, func(int, []byte) []byte { return nil })
		client := dial(t, relay.New(t, s.addr(), relay.Plan{Seed: seed, Drop: 0.3, Duplicate: 0.3}).Addr())
		for n := range uint8(60) {
			client.Write(packet(n))
		}
		receive(t, client)
		return identifiers(s.received())
	}
	first := run(7)
	if again := run(7); !slices.Equal(first, again) {
		t.Errorf("two runs of a seed differ:\n%v\n%v", first, again)
	}
	if other := run(8); slices.Equal(first, other) {
		t.Errorf("another seed is the same run: %v", other)
	}
}

func TestAServerThatDecidesTwiceIsSeen(t *testing.T) {
	t.Parallel()
	s := newServer(t, func(n int, request []byte) []byte {
		reply := bytes.Clone(request)
		reply[5] = byte(n)
		return reply
	})
	r := relay.New(t, s.addr(), relay.Plan{})
	client := dial(t, r.Addr())
	for _, n := range []uint8{1, 1, 2} {
		client.Write(packet(n))
	}
	receive(t, client)
	if got, want := r.Counts(), (relay.Counts{Requests: 3, Replies: 3, Differing: 1}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestClientsKeepTheirPorts(t *testing.T) {
	t.Parallel()
	s := newServer(t, echo)
	r := relay.New(t, s.addr(), relay.Plan{Delay: relay.HoldBack})
	one, two := dial(t, r.Addr()), dial(t, r.Addr())
	one.Write(packet(1))
	two.Write(packet(2))
	if got := identifiers(receive(t, one)); !slices.Equal(got, []int{1}) {
		t.Errorf("the first client got %v, want its own reply", got)
	}
	if got := identifiers(receive(t, two)); !slices.Equal(got, []int{2}) {
		t.Errorf("the second client got %v, want its own reply", got)
	}
}

func TestWhatIsTooShortForRADIUSPasses(t *testing.T) {
	t.Parallel()
	client := dial(t, relay.New(t, newServer(t, echo).addr(), relay.Plan{Reorder: 1}).Addr())
	for _, datagram := range [][]byte{{}, {1}, make([]byte, 19)} {
		client.Write(datagram)
	}
	if got := len(receive(t, client)); got != 3 {
		t.Errorf("got %d replies, want 3", got)
	}
}
