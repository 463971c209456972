package main

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/portvakt/portvakt/radiusd"
)

// TestAdvice: each row is what is seen of a client and what should be done.
func TestAdvice(t *testing.T) {
	for _, row := range []struct {
		what   string
		client clientStatus
		want   []string
	}{
		{"nothing is known", clientStatus{Clock: clockStatus{Patience: 25}}, nil},
		{"all is well", clientStatus{
			Sent: counts{"accept": 10}, Dropped: counts{"bad_message_authenticator": 1}, Notes: counts{"held_without_station": 1},
			Clock: clockStatus{Resend: 5, GivesUp: 60, Identifier: "same", Patience: 54, Learned: true},
		}, nil},
		{
			"it gives up before a call can be answered",
			clientStatus{Clock: clockStatus{GivesUp: 12, Patience: 10, Learned: true}},
			[]string{"vpn gives up after 12 s: a call needs 40 s; raise its timeout to 60 s (see docs/nas), or allow codes"},
		},
		{
			"the patience written is too long",
			clientStatus{Clock: clockStatus{GivesUp: 45, Patience: 55}},
			[]string{"patience of vpn is 55 s but it gives up after 45 s: approvals come too late"},
		},
		{
			"it would wait longer",
			clientStatus{Clock: clockStatus{Waits: 25.5, Patience: 25}},
			[]string{"vpn still waits after 25 s, when it is answered: write its timeout less a tenth as its patience, so that calls have time"},
		},
		{
			"new identifiers and no station",
			clientStatus{Notes: counts{"held_without_station": 7}, Clock: clockStatus{Identifier: "new port"}},
			[]string{"vpn sends again with a new identifier: its sign-ins are joined by where the person is, which it does not tell: portvakt doctor vpn says how"},
		},
		{"new identifiers and a station", clientStatus{Clock: clockStatus{Identifier: "new"}}, nil},
		{
			"it does not sign",
			clientStatus{RequireMessageAuthenticator: "no"},
			[]string{`vpn does not sign its requests, so that replies to it can be forged (CVE-2024-3596): make it send Message-Authenticator, then write require_message_authenticator = "yes"`},
		},
		{
			"the secret is another one",
			clientStatus{Dropped: counts{"bad_message_authenticator": 9}},
			[]string{"nothing from vpn has a good signature: its shared secret is probably another one"},
		},
		{
			"too many are held",
			clientStatus{Dropped: counts{"held_full": 2, "client_held_full": 3}},
			[]string{"5 requests of vpn found no room while others were being approved: raise max_held"},
		},
	} {
		row.client.Name = "vpn"
		if row.client.Clock.Patience == 0 {
			row.client.Clock.Patience = 25
		}
		if got := advice(row.client); !slices.Equal(got, row.want) {
			t.Errorf("%s:\ngot  %q\nwant %q", row.what, got, row.want)
		}
	}
}

// TestStatusInWords is what the operator reads.
func TestStatusInWords(t *testing.T) {
	now := time.Now()
	st := newStatus(radiusd.Stats{
		Received: 20, InHand: 3, Held: 2,
		Sent: map[string]uint64{"accept": 10, "reject": 0}, Dropped: map[string]uint64{"short": 7},
		Connections: 2, Notes: map[string]uint64{"unknown_certificate": 1, "old_secret_used": 4},
		Clients: map[string]radiusd.ClientStats{
			"vpn": {
				InHand: 3, Held: 2, Sent: map[string]uint64{"accept": 10}, RequireMessageAuthenticator: "yes", LimitProxyState: "yes",
				Clock: radiusd.Clock{
					Resend: 5 * time.Second, GivesUp: 12 * time.Second, Sends: 3, Identifier: "same", Seen: 4,
					Patience: 10 * time.Second, Learned: true,
				},
			},
			"new":  {RequireMessageAuthenticator: "auto", LimitProxyState: "auto", Clock: radiusd.Clock{Patience: 25 * time.Second}},
			"both": {RequireMessageAuthenticator: "yes", LimitProxyState: "yes", OverTLS: true, Clock: radiusd.Clock{Patience: 25 * time.Second}},
			"tls": {
				RequireMessageAuthenticator: "no", LimitProxyState: "no", OverTLS: true, OnlyTLS: true, Connections: 2,
				Clock: radiusd.Clock{Patience: 25 * time.Second},
			},
			"gone": {Sent: map[string]uint64{"accept": 1}},
		},
	}, now.Add(-time.Hour), true)
	st.Began, st.Asked, st.Version = time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC), time.Date(2026, 11, 23, 10, 5, 0, 0, time.UTC), "0.2"
	var out strings.Builder
	st.print(&out)
	const want = `portvakt 0.2 serves since 2026-11-23 08:00:00 (2h5m0s); the directory answers
requests   received 20, in hand 3, of them held 2; lost by the kernel 0
sent       accept 10
dropped    short 7
over TLS   2 connections, noticed unknown_certificate 1

client both
  in hand    0, of them held 0
  sent       nothing
  over TLS   0 connections; it may come over UDP, too
  signature  Message-Authenticator required: yes; Proxy-State without it refused: yes
  clock      not seen sending again; patience 25 s (not learned)

client new
  in hand    0, of them held 0
  sent       nothing
  signature  Message-Authenticator required: auto; Proxy-State without it refused: auto
  clock      not seen sending again; patience 25 s (not learned)

client tls
  in hand    0, of them held 0
  sent       nothing
  over TLS   2 connections
  clock      not seen sending again; patience 25 s (not learned)

client vpn
  in hand    3, of them held 2
  sent       accept 10
  signature  Message-Authenticator required: yes; Proxy-State without it refused: yes
  clock      sends again after 5 s with the same identifier, gives up after 12 s, sent 3 times; patience 10 s (learned)
  advice     vpn gives up after 12 s: a call needs 40 s; raise its timeout to 60 s (see docs/nas), or allow codes
`
	if out.String() != want {
		t.Errorf("got:\n%s\nwant:\n%s", out.String(), want)
	}
}
