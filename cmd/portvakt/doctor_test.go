package main

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/portvakt/portvakt/conf"
	"github.com/portvakt/portvakt/conf/secret"
	"github.com/portvakt/portvakt/radiusd"
)

// TestDiagnosis: each row is what is seen of a FortiGate with one address, and
// what the doctor makes of it.
func TestDiagnosis(t *testing.T) {
	now := time.Now()
	ago := func(d time.Duration) latestStatus {
		return latestStatus{now.Add(-d), netip.MustParseAddr("10.1.2.1")}
	}
	for _, row := range []struct {
		what string
		see  func(cc *radiusd.ClientConfig, c *clientStatus, st *status)
		want string // ids of the findings
		says string // in one of their lines
	}{
		{"nothing", func(*radiusd.ClientConfig, *clientStatus, *status) {}, "", ""},
		{"a good day", func(_ *radiusd.ClientConfig, c *clientStatus, _ *status) {
			c.Sent, c.Clock = counts{"accept": 90, "reject": 9, "resent": 4}, clockStatus{Resend: 5, GivesUp: 60, Sends: 12, Identifier: "same", Seen: 9, Patience: 54}
		}, "", ""},
		{"another secret", func(_ *radiusd.ClientConfig, c *clientStatus, _ *status) {
			c.Dropped, c.Latest = counts{"bad_message_authenticator": 7}, map[string]latestStatus{"bad_message_authenticator": ago(time.Second)}
		}, "secret", "set secret SECRET"},
		{"another secret, unsigned", func(_ *radiusd.ClientConfig, c *clientStatus, _ *status) {
			c.Refused, c.Latest = counts{"password_garbled": 7}, map[string]latestStatus{"password_garbled": ago(time.Second), "reject": ago(time.Second)}
		}, "secret", "the secret on the device is not the one in the file"},
		{"another secret, mended since", func(_ *radiusd.ClientConfig, c *clientStatus, _ *status) {
			c.Dropped = counts{"bad_message_authenticator": 7}
			c.Latest = map[string]latestStatus{"bad_message_authenticator": ago(time.Minute), "accept": ago(time.Second)}
		}, "", ""},
		{"another secret on one node of several", func(cc *radiusd.ClientConfig, c *clientStatus, _ *status) {
			cc.Networks = []string{"10.1.2.0/28"}
			c.Dropped = counts{"bad_message_authenticator": 7}
			c.Latest = map[string]latestStatus{"bad_message_authenticator": ago(time.Minute), "accept": ago(time.Second)}
		}, "secret", "one of the devices"},
		{"another secret than radsec over TLS", func(cc *radiusd.ClientConfig, c *clientStatus, _ *status) {
			cc.Secret, cc.Networks, cc.Certificates = secret.Value{}, nil, []string{"vpn.example.org"}
			c.Dropped, c.Latest = counts{"bad_message_authenticator": 7}, map[string]latestStatus{"bad_message_authenticator": ago(time.Second)}
		}, "secret", "set its shared secret to radsec"},
		{"requests over TLS, which need no signature", func(cc *radiusd.ClientConfig, c *clientStatus, _ *status) {
			cc.Secret, cc.Networks, cc.Certificates = secret.Value{}, nil, []string{"vpn.example.org"}
			c.RequireMessageAuthenticator, c.OverTLS, c.OnlyTLS = "no", true, true
		}, "", ""},
		{"requests without a signature", func(_ *radiusd.ClientConfig, c *clientStatus, _ *status) {
			c.Dropped, c.Latest = counts{"no_message_authenticator": 3}, map[string]latestStatus{"no_message_authenticator": ago(time.Second)}
		}, "unsigned", "update FortiOS"},
		{"unsigned requests are taken", func(_ *radiusd.ClientConfig, c *clientStatus, _ *status) {
			c.RequireMessageAuthenticator = "no"
		}, "forgeable", "CVE-2024-3596"},
		{"unsigned requests are taken, and it signs", func(_ *radiusd.ClientConfig, c *clientStatus, _ *status) {
			c.RequireMessageAuthenticator, c.Notes = "no", counts{"signs_after_all": 3}
		}, "signs", `require_message_authenticator = "yes"`},
		{"unsigned requests are known of the product", func(cc *radiusd.ClientConfig, c *clientStatus, _ *status) {
			cc.Preset, cc.RequireMessageAuthenticator, c.RequireMessageAuthenticator = "pam_radius", "no", "no"
		}, "", ""},
		{"copies, whose signature and times are another server's", func(cc *radiusd.ClientConfig, c *clientStatus, _ *status) {
			cc.Shadow, c.RequireMessageAuthenticator = "rule", "no"
			c.Clock, c.Dropped = clockStatus{GivesUp: 10, Sends: 2, Seen: 5, Patience: 54}, counts{"shadow": 9}
		}, "", ""},
		{"replies are not signed", func(cc *radiusd.ClientConfig, _ *clientStatus, _ *status) {
			cc.SendMessageAuthenticator = false
		}, "replies_unsigned", ""},
		{"it gives up early", func(_ *radiusd.ClientConfig, c *clientStatus, _ *status) {
			c.Clock = clockStatus{GivesUp: 10, Sends: 2, Seen: 5, Patience: 54}
		}, "timeout", `until then here: patience = "9s"`},
		{"it gives up before its patience", func(_ *radiusd.ClientConfig, c *clientStatus, _ *status) {
			c.Clock = clockStatus{GivesUp: 45, Sends: 9, Seen: 5, Patience: 54}
		}, "patience", `patience = "40s"`},
		{"MS-CHAP", func(_ *radiusd.ClientConfig, c *clientStatus, _ *status) {
			c.Refused, c.Latest = counts{"method_not_allowed": 3}, map[string]latestStatus{"method_not_allowed": ago(time.Second)}
		}, "method", "set auth-type pap"},
		{"new identifiers without a station", func(_ *radiusd.ClientConfig, c *clientStatus, _ *status) {
			c.Notes, c.Clock = counts{"held_without_station": 2}, clockStatus{Identifier: "new port", Patience: 54}
		}, "station", "Calling-Station-Id"},
		{"new identifiers without the attribute that its block names", func(cc *radiusd.ClientConfig, c *clientStatus, _ *status) {
			cc.Preset, cc.Station = "", "PaloAlto-Client-Source-IP"
			c.Notes, c.Clock = counts{"held_without_station": 2}, clockStatus{Identifier: "new port", Patience: 54}
		}, "station", "make it send PaloAlto-Client-Source-IP"},
		{"replies that get lost", func(_ *radiusd.ClientConfig, c *clientStatus, _ *status) {
			c.Sent = counts{"accept": 5, "resent": 9}
		}, "replies", "firewall"},
		{"no room", func(_ *radiusd.ClientConfig, c *clientStatus, _ *status) {
			c.Dropped, c.Latest = counts{"client_held_full": 3}, map[string]latestStatus{"client_held_full": ago(time.Second)}
		}, "client_held_full", "raise max_held of its [[client]] block"},
		{"a neighbour", func(_ *radiusd.ClientConfig, _ *clientStatus, st *status) {
			st.Strangers = []strangerStatus{{netip.MustParseAddr("10.1.2.7"), now}, {netip.MustParseAddr("10.9.9.9"), now}}
		}, "stranger", `networks = ["10.1.2.1", "10.1.2.7"]`},
		{"a daemon that has not read the file", func(_ *radiusd.ClientConfig, c *clientStatus, _ *status) {
			c.Name = "another"
		}, "not_loaded", "reload"},
	} {
		cc := radiusd.DefaultClientConfig()
		cc, _ = cc.WithPreset(map[string]any{"preset": "fortigate"}).(radiusd.ClientConfig)
		cc.Name, cc.Preset, cc.Networks, cc.Secret = "vpn", "fortigate", []string{"10.1.2.1"}, secret.New("a-secret-of-the-doctor-test")
		c := clientStatus{Name: "vpn", RequireMessageAuthenticator: "yes", Clock: clockStatus{Patience: 54}}
		st := status{Began: now.Add(-time.Hour), Asked: now, Directory: true}
		row.see(&cc, &c, &st)
		st.Clients = []clientStatus{c}
		r := examine(cc, conf.File{Clients: []radiusd.ClientConfig{cc}}, st)
		var ids []string
		var text strings.Builder
		for _, f := range r.Findings {
			ids = append(ids, f.ID)
			if f.Seen == "" || f.Means == "" || len(f.Change) == 0 {
				t.Errorf("%s: %+v does not say all", row.what, f)
			}
		}
		r.print(&text)
		if got := strings.Join(ids, " "); got != row.want || !strings.Contains(text.String(), row.says) {
			t.Errorf("%s: found %q, want %q and %q\n%s", row.what, got, row.want, row.says, text.String())
		}
	}
}

