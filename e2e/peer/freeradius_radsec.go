package peer

import "testing"

// FreeRADIUSOverTLS starts FreeRADIUS as a proxy in front of the realm portvakt,
// which proxy has: the text of a proxy.conf.
func FreeRADIUSOverTLS(t testing.TB, proxy string) *FreeRADIUS {
	t.Helper()
	return startFreeRADIUS(t, freeRADIUSOverTLSSite, map[string]any{"Proxy": proxy})
}

const freeRADIUSOverTLSSite = `
proxy_requests = yes
proxy server {
	default_fallback = no
}
{{.Proxy}}
modules {
}
server tls {
	listen {
		type = auth
		ipaddr = 127.0.0.1
		port = {{.Port}}
	}
	authorize {
		update control {
			&Proxy-To-Realm := "portvakt"
		}
	}
}
`
