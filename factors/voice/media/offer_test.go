package media

import (
	"fmt"
	"net/netip"
	"regexp"
	"strings"
	"testing"
)

var inlineKey = regexp.MustCompile(`inline:[A-Za-z0-9+/]{40}\r\n`)

func TestOffers(t *testing.T) {
	const (
		crypto = "a=crypto:1 AES_CM_128_HMAC_SHA1_80 KEY\r\na=crypto:2 AES_CM_128_HMAC_SHA1_32 KEY\r\n"
		medium = "a=rtpmap:8 PCMA/8000\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:101 telephone-event/8000\r\n" +
			"a=fmtp:101 0-15\r\na=ptime:20\r\na=sendrecv\r\n"
	)
	for _, c := range []struct {
		srtp, local, public string
		protocol, at, lines string
	}{
		{"", "127.0.0.1", "", "RTP/AVP", "IP4 127.0.0.1", ""},
		{SRTPOff, "127.0.0.1", "203.0.113.9", "RTP/AVP", "IP4 203.0.113.9", ""},
		{SRTPOptional, "0.0.0.0", "203.0.113.9", "RTP/AVP", "IP4 203.0.113.9", crypto},
		{SRTPRequired, "::1", "", "RTP/SAVP", "IP6 ::1", crypto},
		{SRTPRequired, "::ffff:127.0.0.1", "", "RTP/SAVP", "IP4 127.0.0.1", crypto},
	} {
		cfg := Config{Local: netip.MustParseAddr(c.local), SRTP: c.srtp}
		if c.public != "" {
			cfg.Public = netip.MustParseAddr(c.public)
		}
		s := opened(t, cfg)
		got := string(s.Offer())
		if again := string(s.Offer()); got != again {
			t.Errorf("two offers of one session differ:\n%s\n%s", got, again)
		}
		keys := inlineKey.FindAllString(got, -1)
		if len(keys) == 2 && keys[0] == keys[1] {
			t.Error("two suites have one key")
		}
		want := fmt.Sprintf("v=0\r\no=- %d 1 IN %s\r\ns=-\r\nc=IN %[2]s\r\nt=0 0\r\nm=audio %d %s 8 0 101\r\n%s%s",
			s.id, c.at, s.port, c.protocol, medium, c.lines)
		if got := inlineKey.ReplaceAllString(got, "KEY\r\n"); got != want {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
		if s.port%2 != 0 {
			t.Errorf("port %d is odd", s.port)
		}
	}
}

// opened is a session on a real socket.
func opened(t testing.TB, cfg Config) *Session {
	t.Helper()
	s, err := Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func TestSessionsThatCannotBeOpened(t *testing.T) {
	home := netip.MustParseAddr("127.0.0.1")
	for _, c := range []struct {
		name string
		cfg  Config
		want string
	}{
		{"no address", Config{}, "no local address"},
		{"an address that means any", Config{Local: netip.IPv4Unspecified()}, "cannot send to 0.0.0.0"},
		{"multicast", Config{Local: home, Public: netip.MustParseAddr("224.0.0.1")}, "cannot send to 224.0.0.1"},
		{"a word that is none", Config{Local: home, SRTP: "yes"}, `srtp is "yes"`},
		{"an address of another machine", Config{Local: netip.MustParseAddr("192.0.2.1")}, "bind"},
		{"an empty range", Config{Local: home, PortMin: 4001, PortMax: 4001}, "no even port"},
		{"a range backwards", Config{Local: home, PortMin: 4002, PortMax: 4000}, "no even port"},
		{"ports that there are not", Config{Local: home, PortMin: 65534, PortMax: 70000}, "no even port"},
	} {
		s, err := Open(c.cfg)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", c.name, err, c.want)
		}
		if err == nil {
			s.Close()
		}
	}
}

func TestAPortIsTakenFromItsRange(t *testing.T) {
	home := netip.MustParseAddr("127.0.0.1")
	first := opened(t, Config{Local: home})
	used := Config{Local: home, PortMin: first.port - 1, PortMax: first.port + 1}
	if s, err := Open(used); err == nil {
		t.Errorf("got port %d, though the only one is taken", s.port)
		s.Close()
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	if s := opened(t, used); s.port != first.port {
		t.Errorf("got port %d, want %d", s.port, first.port)
	}
}
