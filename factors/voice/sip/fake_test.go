package sip

import (
	"fmt"
	"net"
	"regexp"
	"strings"
	"testing"
	"time"
)

// A fake is an exchange written here, of plain texts: for what no real one does
// on purpose, and for what sipp cannot check.
type fake struct {
	t    testing.TB
	conn *net.UDPConn
	peer net.Addr
	last string // the last INVITE
}

func newFake(t testing.TB) *fake {
	t.Helper()
	conn, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return &fake{t: t, conn: conn}
}

func (f *fake) server() string { return "sip:" + f.conn.LocalAddr().String() }

// next waits for a message that begins with start, whatever comes before.
func (f *fake) next(start string) string {
	f.t.Helper()
	buf := make([]byte, 65536)
	_ = f.conn.SetReadDeadline(time.Now().Add(5 * time.Second))
	for {
		n, from, err := f.conn.ReadFrom(buf)
		if err != nil {
			f.t.Errorf("no %s: %v", start, err)
			return ""
		}
		f.peer = from
		if msg := string(buf[:n]); strings.HasPrefix(msg, start) {
			if strings.HasPrefix(msg, "INVITE") {
				f.last = msg
			}
			return msg
		}
	}
}

// press sends a key by INFO until the call ends, as a person does who hears the
// prompt again: what is pressed before it has begun counts for nothing. It
// returns the BYE.
func (f *fake) press(seq int, key string) (bye string) {
	f.t.Helper()
	buf := make([]byte, 65536)
	for again := range 50 {
		f.send(f.inCall("INFO", seq+again, "Content-Type: application/dtmf\n\n"+key))
		_ = f.conn.SetReadDeadline(time.Now().Add(200 * time.Millisecond))
		for {
			n, _, err := f.conn.ReadFrom(buf)
			if err != nil {
				break
			}
			if msg := string(buf[:n]); strings.HasPrefix(msg, "BYE") {
				return msg
			}
		}
	}
	f.t.Errorf("%s was pressed, and the call did not end", key)
	return ""
}

// none fails when a message that begins with start comes within d.
func (f *fake) none(start string, d time.Duration) {
	f.t.Helper()
	buf := make([]byte, 65536)
	_ = f.conn.SetReadDeadline(time.Now().Add(d))
	for {
		n, _, err := f.conn.ReadFrom(buf)
		if err != nil {
			return
		}
		if strings.HasPrefix(string(buf[:n]), start) {
			f.t.Errorf("it sent\n%s", buf[:n])
		}
	}
}

func header(msg, name string) string {
	m := regexp.MustCompile(`(?mi)^` + name + `: *(.*?)\r?$`).FindStringSubmatch(msg)
	if m == nil {
		return ""
	}
	return m[1]
}

// reply answers a request; more are header lines and, after an empty line, a
// body.
func (f *fake) reply(req, status, more string) {
	to := header(req, "To")
	if !strings.Contains(to, "tag=") && !strings.HasPrefix(status, "100") {
		to += ";tag=far"
	}
	f.write(fmt.Sprintf("SIP/2.0 %s\nVia: %s\nFrom: %s\nTo: %s\nCall-ID: %s\nCSeq: %s\nContact: <sip:%s>\n", status,
		header(req, "Via"), header(req, "From"), to, header(req, "Call-ID"), header(req, "CSeq"), f.conn.LocalAddr()), more)
}

func (f *fake) write(head, more string) {
	if _, err := f.conn.WriteTo(compose(head, more), f.peer); err != nil {
		f.t.Error(err)
	}
}

func compose(head, more string) []byte {
	headers, body, _ := strings.Cut(more, "\n\n")
	if headers != "" {
		headers += "\n"
	}
	body = strings.ReplaceAll(body, "\n", "\r\n")
	return []byte(strings.ReplaceAll(head+headers+fmt.Sprintf("Content-Length: %d\n\n", len(body)), "\n", "\r\n") + body)
}

// sdp takes a call, with the sound going to this machine's discard port.
const sdp = "Content-Type: application/sdp\n\nv=0\no=- 1 1 IN IP4 127.0.0.1\ns=-\nc=IN IP4 127.0.0.1\nt=0 0\n" +
	"m=audio 9 RTP/AVP 8 101\na=rtpmap:101 telephone-event/8000\n"

// answer takes the call that is coming.
func (f *fake) answer() {
	f.t.Helper()
	invite := f.next("INVITE")
	f.reply(invite, "180 Ringing", "")
	f.reply(invite, "200 OK", sdp)
	f.next("ACK")
}

// request makes a request in the call, or what looks like one.
func (f *fake) request(method string, seq int, callID, ourTag, theirTag, more string) []byte {
	return compose(fmt.Sprintf("%[1]s sip:mfa@%[2]s SIP/2.0\nVia: SIP/2.0/UDP %[3]s;branch=z9hG4bK%[1]s%[4]d%[6]s\n"+
		"From: <sip:x@example.test>;tag=%[5]s\nTo: <sip:mfa@127.0.0.1>;tag=%[6]s\nCall-ID: %[7]s\nCSeq: %[4]d %[1]s\nMax-Forwards: 70\n",
		method, f.peer, f.conn.LocalAddr(), seq, theirTag, ourTag, callID), more)
}

// ids are the Call-ID and our tag of the last INVITE.
func (f *fake) ids() (callID, tag string) {
	_, tag, _ = strings.Cut(header(f.last, "From"), "tag=")
	return header(f.last, "Call-ID"), tag
}

func (f *fake) send(msg []byte) {
	if _, err := f.conn.WriteTo(msg, f.peer); err != nil {
		f.t.Error(err)
	}
}

// during runs the exchange's side beside a call.
func during(t testing.TB, exchange func(), call func()) {
	t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		exchange()
	}()
	call()
	<-done
}
