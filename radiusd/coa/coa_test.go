package coa_test

import (
	"context"
	"crypto/md5"
	"encoding/binary"
	"errors"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/portvakt/portvakt/conf/secret"
	"github.com/portvakt/portvakt/e2e/peer"
	"github.com/portvakt/portvakt/radiusd/coa"
)

const shared = "the secret of device and server"

func attr(kind byte, value string) []byte {
	return append([]byte{kind, byte(2 + len(value))}, value...)
}

// session names a session by User-Name and Acct-Session-Id.
func session(id string) []byte { return append(attr(1, "alice"), attr(44, id)...) }

// FreeRADIUS checks our authenticator and Message-Authenticator, and we its own.
func TestFreeRADIUSEndsSessions(t *testing.T) {
	t.Parallel()
	device := peer.FreeRADIUSDevice(t)
	c := coa.Client{Server: device.Addr, Secret: secret.New(device.Secret)}
	if err := c.Disconnect(t.Context(), session("live-1")); err != nil {
		t.Errorf("a live session: %v", err)
	}
	err := c.Disconnect(t.Context(), session("over-1"))
	if r, ok := errors.AsType[*coa.Refused](err); !ok || r.Cause != coa.NotFound || !strings.Contains(err.Error(), "no such session") {
		t.Errorf("a session that is over: %v", err)
	}
	device.AwaitLog(t, `Event-Timestamp = "`, "Message-Authenticator = 0x", `Acct-Session-Id = "live-1"`)
	wrong := coa.Client{Server: device.Addr, Secret: secret.New("another secret of the device"), Timeout: 100 * time.Millisecond, Tries: 2}
	if err := wrong.Disconnect(t.Context(), session("live-1")); !errors.Is(err, coa.ErrNoReply) {
		t.Errorf("with a wrong secret: %v, want silence", err)
	}
}

func TestFreeRADIUSChangesSessions(t *testing.T) {
	t.Parallel()
	device := peer.FreeRADIUSDevice(t)
	c := coa.Client{Server: device.Addr, Secret: secret.New(device.Secret)}
	if err := c.Change(t.Context(), session("live-1"), append(attr(11, "quarantine"), attr(27, "\x00\x00\x02\x58")...)); err != nil {
		t.Errorf("a live session: %v", err)
	}
	device.AwaitLog(t, "Received CoA-Request", `Filter-Id = "quarantine"`, "Session-Timeout = 600", `Acct-Session-Id = "live-1"`)
	for id, want := range map[string]string{"live-2": "407 Invalid Attribute Value", "over-1": "503 Session Context Not Found"} {
		change := attr(11, "quarantine")
		if id == "live-2" {
			change = attr(27, "\x00\x00\x00\x01")
		}
		if err := c.Change(t.Context(), session(id), change); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", id, err, want)
		}
	}
}

// The answer to one kind of request is none to the other.
func TestAnswersToAnotherRequest(t *testing.T) {
	t.Parallel()
	for _, code := range []byte{41, 42, 2} {
		if err := startFake(t, answerWith(code)).client().Change(t.Context(), session("s"), attr(11, "x")); !errors.Is(err, coa.ErrNoReply) {
			t.Errorf("code %d to a CoA-Request: %v", code, err)
		}
	}
	if err := startFake(t, answerWith(44)).client().Change(t.Context(), session("s"), attr(11, "x")); err != nil {
		t.Errorf("a CoA-ACK: %v", err)
	}
	if err := startFake(t, answerWith(44)).client().Disconnect(t.Context(), session("s")); !errors.Is(err, coa.ErrNoReply) {
		t.Errorf("a CoA-ACK to a Disconnect-Request: %v", err)
	}
}

