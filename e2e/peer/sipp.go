package peer

import (
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// sippEnds is how long a scenario may go on after the test is done with it.
const sippEnds = 15 * time.Second

// A SIPp is an exchange that plays one scenario for one call.
type SIPp struct {
	// Addr is where it listens on 127.0.0.1, Port the port there.
	Addr string
	Port int

	p        *process
	messages string
	errors   string
}

// SIPpOptions are what a test may want to be different.
type SIPpOptions struct {
	// TCP instead of UDP.
	TCP bool
	// Args are more arguments, as "-au", "user".
	Args []string
	// Calls is how many calls (Call-IDs) end it; 1 if 0.
	Calls int
	// Port, when not zero, was free a moment ago.
	Port int
}

// sippTries is how often it is started: somebody else may take a free port
// before it does.
const sippTries = 3

// StartSIPp runs a scenario, of the parts that the functions SIPpRecv,
// SIPpReply and the others write.
func StartSIPp(t testing.TB, o SIPpOptions, parts ...string) *SIPp {
	t.Helper()
	Need(t, "sipp")
	folder := t.TempDir()
	write(t, filepath.Join(folder, "uas.xml"), `<?xml version="1.0" encoding="ISO-8859-1" ?>
<!DOCTYPE scenario SYSTEM "sipp.dtd">
<scenario name="exchange">
`+strings.Join(parts, "")+"</scenario>\n")
	s := &SIPp{messages: filepath.Join(folder, "messages"), errors: filepath.Join(folder, "errors")}
	for try := 1; !s.start(t, o, folder); try++ {
		if try == sippTries {
			t.Fatalf("sipp does not start:\n%s\n%s", s.p.log, s.text(s.errors))
		}
	}
	t.Cleanup(func() {
		s.p.stop()
		if t.Failed() {
			t.Logf("sipp:\n%s\nerrors:\n%s", s.Messages(), s.text(s.errors))
		}
	})
	return s
}

func (s *SIPp) start(t testing.TB, o SIPpOptions, folder string) bool {
	t.Helper()
	if s.Port = o.Port; s.Port == 0 {
		s.Port = sippPort(t)
	}
	s.Addr = address("127.0.0.1", s.Port)
	transport, table := "u1", "udp"
	if o.TCP {
		transport, table = "t1", "tcp"
	}
	s.p = start(t, &Output{}, "sipp", append([]string{
		"-sf", filepath.Join(folder, "uas.xml"), "-i", "127.0.0.1", "-p", fmt.Sprint(s.Port), "-t", transport,
		"-m", fmt.Sprint(max(o.Calls, 1)), "-nostdin", "-mi", "127.0.0.1", "-mp", fmt.Sprint(sippPort(t)), "-cp", fmt.Sprint(sippPort(t)),
		"-trace_msg", "-message_file", s.messages, "-trace_err", "-error_file", s.errors,
	}, o.Args...)...)
	for late := time.After(startWait); !bound(table, s.Port); {
		select {
		case <-time.After(pollEvery):
		case <-s.p.done:
			return false
		case <-late:
			s.p.stop()
			return false
		}
	}
	return true
}

// sippPort returns an even port that was free a moment ago. It is below those
// that the kernel gives out, and one of thousands, since SIPp binds it later.
func sippPort(t testing.TB) int {
	t.Helper()
	for range 100 {
		port := 20000 + 2*rand.IntN(6000)
		udp, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: port})
		if err != nil {
			continue
		}
		udp.Close()
		tcp, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: port})
		if err != nil {
			continue
		}
		tcp.Close()
		return port
	}
	t.Fatal("no free port")
	return 0
}

// Messages is every message it got and sent.
func (s *SIPp) Messages() string { return s.text(s.messages) }

func (s *SIPp) text(path string) string {
	b, _ := os.ReadFile(path)
	return string(b)
}

// Wait waits for the end of the scenario, and fails the test when it did not go
// as written.
func (s *SIPp) Wait(t testing.TB) {
	t.Helper()
	select {
	case <-s.p.done:
	case <-time.After(sippEnds):
		t.Fatalf("the scenario is not over after %v", sippEnds)
	}
	if code := s.p.cmd.ProcessState.ExitCode(); code != 0 {
		t.Errorf("the scenario failed: sipp ended with %d", code)
	}
}

// Stop ends it in the middle.
func (s *SIPp) Stop() { s.p.stop() }

