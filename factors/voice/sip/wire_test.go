package sip

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/emiago/sipgo/sip"

	"github.com/portvakt/portvakt/e2e/peer"
	"github.com/portvakt/portvakt/factors/voice"
)

// What the exchange reads of us: the port that we send from, the address that
// is known behind NAT, and nothing that would have it expect more of us.
func TestWhatTheInviteSays(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ public, host string }{{"", "127.0.0.1"}, {"192.0.2.7", "192.0.2.7"}} {
		f := newFake(t)
		p, _ := provider(t, f.server(), func(c *Config) {
			c.PublicIP, c.From, c.Domain = row.public, "+4722000000@example.org", "pbx.example.org"
		})
		during(t, func() {
			invite := f.next("INVITE")
			f.reply(invite, "486 Busy Here", "")
			at := fmt.Sprintf("%s:%d", row.host, f.peer.(*net.UDPAddr).Port)
			for name, want := range map[string]string{
				"Via":     "SIP/2.0/UDP " + at + ";branch=z9hG4bK",
				"Contact": "<sip:mfa@" + at + ">",
				"From":    "<sip:+4722000000@example.org>;tag=",
				"To":      "<sip:+4741234567@pbx.example.org>",
			} {
				if got := header(invite, name); !strings.HasPrefix(got, want) {
					t.Errorf("%s: got %q, want %q", name, got, want)
				}
			}
			if !strings.Contains(header(invite, "Via"), ";rport") {
				t.Error("the answer would not come back through NAT")
			}
			if !strings.Contains(invite, "c=IN IP4 "+row.host) {
				t.Errorf("sound is wanted elsewhere:\n%s", invite)
			}
			// An exchange that may send a 183 reliably waits for a PRACK.
			if strings.Contains(invite, "100rel") || header(invite, "Supported") != "" || header(invite, "Require") != "" {
				t.Errorf("it offers too much:\n%s", invite)
			}
			if !strings.HasPrefix(invite, "INVITE sip:+4741234567@pbx.example.org SIP/2.0") {
				t.Errorf("it calls %s", strings.SplitN(invite, "\r\n", 2)[0])
			}
		}, func() {
			var alice person
			if got, _ := place(t, p, alice.call(t)); got != "busy" {
				t.Errorf("got %s, want busy", got)
			}
		})
	}
}

// The last connection is in TIME-WAIT, or is gone without a word.
func TestAnExchangeThatWasRestarted(t *testing.T) {
	t.Parallel()
	busy := []string{peer.SIPpRecv("INVITE", "", ""), peer.SIPpReply("486 Busy Here", ""), peer.SIPpRecv("ACK", "", "")}
	exchange := peer.StartSIPp(t, peer.SIPpOptions{TCP: true}, busy...)
	p, _ := provider(t, "sip:"+exchange.Addr+";transport=tcp", nil)
	var alice person
	for round := range 3 {
		if round > 0 {
			exchange = peer.StartSIPp(t, peer.SIPpOptions{TCP: true, Port: exchange.Port}, busy...)
		}
		if got, _ := place(t, p, alice.call(t)); got != "busy" {
			t.Errorf("round %d: got %s, want busy", round, got)
		}
		exchange.Wait(t)
	}
}

// The switchboard gets the extension before the person gets the prompt, and what
// is pressed before it answers nothing.
func TestKeysBeforeThePromptCountForNothing(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	sound, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer sound.Close()
	p, _ := provider(t, f.server(), nil)
	during(t, func() {
		invite := f.next("INVITE")
		f.reply(invite, "200 OK", strings.Replace(sdp, "audio 9 ", fmt.Sprintf("audio %d ", sound.LocalAddr().(*net.UDPAddr).Port), 1))
		f.next("ACK")
		f.send(f.inCall("INFO", 2, "Content-Type: application/dtmf\n\n#"))
		if got := f.next("SIP/2.0"); !strings.HasPrefix(got, "SIP/2.0 200") {
			t.Errorf("a key before the prompt: %s", got)
		}
		if got, waited := pressed(t, sound); got != "77" || waited < 3*time.Second {
			t.Errorf("dialled %q after %v, want 77 after a second for each comma", got, waited)
		}
		f.reply(f.press(3, "0"), "200 OK", "")
	}, func() {
		var alice person
		c := alice.call(t)
		c.To, c.Talk = to(t, number+",,,77"), 20*time.Second
		if got, _ := place(t, p, c); got != "fraud" || alice.pressed != "0" {
			t.Errorf("got %s of %q, want what was pressed after the prompt", got, alice.pressed)
		}
	})
}

// pressed reads the keys that come as events (RFC 4733) until sound begins, and
// how long after the first packet they come.
func pressed(t testing.TB, sound *net.UDPConn) (keys string, waited time.Duration) {
	t.Helper()
	var stamp string
	var began uint32
	buf := make([]byte, 2048)
	_ = sound.SetReadDeadline(time.Now().Add(15 * time.Second))
	for {
		n, err := sound.Read(buf)
		if err != nil {
			t.Errorf("no sound: %v", err)
			return keys, waited
		}
		now := binary.BigEndian.Uint32(buf[4:])
		if began == 0 {
			began = now
		}
		switch kind, at := buf[1]&0x7f, string(buf[4:8]); {
		case n < 16:
		case kind == 101 && at != stamp:
			if stamp = at; keys == "" {
				waited = time.Duration(now-began) * time.Second / 8000
			}
			keys += string("0123456789*#"[buf[12]%12])
		case kind == 8 && loud(buf[12:n]):
			return keys, waited
		}
	}
}

// loud reports whether A-law octets are more than silence.
func loud(law []byte) bool {
	for _, b := range law {
		if b != 0xd5 && b != 0x55 {
			return true
		}
	}
	return false
}

func TestAKeyThatComesTwiceIsPressedOnce(t *testing.T) {
	t.Parallel()
	got := ""
	talk := talk{c: &voice.Call{Keys: func(key byte) (bool, error) {
		got += string(key)
		return false, nil
	}}}
	for _, key := range "112#" {
		talk.key(byte(key), "rfc4733", false)
		talk.key(byte(key), "info", true)
	}
	if got != "112#" {
		t.Errorf("got %q, want 112#", got)
	}
}

func TestErrorsTellNoNumber(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		err  error
		want string
	}{
		{nil, "<nil>"},
		{fmt.Errorf("fail to write request on init req=%q: %w", "INVITE sip:"+number+"@x", errors.New("x")), errLost.Error()},
		{fmt.Errorf("req=%q: %w", number, &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("refused")}), "dial tcp: refused"},
		{fmt.Errorf("%w: %s", sip.ErrTransactionTimeout, number), errLost.Error()},
	} {
		if got := fmt.Sprint(plain(row.err)); got != row.want {
			t.Errorf("plain(%v) = %q, want %q", row.err, got, row.want)
		}
	}
}
