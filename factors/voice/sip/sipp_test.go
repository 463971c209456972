package sip

import (
	"strconv"
	"testing"
	"time"

	"github.com/portvakt/portvakt/e2e/peer"
	"github.com/portvakt/portvakt/factors/voice"
)

// pound is how a telephone sends # as an event, recorded.
const pound = `play_pcap_audio="/usr/share/sip-tester/dtmf_2833_pound.pcap"`

const short = 300 * time.Millisecond

// answers is an exchange that rings, answers, and has a person behind it.
func answers(person ...string) []string {
	return append([]string{
		peer.SIPpRecv("INVITE", "", peer.SIPpKeep(1, "From:")),
		peer.SIPpReply("100 Trying", ""), peer.SIPpReply("180 Ringing", ""),
		peer.SIPpReply("200 OK", peer.SIPpSDP("8 101")), peer.SIPpRecv("ACK", "", ""),
	}, person...)
}

// used keeps sipp from refusing a scenario that has no use for From.
const used = `<Reference variables="1"/>` + "\n"

var ended = peer.SIPpRecv("BYE", "", "") + peer.SIPpReplyInDialog("200 OK")

func TestPoundApproves(t *testing.T) {
	t.Parallel()
	peer.NeedRoot(t) // sipp plays recorded packets by a raw socket
	for _, row := range []struct {
		transport string
		tcp       bool
	}{{"udp", false}, {"tcp", true}} {
		t.Run(row.transport, func(t *testing.T) {
			t.Parallel()
			exchange := peer.StartSIPp(t, peer.SIPpOptions{TCP: row.tcp}, answers(
				peer.SIPpPause(short), peer.SIPpDo(pound), ended, used)...)
			p, _ := provider(t, "sip:"+exchange.Addr+";transport="+row.transport, nil)
			var alice person
			call := alice.call(t)
			if got, _ := place(t, p, call); got != "approved" {
				t.Errorf("got %s, want approved", got)
			}
			exchange.Wait(t)
			if alice.pressed != "#" {
				t.Errorf("pressed %q, want # once", alice.pressed)
			}
			if trace := (voice.Trace{Status: 200, Keys: "rfc4733"}); call.Trace != trace {
				t.Errorf("the trace is %+v, want %+v", call.Trace, trace)
			}
		})
	}
}

func TestKeysAsMessages(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ name, body, want string }{
		{"dtmf-relay", "Content-Type: application/dtmf-relay\n\nSignal=#\nDuration=160\n", "approved"},
		{"dtmf-relay with a space and a number", "Content-Type: application/dtmf-relay\n\nSignal= 11\nDuration=160\n", "approved"},
		{"dtmf", "Content-Type: application/dtmf\n\n0", "fraud"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			exchange := peer.StartSIPp(t, peer.SIPpOptions{}, answers(
				peer.SIPpPause(short), peer.SIPpRequest("INFO", 2, row.body), `<recv response="200"/>`, ended)...)
			p, _ := provider(t, "sip:"+exchange.Addr, nil)
			var alice person
			if got, _ := place(t, p, alice.call(t)); got != row.want {
				t.Errorf("got %s, want %s", got, row.want)
			}
			exchange.Wait(t)
		})
	}
}

func TestAnswersOfTheExchange(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ status, before, want string }{
		{"486 Busy Here", "180 Ringing", "busy"},
		{"486 Busy Here", "", "busy"},
		{"600 Busy Everywhere", "", "busy"},
		{"603 Decline", "180 Ringing", "busy"},
		{"480 Temporarily Unavailable", "180 Ringing", "no_answer"},
		{"404 Not Found", "", "unreachable unrung"},
		{"404 Not Found", "183 Session Progress", "unreachable"},
		{"302 Moved Temporarily", "", "unreachable unrung"},
		{"403 Forbidden", "", "refused unrung"},
		{"503 Service Unavailable", "", "unavailable unrung"},
		{"503 Service Unavailable", "180 Ringing", "unavailable"},
		{"488 Not Acceptable Here", "", "media unrung"},
	} {
		t.Run(row.status+" after "+row.before, func(t *testing.T) {
			t.Parallel()
			parts := []string{peer.SIPpRecv("INVITE", "", ""), peer.SIPpReply("100 Trying", "")}
			if row.before != "" {
				parts = append(parts, peer.SIPpReply(row.before, ""))
			}
			exchange := peer.StartSIPp(t, peer.SIPpOptions{}, append(parts, peer.SIPpReply(row.status, ""), peer.SIPpRecv("ACK", "", ""))...)
			p, _ := provider(t, "sip:"+exchange.Addr, nil)
			var alice person
			call := alice.call(t)
			if got, _ := place(t, p, call); got != row.want {
				t.Errorf("got %s, want %s", got, row.want)
			}
			exchange.Wait(t)
			if got := strconv.Itoa(call.Trace.Status); got != row.status[:3] {
				t.Errorf("the status is %s", got)
			}
		})
	}
}
