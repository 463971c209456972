package sip

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/portvakt/portvakt/e2e/peer"
	"github.com/portvakt/portvakt/factors/voice"
)

func TestHangingUpIsANo(t *testing.T) {
	t.Parallel()
	exchange := peer.StartSIPp(t, peer.SIPpOptions{}, answers(
		peer.SIPpPause(short), peer.SIPpRequest("BYE", 2, ""), `<recv response="200"/>`)...)
	p, _ := provider(t, "sip:"+exchange.Addr, nil)
	var alice person
	if got, _ := place(t, p, alice.call(t)); got != "denied" {
		t.Errorf("got %s, want denied", got)
	}
	exchange.Wait(t)
	if strings.Contains(exchange.Messages(), "BYE sip:127") {
		t.Error("a call that is over was hung up again")
	}
}

func TestHangingUpBeforeTheQuestionIsNoAnswer(t *testing.T) {
	t.Parallel()
	exchange := peer.StartSIPp(t, peer.SIPpOptions{}, answers(
		peer.SIPpPause(short), peer.SIPpRequest("BYE", 2, ""), `<recv response="200"/>`)...)
	p, _ := provider(t, "sip:"+exchange.Addr, nil)
	var alice person
	c := alice.call(t)
	c.To = to(t, number+";ext=77") // the switchboard has answered
	if got, _ := place(t, p, c); got != "no_key" {
		t.Errorf("got %s, want no_key", got)
	}
	exchange.Wait(t)
}

func TestNobodyPressesAnything(t *testing.T) {
	t.Parallel()
	peer.NeedRoot(t)
	for _, row := range []struct{ name, sound, want string }{
		{"voicemail talks", peer.SIPpDo(`play_pcap_audio="/usr/share/sip-tester/g711a.pcap"`), "no_key"},
		{"no sound comes", "", "media"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			exchange := peer.StartSIPp(t, peer.SIPpOptions{}, answers(row.sound, ended, used)...)
			p, _ := provider(t, "sip:"+exchange.Addr, nil)
			var alice person
			c := alice.call(t)
			c.Talk = time.Second
			if got, _ := place(t, p, c); got != row.want {
				t.Errorf("got %s, want %s", got, row.want)
			}
			exchange.Wait(t)
		})
	}
}

func TestKeysInTheSound(t *testing.T) {
	t.Parallel()
	peer.Need(t, "sox")
	tone := filepath.Join(t.TempDir(), "pound.al")
	// # is 941 and 1477 Hz (ITU-T Q.23).
	if out, err := exec.Command("sox", "-n", "-r", "8000", "-c", "1", "-t", "al", tone,
		"synth", "0.3", "sine", "941", "sine", "1477", "remix", "-", "gain", "-10", "pad", "0.3", "0.3").CombinedOutput(); err != nil {
		t.Fatalf("sox: %v\n%s", err, out)
	}
	exchange := peer.StartSIPp(t, peer.SIPpOptions{}, append(answers()[:3], peer.SIPpReply("200 OK", peer.SIPpSDP("8")),
		peer.SIPpRecv("ACK", "", ""), peer.SIPpPause(short), peer.SIPpDo(`rtp_stream="`+tone+`,1,8,PCMA/8000"`), ended, used)...)
	p, _ := provider(t, "sip:"+exchange.Addr, nil)
	var alice person
	call := alice.call(t)
	if got, _ := place(t, p, call); got != "approved" {
		t.Errorf("got %s, want approved", got)
	}
	exchange.Wait(t)
	if call.Trace.Keys != "inband" {
		t.Errorf("the key came by %q", call.Trace.Keys)
	}
}

func TestNoCommonCodec(t *testing.T) {
	t.Parallel()
	exchange := peer.StartSIPp(t, peer.SIPpOptions{}, append(answers()[:3],
		peer.SIPpReply("200 OK", peer.SIPpSDP("18 101")), peer.SIPpRecv("ACK", "", ""), ended, used)...)
	p, _ := provider(t, "sip:"+exchange.Addr, nil)
	var alice person
	if got, _ := place(t, p, alice.call(t)); got != "media" {
		t.Errorf("got %s, want media", got)
	}
	exchange.Wait(t)
}

func TestAnExchangeThatDiesInACall(t *testing.T) {
	t.Parallel()
	exchange := peer.StartSIPp(t, peer.SIPpOptions{}, answers(peer.SIPpPause(time.Minute), used)...)
	p, _ := provider(t, "sip:"+exchange.Addr, nil)
	during(t, func() {
		for !strings.Contains(exchange.Messages(), "ACK sip:") {
			<-time.After(10 * time.Millisecond)
		}
		exchange.Stop()
	}, func() {
		var alice person
		c := alice.call(t)
		c.Talk = time.Second
		if got, took := place(t, p, c); got != "media" || took > 4*time.Second {
			t.Errorf("got %s after %v, want the end of the call at its limit", got, took)
		}
	})
}

func TestStoppedInACall(t *testing.T) {
	t.Parallel()
	exchange := peer.StartSIPp(t, peer.SIPpOptions{}, answers(ended, used)...)
	p, _ := provider(t, "sip:"+exchange.Addr, nil)
	var alice person
	if got := line(t, p.Call(soon(t, 500*time.Millisecond), alice.call(t))); got != "stopped" {
		t.Errorf("got %s, want stopped", got)
	}
	exchange.Wait(t)
}

func TestAMessageThatAsksNothingIsSaidTwice(t *testing.T) {
	t.Parallel()
	exchange := peer.StartSIPp(t, peer.SIPpOptions{}, answers(ended, used)...)
	p, _ := provider(t, "sip:"+exchange.Addr, nil)
	c := &voice.Call{To: to(t, number), Prompt: tone(440, 200*time.Millisecond), Ring: time.Second * 5, Talk: 10 * time.Second}
	err := p.Call(t.Context(), c)
	if err != nil {
		t.Errorf("got %v", err)
	}
	exchange.Wait(t)
}
