package sip

import (
	"net"
	"strings"
	"testing"
	"time"
)

// Anybody can send a datagram. None of these ends the call, presses a key, or
// makes a call of its own.
func TestHostileMessagesChangeNothing(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	p, _ := provider(t, f.server(), nil)
	// Another machine, which has seen everything.
	elsewhere, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 2)})
	if err != nil {
		t.Fatal(err)
	}
	defer elsewhere.Close()
	during(t, func() {
		f.answer()
		callID, tag := f.ids()
		const pound = "Content-Type: application/dtmf\n\n#"
		for _, msg := range [][]byte{
			f.request("BYE", 2, callID, tag, "far", ""),
			f.request("INFO", 3, callID, tag, "far", pound),
			[]byte(strings.Replace(string(f.inCall("INVITE", 4, "")), "INVITE sip", "BYE sip", 1)),
		} {
			if _, err := elsewhere.WriteTo(msg, f.peer); err != nil {
				t.Error(err)
			}
		}
		for _, row := range []struct {
			what string
			msg  []byte
			want string
		}{
			{"another call", f.request("BYE", 10, "another", tag, "far", ""), "481"},
			{"our tag is wrong", f.request("BYE", 11, callID, "wrong", "far", ""), "481"},
			{"their tag is wrong", f.request("BYE", 12, callID, tag, "wrong", ""), "481"},
			{"no tags", []byte(strings.NewReplacer(";tag=far", "", ";tag="+tag, "").Replace(string(f.request("BYE", 13, callID, tag, "far", "")))), "481"},
			{"a key in another call", f.request("INFO", 14, "another", tag, "far", pound), "481"},
			{"a key with a wrong tag", f.request("INFO", 15, callID, tag, "wrong", pound), "481"},
			{"a sign of life", f.request("INFO", 16, callID, tag, "far", ""), "200"},
			{"an old request", f.request("BYE", 16, callID, tag, "far", ""), "500"},
			{"something else in INFO", f.request("INFO", 17, callID, tag, "far", "Content-Type: text/plain\n\n#"), "415"},
			{"a letter as a key", f.request("INFO", 18, callID, tag, "far", "Content-Type: application/dtmf\n\nA"), "200"},
			{"new sound", f.request("INVITE", 19, callID, tag, "far", sdp), "488"},
			{"new sound, by UPDATE", f.request("UPDATE", 20, callID, tag, "far", sdp), "488"},
			{"a transfer", f.request("REFER", 21, callID, tag, "far", "Refer-To: <sip:premium@example.test>\n"), "405"},
			{"a call", f.request("INVITE", 22, "another", "", "x", sdp), "403"},
			{"a message", f.request("MESSAGE", 23, "another", "", "x", "Content-Type: text/plain\n\nx"), "405"},
			{"is anybody there", f.request("OPTIONS", 24, "another", "", "x", ""), "200"},
			{"an end of nothing", f.request("CANCEL", 25, "another", "", "x", ""), "481"},
		} {
			f.send(row.msg)
			got := f.next("SIP/2.0")
			for strings.Contains(got, "100 Trying") {
				got = f.next("SIP/2.0")
			}
			if !strings.HasPrefix(got, "SIP/2.0 "+row.want) {
				t.Errorf("%s: got %q, want %s", row.what, strings.SplitN(got, "\r\n", 2)[0], row.want)
			}
			if strings.HasPrefix(string(row.msg), "INVITE") {
				f.send([]byte(strings.ReplaceAll(strings.Replace(string(row.msg), "INVITE sip", "ACK sip", 1), " INVITE\r\n", " ACK\r\n")))
			}
		}
		for _, junk := range []string{
			"", "\r\n\r\n", "\x00\x00", "SIP/2.0 200", "INVITE", "SIP/2.0 200 OK\r\n\r\n", strings.Repeat("A", 60000),
			"BYE sip:x SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1;branch=z9hG4bK1\r\nContent-Length: 99999999999\r\n\r\n",
		} {
			f.send([]byte(junk))
		}
		f.reply(f.press(30, "0"), "200 OK", "")
	}, func() {
		var alice person
		if got, _ := place(t, p, alice.call(t)); got != "fraud" {
			t.Errorf("got %s, want her own answer", got)
		}
		if alice.pressed != "0" {
			t.Errorf("pressed %q, want 0", alice.pressed)
		}
	})
}

// A forged final answer needs the branch of the INVITE, which nobody else knows.
func TestAnswersFromElsewhereAreNotBelieved(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	p, _ := provider(t, f.server(), nil)
	elsewhere, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 2)})
	if err != nil {
		t.Fatal(err)
	}
	defer elsewhere.Close()
	during(t, func() {
		invite := f.next("INVITE")
		ours := f.conn
		f.conn = elsewhere
		f.reply(invite, "200 OK", sdp)
		f.conn = ours
		f.reply(strings.Replace(invite, "z9hG4bK", "z9hG4bKx", 1), "200 OK", sdp)
		f.none("ACK", short)
		f.reply(invite, "486 Busy Here", "")
	}, func() {
		var alice person
		if got, _ := place(t, p, alice.call(t)); got != "busy" {
			t.Errorf("got %s, want busy", got)
		}
	})
}

func TestTheExchangeMayAskWhetherWeAreThere(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	p, _ := provider(t, f.server(), nil)
	f.peer = p.e.socket.LocalAddr()
	f.send(f.request("OPTIONS", 1, "x", "", "x", ""))
	if got := f.next("SIP/2.0"); !strings.HasPrefix(got, "SIP/2.0 200") || header(got, "Allow") == "" {
		t.Errorf("got %q, want 200 and what is allowed", got)
	}
}

func TestRequestsAreLimited(t *testing.T) {
	t.Parallel()
	var d door
	addr := mustAddr(t, "192.0.2.1")
	now := time.Now()
	if d.admit(addr, false, now) {
		t.Error("a stranger came in")
	}
	shut := d.open(addr)
	in := 0
	for range 10 * requestsAtOnce {
		if d.admit(addr, true, now) {
			in++
		}
	}
	if in != requestsAtOnce {
		t.Errorf("%d requests came in at once, want %d", in, requestsAtOnce)
	}
	if !d.admit(addr, false, now) {
		t.Error("an answer was kept out by a flood of requests")
	}
	if !d.admit(addr, true, now.Add(time.Second)) {
		t.Error("nothing comes in after the flood")
	}
	shut()
	if !d.admit(addr, false, now) || d.admit(addr, false, time.Now().Add(2*settled)) {
		t.Error("it must stay open for what was sent again, and no longer")
	}
}
