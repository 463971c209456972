package peer

import "testing"

// FreeRADIUSDevice starts FreeRADIUS as a device that ends and changes sessions on
// request (RFC 5176): those whose Acct-Session-Id begins with "live". It has no
// other, and says so; a Session-Timeout of 1 is too short for it.
func FreeRADIUSDevice(t testing.TB) *FreeRADIUS {
	t.Helper()
	return startFreeRADIUS(t, freeRADIUSDeviceSite, map[string]any{})
}

const freeRADIUSDeviceSite = `
modules {
	always ok {
		rcode = ok
	}
	always reject {
		rcode = reject
	}
}
server device {
	listen {
		type = coa
		ipaddr = 127.0.0.1
		port = {{.Port}}
	}
	recv-coa {
		if (&Session-Timeout == 1) {
			update reply {
				&Error-Cause := Invalid-Attribute-Value
			}
			reject
		}
		elsif (&Acct-Session-Id =~ /^live/) {
			ok
		}
		else {
			update reply {
				&Error-Cause := Session-Context-Not-Found
			}
			reject
		}
	}
	send-coa {
	}
}
`

// FreeRADIUSAccountingProxy starts FreeRADIUS as a proxy in front of an
// accounting server. It adds a Proxy-State to each request.
func FreeRADIUSAccountingProxy(t testing.TB, target FreeRADIUSTarget) *FreeRADIUS {
	t.Helper()
	return startForwarding(t, target, "acct", freeRADIUSAccountingSite, map[string]any{})
}

const freeRADIUSAccountingSite = `
modules {
}
server proxy {
	listen {
		type = acct
		ipaddr = 127.0.0.1
		port = {{.Port}}
	}
	preacct {
		update control {
			&Proxy-To-Realm := "target"
		}
	}
	accounting {
	}
}
`
