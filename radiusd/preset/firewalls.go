package preset

import "time"

// firewalls are VPN concentrators that people sign in to from afar.
func firewalls() []Preset {
	return []Preset{
		{
			Name: "fortigate", Product: "Fortinet FortiGate", Page: "fortigate", Waits: 5 * time.Second,
			Settings: []Setting{
				question("FortiClient and the web page show it"),
				patience(asked, "the page sets remoteauthtimeout 60; with its 5 s nothing but a code works"),
				signs("auto", "it signs from FortiOS 7.2.10, 7.4.5 and 7.6.1"),
			},
			Fixes: Fixes{
				Timeout: "config system global / set remoteauthtimeout 60 / end",
				Shared:  `config user radius / edit "portvakt" / set secret SECRET / end`,
				Sign:    "update FortiOS to 7.2.10, 7.4.5, 7.6.1 or later",
				PAP:     `config user radius / edit "portvakt" / set auth-type pap / end`,
			},
		},
		{
			Name: "cisco-asa", Product: "Cisco ASA and FTD", Page: "cisco-asa", Waits: 10 * time.Second,
			Settings: []Setting{
				question("Secure Client shows it"),
				patience(asked, "the page sets timeout 60 on the server and 60 in the client's profile"),
				{"max_reply_message", 200, "old versions cut what is longer, at about 235 octets"},
				{"ascii_prompts", true, "dialogs of the client show other characters wrongly in old versions"},
			},
			Fixes: Fixes{
				Timeout: "aaa-server PORTVAKT (inside) host ADDRESS / timeout 60, and Authentication Timeout 60 in Secure Client's XML profile",
				Shared:  "aaa-server PORTVAKT (inside) host ADDRESS / key SECRET",
				Sign:    "aaa-server PORTVAKT (inside) host ADDRESS / message-authenticator-required, where the version has it; else update",
				PAP:     "aaa-server PORTVAKT (inside) host ADDRESS / no mschapv2-capable, and no password-management in the tunnel group",
			},
		},
		{
			Name: "globalprotect", Product: "Palo Alto Networks GlobalProtect", Page: "globalprotect", Waits: 9 * time.Second,
			Settings: []Setting{
				question("the app and the portal show it"),
				patience(20*time.Second, "sessions were seen to end at about 25 s, whatever the server profile says"),
				{"station", "PaloAlto-Client-Source-IP", "it tells the address of the person's device there, not in Calling-Station-Id"},
			},
			Fixes: Fixes{
				Timeout: "Device > Server Profiles > RADIUS: Timeout 60, Retries 1; the web server's time-out (30 s) must be longer than both multiplied",
				Shared:  "Device > Server Profiles > RADIUS > the server: Secret",
				Sign:    "update PAN-OS to a version with its vendor's answer to CVE-2024-3596",
				PAP:     "Device > Server Profiles > RADIUS: Authentication Protocol PAP",
				Station: "on the command line: set authentication radius-vsa-on client-source-ip",
			},
		},
		{
			Name: "netscaler", Product: "Citrix NetScaler Gateway", Page: "netscaler", Waits: 3 * time.Second,
			Settings: []Setting{
				question("the logon page shows it"),
				patience(25*time.Second, "the gateway ends a sign-in after some 30 s"),
			},
			Fixes: Fixes{
				Timeout: "set authentication radiusAction portvakt -authTimeout 60",
				Shared:  "set authentication radiusAction portvakt -radKey SECRET",
				Sign:    "update it to a version with its vendor's answer to CVE-2024-3596",
				PAP:     "set authentication radiusAction portvakt -passEncoding pap",
			},
		},
		{
			Name: "ivanti", Product: "Ivanti Connect Secure", Page: "ivanti", Waits: 30 * time.Second,
			Settings: []Setting{
				question("with the custom RADIUS rule of the page; without it a challenge is a refusal"),
				patience(asked, "the page sets Timeout 60 and Retries 0"),
			},
			Fixes: Fixes{
				Timeout: "Authentication > Auth. Servers > the server: Timeout 60, Retries 0",
				Shared:  "Authentication > Auth. Servers > the server: Shared Secret",
				Sign:    "update it to a version with its vendor's answer to CVE-2024-3596",
			},
		},
		{
			Name: "sonicwall", Product: "SonicWall", Page: "sonicwall", Waits: 20 * time.Second,
			Settings: []Setting{
				question("NetExtender and the web page show it"),
				patience(asked, "the page sets RADIUS Server Timeout 60 and Retries 0"),
			},
			Fixes: Fixes{
				Timeout: "Users > Settings > RADIUS > Settings: RADIUS Server Timeout 60, Retries 0",
				Shared:  "Users > Settings > RADIUS > Settings > the server: Shared Secret (31 characters at most)",
				Sign:    "update SonicOS to a version with its vendor's answer to CVE-2024-3596",
				PAP:     "Users > Settings > RADIUS > Settings: do not force MS-CHAP or MS-CHAPv2",
			},
		},
		{
			Name: "check-point", Product: "Check Point Remote Access", Page: "check-point",
			Settings: []Setting{
				question("Endpoint Security VPN and the Mobile Access portal show it"),
			},
			Fixes: Fixes{
				Timeout: "SmartConsole > Global properties > Advanced > Configure > FireWall-1 > Authentication > RADIUS: the product of retransmissions and their time-out at least 60 s",
				Shared:  "SmartConsole > Servers > RADIUS > the server: Shared secret",
				Sign:    "install the Jumbo Hotfix with its vendor's answer to CVE-2024-3596",
				PAP:     "SmartConsole > Servers > RADIUS > the server: Protocol PAP",
			},
		},
		{
			Name: "f5", Product: "F5 BIG-IP APM", Page: "f5", Waits: 15 * time.Second,
			Settings: []Setting{
				question("the logon page of an access policy shows it"),
				patience(asked, "the page sets timeout 60 and retries 1"),
			},
			Fixes: Fixes{
				Timeout: "tmsh modify apm aaa radius portvakt timeout 60 retries 1",
				Shared:  "tmsh modify apm aaa radius portvakt secret SECRET",
				Sign:    "update BIG-IP to a version with its vendor's answer to CVE-2024-3596",
			},
		},
	}
}
