package sip

import (
	"strings"
	"testing"
)

func TestSoundInTheClearIsWarnedOf(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		server, proxy, srtp string
		want                string // none when it is empty
	}{
		{"sip:pbx.example.org", "", "", `"sips:`},
		{"sip:10.0.0.5;transport=tcp", "", "auto", `"sips:`},
		{"sip:[2001:db8::1]:5060", "", "off", `"sips:`},
		{"sip:pbx.example.org", "", "optional", "key"},
		{"sips:pbx.example.org", "", "off", `srtp = "auto"`},
		{"sip:pbx.example.org;transport=tls", "", "off", `srtp = "auto"`},
		{"sip:127.0.0.1", "sip:10.0.0.5", "", `"sips:`},
		{"sips:pbx.example.org", "", "", ""},
		{"sips:pbx.example.org", "", "optional", ""},
		{"sips:pbx.example.org", "", "required", ""},
		{"sip:pbx.example.org", "sips:edge.example.org", "", ""},
		{"sip:127.0.0.1:5080", "", "", ""},
		{"sip:[::1]", "", "off", ""},
		{"sip:localhost;transport=tcp", "", "optional", ""},
		{"sip:pbx.example.org", "sip:127.0.0.1", "", ""},
		{"no address", "", "", ""}, // Validate says so
	} {
		got := strings.Join(Config{Server: row.server, OutboundProxy: row.proxy, SRTP: row.srtp}.Warnings(), "; ")
		if (got == "") != (row.want == "") || !strings.Contains(got, row.want) || got != "" && !strings.HasPrefix(got, "srtp: ") {
			t.Errorf("%s by %q, srtp %q: got %q, want something with %q", row.server, row.proxy, row.srtp, got, row.want)
		}
	}
}