func TestWhatIsNotChanged(t *testing.T) {
	t.Parallel()
	f := startFake(t, answerWith(44))
	for name, change := range map[string][]byte{
		"nothing": nil, "half an attribute": {11, 9, 'x'}, "what names the session": append(attr(11, "x"), attr(1, "bob")...),
	} {
		if err := f.client().Change(t.Context(), session("s"), change); err == nil {
			t.Errorf("%s was sent", name)
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.got) > 0 {
		t.Errorf("%d requests came", len(f.got))
	}
}

// A fakeDevice answers each datagram by the next of its functions.
type fakeDevice struct {
	conn *net.UDPConn
	mu   sync.Mutex
	got  [][]byte
}

func startFake(t *testing.T, answers ...func(request []byte) [][]byte) *fakeDevice {
	t.Helper()
	conn, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	f := &fakeDevice{conn: conn}
	var wg sync.WaitGroup
	wg.Go(func() {
		b := make([]byte, 4096)
		for i := 0; ; i++ {
			n, from, err := conn.ReadFromUDPAddrPort(b)
			if err != nil {
				return
			}
			request := append([]byte(nil), b[:n]...)
			f.mu.Lock()
			f.got = append(f.got, request)
			f.mu.Unlock()
			for _, p := range answers[min(i, len(answers)-1)](request) {
				conn.WriteToUDPAddrPort(p, from)
			}
		}
	})
	t.Cleanup(func() { conn.Close(); wg.Wait() })
	return f
}

func (f *fakeDevice) client() *coa.Client {
	return &coa.Client{Server: f.conn.LocalAddr().String(), Secret: secret.New(shared), Timeout: 50 * time.Millisecond, Tries: 3}
}

// answerWith makes a reply that is right.
func answerWith(code byte, attrs ...[]byte) func([]byte) [][]byte {
	return func(request []byte) [][]byte { return [][]byte{answer(request, shared, code, attrs...)} }
}

func answer(request []byte, with string, code byte, attrs ...[]byte) []byte {
	p := append([]byte{code, request[1], 0, 0}, request[4:20]...)
	for _, a := range attrs {
		p = append(p, a...)
	}
	binary.BigEndian.PutUint16(p[2:], uint16(len(p)))
	h := md5.Sum(append(append([]byte(nil), p...), with...))
	copy(p[4:], h[:])
	return p
}

func nothing([]byte) [][]byte { return nil }

func TestTheSameRequestIsSentAgain(t *testing.T) {
	t.Parallel()
	f := startFake(t, nothing, nothing, answerWith(41))
	if err := f.client().Disconnect(t.Context(), session("s")); err != nil {
		t.Fatal(err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.got) != 3 || string(f.got[0]) != string(f.got[1]) || string(f.got[1]) != string(f.got[2]) {
		t.Errorf("%d requests, want 3 that are the same", len(f.got))
	}
}

func TestWhatADeviceMayAnswer(t *testing.T) {
	t.Parallel()
	forged := func(r []byte) []byte { return answer(r, "what an attacker guesses", 41) }
	for name, test := range map[string]struct {
		answer func([]byte) [][]byte
		want   string // in the error; empty for none
	}{
		"it ends the session":                     {answerWith(41), ""},
		"it says no, and why":                     {answerWith(42, attr(101, "\x00\x00\x01\xf7")), "503 Session Context Not Found"},
		"it says no for a reason nobody knows":    {answerWith(42, attr(101, "\x00\x00\x03\xe7")), "Error-Cause 999"},
		"it says no":                              {answerWith(42), "does not say why"},
		"it says no with a reason of two octets":  {answerWith(42, attr(101, "\x01\xf7")), "does not say why"},
		"nothing comes":                           {nothing, "no reply"},
		"somebody else answers":                   {func(r []byte) [][]byte { return [][]byte{forged(r)} }, "none was authentic"},
		"somebody else answers first":             {func(r []byte) [][]byte { return [][]byte{forged(r), answer(r, shared, 42)} }, "does not say why"},
		"another code":                            {answerWith(2), "no reply"},
		"a Message-Authenticator that is wrong":   {answerWith(41, attr(80, strings.Repeat("x", 16))), "none was authentic"},
		"attributes that are none":                {answerWith(41, []byte{1, 1}), "no reply"},
		"a reply that is shorter than its header": {func([]byte) [][]byte { return [][]byte{{41, 1}} }, "no reply"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := startFake(t, test.answer).client().Disconnect(t.Context(), session("s"))
			switch {
			case test.want == "" && err != nil:
				t.Errorf("got %v", err)
			case test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)):
				t.Errorf("got %v, want %q", err, test.want)
			}
			if err != nil && strings.Contains(err.Error(), shared) {
				t.Error("the error has the secret")
			}
		})
	}
}

func TestWhatIsNotSent(t *testing.T) {
	t.Parallel()
	f := startFake(t, answerWith(41))
	for name, identity := range map[string][]byte{
		"no attributes": nil, "half an attribute": {1, 9, 'a'}, "an attribute without length": {1},
		"too much": []byte(strings.Repeat(string(attr(25, strings.Repeat("x", 253))), 16)),
	} {
		if err := f.client().Disconnect(t.Context(), identity); err == nil {
			t.Errorf("%s was sent", name)
		}
	}
	if err := (&coa.Client{Server: f.conn.LocalAddr().String()}).Disconnect(t.Context(), session("s")); err == nil {
		t.Error("sent without a secret")
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.got) > 0 {
		t.Errorf("%d requests came", len(f.got))
	}
}

func TestWaitingEndsWithItsContext(t *testing.T) {
	t.Parallel()
	c := startFake(t, nothing).client()
	c.Timeout = time.Hour
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := c.Disconnect(ctx, session("s")); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
}
