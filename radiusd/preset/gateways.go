package preset

import "time"

// gateways are programs for VPNs.
func gateways() []Preset {
	return []Preset{
		{
			Name: "openvpn", Product: "OpenVPN, community edition", Page: "openvpn", Tried: true, Waits: 3 * time.Second,
			Settings: []Setting{
				question("auth-pam hands it the answer that was typed beside the password"),
				patience(asked, "the page writes 60 s into pam_radius_auth.conf"),
				signs("no", "pam_radius 2.0.0 does the asking and signs nothing"),
			},
			Fixes: Fixes{
				Timeout: "/etc/pam_radius_auth.conf: ADDRESS:1812 SECRET 60, and hand-window 120 in the server's and the clients' configuration",
				Shared:  "/etc/pam_radius_auth.conf: the second word of the server's line",
				Sign:    "update pam_radius to a version that signs",
			},
		},
		{
			Name: "openvpn-as", Product: "OpenVPN Access Server", Page: "openvpn-as",
			Settings: []Setting{
				noQuestion("its dynamic challenge fails the first try on purpose, and not every client follows"),
				comma(),
			},
			Fixes: Fixes{
				Shared: "Admin Web UI > Authentication > RADIUS: Shared Secret",
				PAP:    "Admin Web UI > Authentication > RADIUS: authentication method PAP",
				Sign:   "update Access Server to a version with its vendor's answer to CVE-2024-3596",
			},
		},
		{
			Name: "opnsense", Product: "OPNsense", Page: "opnsense", Waits: 15 * time.Second,
			Settings: []Setting{
				noQuestion("it knows yes and no only"),
				comma(),
				patience(asked, "the page sets Authentication Timeout 20, and it tries three times"),
			},
			Fixes: Fixes{
				Timeout: "System > Access > Servers > the server: Authentication Timeout 20 (it tries three times)",
				Shared:  "System > Access > Servers > the server: Shared Secret",
				Sign:    "update OPNsense: newer versions sign",
				PAP:     "System > Access > Servers > the server: Protocol PAP",
			},
		},
		{
			Name: "pfsense", Product: "pfSense", Page: "opnsense", Waits: 15 * time.Second,
			Settings: []Setting{
				noQuestion("it knows yes and no only"),
				comma(),
				patience(asked, "the page sets Authentication Timeout 20, and it tries three times"),
			},
			Fixes: Fixes{
				Timeout: "System > User Manager > Authentication Servers > the server: Authentication Timeout 20 (it tries three times)",
				Shared:  "System > User Manager > Authentication Servers > the server: Shared Secret",
				Sign:    "update pfSense: newer versions sign",
				PAP:     "System > User Manager > Authentication Servers > the server: Protocol PAP",
			},
		},
		{
			Name: "strongswan", Product: "strongSwan", Page: "strongswan", Tried: true, Waits: 14 * time.Second,
			Settings: []Setting{
				noQuestion("its XAuth does not do challenges"),
				comma(),
				patience(asked, "the page sets six tries of 10 s without growth"),
				signs("yes", "it signs every request"),
			},
			Fixes: Fixes{
				Timeout: "strongswan.conf, charon.plugins.eap-radius: retransmit_base = 1.0, retransmit_timeout = 10, retransmit_tries = 6",
				Shared:  "strongswan.conf, charon.plugins.eap-radius.servers.portvakt: secret",
				PAP:     "swanctl.conf: auth = xauth-radius, not eap-radius",
			},
		},
		{
			Name: "ocserv", Product: "ocserv (OpenConnect server)", Page: "ocserv", Tried: true, Waits: 40 * time.Second,
			Settings: []Setting{
				question("openconnect shows it as a prompt"),
				patience(asked, "the page sets radius_timeout 15 and radius_retries 3, which is 60 s"),
			},
			Fixes: Fixes{
				Timeout: "radiusclient.conf: radius_timeout 15, radius_retries 3; ocserv.conf: auth-timeout = 240",
				Shared:  "the file that radiusclient.conf names behind servers",
				Sign:    "update radcli to 1.4.0 or later",
			},
		},
		{
			Name: "pppd", Product: "pppd with radius.so (L2TP, PPTP)", Page: "pppd", Tried: true, Waits: 30 * time.Second,
			Settings: []Setting{
				noQuestion("PPP has none: a challenge is a refusal"),
				comma(),
				patience(asked, "the page sets radius_timeout 10 and radius_retries 6, which is 60 s"),
				signs("no", "it signs nothing"),
			},
			Fixes: Fixes{
				Timeout: "radiusclient.conf: radius_timeout 10, radius_retries 6",
				Shared:  "the file that radiusclient.conf names behind servers (48 characters at most)",
				PAP:     "pppd's options: require-pap in the place of require-mschap-v2, inside IPsec only",
				Station: "pppd's options: ipparam or remotenumber, with the address of the person's computer",
			},
		},
		{
			Name: "softether", Product: "SoftEther VPN", Page: "softether", Waits: 15 * time.Second,
			Settings: []Setting{
				noQuestion("it knows yes and no only"),
				comma(),
				patience(13*time.Second, "its 15 s are fixed in the program, 10 s in versions before June 2020"),
			},
			Fixes: Fixes{
				Shared: "vpncmd: RadiusServerSet ADDRESS:1812 /SECRET:SECRET /RETRY_INTERVAL:5000",
				PAP:    "use clients that send PAP: SoftEther's own, OpenVPN",
			},
		},
	}
}
