package preset

import "time"

// networks are routers, switches and access points.
func networks() []Preset {
	return []Preset{
		{
			Name: "mikrotik", Product: "MikroTik RouterOS", Page: "mikrotik", Waits: 900 * time.Millisecond,
			Settings: []Setting{
				noQuestion("it knows yes and no only"),
				comma(),
				patience(asked, "the page sets timeout=20s, and it sends three times"),
			},
			Fixes: Fixes{
				Timeout: "/radius set [find comment=portvakt] timeout=20s",
				Shared:  "/radius set [find comment=portvakt] secret=SECRET",
				Sign:    "/radius set [find comment=portvakt] require-message-auth=yes-for-request-resp (RouterOS 7.15 and later)",
				PAP:     "/ppp profile and the VPN server: authentication=pap; Winbox and Webfig log in with CHAP always, so use ssh",
			},
		},
		{
			Name: "meraki", Product: "Cisco Meraki MX client VPN", Page: "meraki", Waits: 15 * time.Second,
			Settings: []Setting{
				noQuestion("the VPN clients of the operating systems show none"),
				comma(),
				patience(13*time.Second, "it waits 5 s three times; only Meraki's support can change that"),
			},
			Fixes: Fixes{
				Timeout: "ask Meraki's support for a RADIUS time-out of 60 s for client VPN",
				Shared:  "Security & SD-WAN > Client VPN > RADIUS servers: Secret",
				Sign:    "update the MX to a version with its vendor's answer to CVE-2024-3596",
			},
		},
		{
			Name: "aruba", Product: "HPE Aruba controllers and Instant", Page: "aruba", Waits: 20 * time.Second,
			Settings: []Setting{
				noQuestion("its captive portal and VIA are not known to show one"),
				comma(),
				patience(asked, "the page sets timeout 20 and retransmit 2"),
				{"on_error", "reject", "a server that is silent is out of service for ten minutes where there is a second one"},
			},
			Fixes: Fixes{
				Timeout: "aaa authentication-server radius portvakt / timeout 20 / retransmit 2",
				Shared:  "aaa authentication-server radius portvakt / key SECRET",
				Sign:    "update AOS to a version with its vendor's answer to CVE-2024-3596",
				PAP:     "aaa authentication captive-portal PROFILE / auth-protocol pap",
			},
		},
		{
			Name: "unifi", Product: "UniFi gateway (VPN)", Page: "unifi",
			Settings: []Setting{
				noQuestion("the VPN clients of the operating systems show none"),
				comma(),
				signs("auto", "not every model signs"),
			},
			Fixes: Fixes{
				Shared: "Settings > Profiles > RADIUS > the profile > Authentication Servers: Shared Secret",
				Sign:   "update the gateway",
				PAP:    "set the VPN clients to PAP inside L2TP/IPsec",
			},
		},
	}
}
