package preset

import "time"

// servers are machines, and servers that ask for others.
func servers() []Preset {
	return []Preset{
		{
			Name: "pam_radius", Product: "pam_radius (ssh, sudo, login)", Page: "pam_radius", Tried: true, Waits: 3 * time.Second,
			Settings: []Setting{
				question("a PAM conversation shows it"),
				patience(asked, "the page writes 60 s, the most it takes"),
				signs("no", "version 2.0.0 signs nothing"),
			},
			Fixes: Fixes{
				Timeout: "/etc/pam_radius_auth.conf: ADDRESS:1812 SECRET 60",
				Shared:  "/etc/pam_radius_auth.conf: the second word of the server's line",
				Sign:    "update pam_radius to a version that signs",
			},
		},
		{
			Name: "freeradius", Product: "FreeRADIUS as a proxy", Page: "freeradius", Tried: true, Waits: 30 * time.Second,
			Settings: []Setting{
				question("it passes questions on"),
				patience(asked, "the page sets response_window 60"),
				signs("yes", "it signs what it proxies"),
				{"limit_proxy_state", "yes", "it adds a Proxy-State, and signs"},
			},
			Fixes: Fixes{
				Timeout: "proxy.conf, home_server: response_window = 60; radiusd.conf: max_request_time = 70",
				Shared:  "proxy.conf, home_server: secret",
				Sign:    "update FreeRADIUS to 3.2.5 or later",
				Station: "keep Calling-Station-Id in pre-proxy",
			},
		},
		{
			Name: "nps", Product: "Windows NPS as a proxy", Page: "nps", Waits: 3 * time.Second,
			Settings: []Setting{
				question("it passes questions on"),
				patience(asked, "the page sets 60 s without response before a request is dropped"),
			},
			Fixes: Fixes{
				Timeout: "Remote RADIUS Server Groups > the group > the server > Load Balancing: 60 s without response before a request is considered dropped, and 60 s between requests when the server is unavailable",
				Shared:  "Remote RADIUS Server Groups > the group > the server > Authentication/Accounting: Shared secret",
				Sign:    "Remote RADIUS Server Groups > the group > the server > Authentication/Accounting: Request must contain the message authenticator attribute",
				PAP:     "Connection Request Policies > the policy > Authentication: forward to the group, and set the device itself to PAP",
			},
		},
		{
			Name: "rras", Product: "Windows Routing and Remote Access", Page: "rras", Waits: 5 * time.Second,
			Settings: []Setting{
				noQuestion("the VPN client of Windows shows none"),
				comma(),
				patience(27*time.Second, "the VPN client of Windows gives up after 30 s unless its registry says more"),
			},
			Fixes: Fixes{
				Timeout: "Routing and Remote Access > the server > Security > RADIUS Authentication > the server: Time-out 60; on the clients MaxConfigure in the registry",
				Shared:  "Routing and Remote Access > the server > Security > RADIUS Authentication > the server: Shared secret",
				Sign:    "Routing and Remote Access > the server > Security > RADIUS Authentication > the server: Always use message authenticator",
				PAP:     "Routing and Remote Access > the server > Security > Authentication Methods: only Unencrypted password (PAP), inside SSTP or L2TP/IPsec",
			},
		},
		{
			Name: "aws", Product: "AWS Directory Service", Page: "aws", Waits: 0,
			Settings: []Setting{
				noQuestion("it has one field for a code and shows no question"),
				comma(),
				patience(45*time.Second, "it waits 50 s at most"),
			},
			Fixes: Fixes{
				Timeout: "Directory Service > Directories > the directory > Networking & security > Multi-factor authentication: Server timeout 50, Max retries 0",
				Shared:  "Directory Service > Directories > the directory > Networking & security > Multi-factor authentication: Shared secret code",
				PAP:     "Directory Service > Directories > the directory > Networking & security > Multi-factor authentication: Protocol PAP",
			},
		},
	}
}