// TestCertificatesAreTold: whoever connects and is not served is told of once, for
// all clients.
func TestCertificatesAreTold(t *testing.T) {
	r := &checkup{}
	examineDaemon(r, conf.File{}, status{Directory: true, Asked: time.Now(), Notes: counts{"unknown_certificate": 2, "tls_handshake_failed": 3}})
	if len(r.Findings) != 2 || r.Findings[0].ID != "certificate" || r.Findings[1].ID != "handshake" {
		t.Errorf("found %+v", r.Findings)
	}
	r = &checkup{}
	examineDaemon(r, conf.File{}, status{Directory: true, Asked: time.Now()})
	if len(r.Findings) != 0 {
		t.Errorf("nothing is wrong, and found %+v", r.Findings)
	}
}

func TestWhereTestRequestsGo(t *testing.T) {
	for listen, want := range map[string]string{
		"0.0.0.0:1812": "127.0.0.1:1812", "[::]:1645": "[::1]:1645", "10.1.0.5:1812": "10.1.0.5:1812",
	} {
		if got := reachable([]string{listen}); got != want {
			t.Errorf("%s: got %s, want %s", listen, got, want)
		}
	}
	wide, narrow := radiusd.ClientConfig{Name: "wide", Networks: []string{"127.0.0.0/8"}}, radiusd.ClientConfig{Name: "narrow", Networks: []string{"127.0.0.1", "nonsense"}}
	for _, order := range [][]radiusd.ClientConfig{{wide, narrow}, {narrow, wide}} {
		if got, ok := clientOf(order, netip.MustParseAddr("127.0.0.1")); !ok || got.Name != "narrow" {
			t.Errorf("got %q, %v, want the longest prefix", got.Name, ok)
		}
	}
	box := radiusd.ClientConfig{Name: "box", Networks: []string{"127.0.0.1"}, Certificates: []string{"box.example.org"}}
	if got, _ := clientOf([]radiusd.ClientConfig{wide, box}, netip.MustParseAddr("127.0.0.1")); got.Name != "wide" {
		t.Errorf("got %q, which comes over TLS alone", got.Name)
	}
	if _, ok := clientOf(slices.Concat([]radiusd.ClientConfig{wide}), netip.MustParseAddr("10.0.0.1")); ok {
		t.Error("an address of nobody has a client")
	}
}