// bound reports whether a port of IPv4 is listened on, without touching it.
func bound(table string, port int) bool {
	b, _ := os.ReadFile("/proc/net/" + table)
	for line := range strings.Lines(string(b)) {
		fields := strings.Fields(line)
		if len(fields) > 3 && strings.HasSuffix(fields[1], fmt.Sprintf(":%04X", port)) && (table == "udp" || fields[3] == "0A") {
			return true
		}
	}
	return false
}

// SIPpRecv waits for a request; attributes are the element's more, as
// `auth="true"`, and actions what it contains.
func SIPpRecv(method, attributes, actions string) string {
	return fmt.Sprintf("<recv request=%q rrs=\"true\" %s>%s</recv>\n", method, attributes, actions)
}

// SIPpKeep is an action that keeps a header's value as $n.
func SIPpKeep(n int, header string) string {
	return fmt.Sprintf(`<action><ereg regexp=".*" search_in="hdr" header="%s" assign_to="%d"/></action>`, header, n)
}

// SIPpReply answers the last request. more are header lines that each end with
// a line break, and a body after an empty line.
func SIPpReply(status, more string) string { return SIPpReplyTo("[last_CSeq:]", status, more) }

// SIPpReplyTo is SIPpReply with a CSeq line of its own, as after a CANCEL.
func SIPpReplyTo(seq, status, more string) string {
	to := "[last_To:];tag=[pid]x[call_number]"
	if strings.HasPrefix(status, "100") {
		to = "[last_To:]"
	}
	return sippSend(fmt.Sprintf(`SIP/2.0 %s
[last_Via:]
[last_From:]
%s
[last_Call-ID:]
%s
[last_Record-Route:]
Contact: <sip:[local_ip]:[local_port];transport=[transport]>
`, status, to, seq), more, strings.HasPrefix(status, "2") && strings.Contains(more, "v=0"))
}

// SIPpReplyInDialog answers a request that has a tag in its To already.
func SIPpReplyInDialog(status string) string {
	return sippSend(fmt.Sprintf(`SIP/2.0 %s
[last_Via:]
[last_From:]
[last_To:]
[last_Call-ID:]
[last_CSeq:]
`, status), "", false)
}

// SIPpRequest sends a request within the call, after SIPpKeep(1, "From:") and
// SIPpKeep(2, "Contact:"): to our tag, from the exchange's.
func SIPpRequest(method string, seq int, more string) string {
	return sippSend(fmt.Sprintf(`%[1]s [next_url] SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
From: <sip:exchange@[local_ip]>;tag=[pid]x[call_number]
To: [$1]
[last_Call-ID:]
CSeq: %[2]d %[1]s
[routes]
Max-Forwards: 70
`, method, seq), more, false)
}

func sippSend(head, more string, retransmit bool) string {
	if !strings.Contains(more, "\n\n") {
		more += "Content-Length: 0\n\n"
	} else {
		headers, body, _ := strings.Cut(more, "\n\n")
		more = headers + "\nContent-Length: [len]\n\n" + body
	}
	attributes := ""
	if retransmit {
		attributes = ` retrans="500"`
	}
	return "<send" + attributes + "><![CDATA[\n" + head + more + "\n]]></send>\n"
}

// SIPpSDP is a body that takes the call with these payload types, as "8 101".
func SIPpSDP(types string) string {
	return `Content-Type: application/sdp

v=0
o=user1 53655765 2353687637 IN IP[local_ip_type] [local_ip]
s=-
c=IN IP[media_ip_type] [media_ip]
t=0 0
m=audio [auto_media_port] RTP/AVP ` + types + `
a=rtpmap:0 PCMU/8000
a=rtpmap:8 PCMA/8000
a=rtpmap:101 telephone-event/8000
a=fmtp:101 0-16
a=sendrecv
`
}

// SIPpPause waits.
func SIPpPause(d time.Duration) string {
	return fmt.Sprintf("<pause milliseconds=\"%d\"/>\n", d.Milliseconds())
}

// SIPpDo runs an action, as `play_pcap_audio="…"`.
func SIPpDo(action string) string { return "<nop><action><exec " + action + "/></action></nop>\n" }

// SIPpProved checks the last request's Authorization, and ends the scenario as
// failed when it is wrong. It is an action of SIPpRecv.
func SIPpProved(user, password string) string {
	return fmt.Sprintf(`<action><verifyauth assign_to="proved" username=%q password=%q/></action>`, user, password)
}

// SIPpIfProved sends one or the other after SIPpProved.
func SIPpIfProved(yes, no string) string {
	return `<nop test="proved" next="yes"/>` + "\n" + no + `<nop next="end"/>` + "\n" + `<label id="yes"/>` + "\n" + yes + `<label id="end"/>` + "\n"
}
