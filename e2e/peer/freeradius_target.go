package peer

import (
	"maps"
	"net"
	"testing"
)

// FreeRADIUSTarget is the server behind a proxy.
type FreeRADIUSTarget struct {
	// Addr is its IPv4 address and port.
	Addr string
	// Secret is shared by the proxy and the server.
	Secret string
	// Unsigned takes the Message-Authenticator away that FreeRADIUS adds to a
	// request: with a Proxy-State and without it is what BlastRADIUS needs.
	Unsigned bool
}

// startForwarding starts FreeRADIUS with a site that sends requests on to the
// realm target; kind is of the target, "auth" or "acct".
func startForwarding(t testing.TB, target FreeRADIUSTarget, kind, site string, values map[string]any) *FreeRADIUS {
	t.Helper()
	host, port, err := net.SplitHostPort(target.Addr)
	if err != nil {
		t.Fatalf("target of FreeRADIUS: %v", err)
	}
	maps.Copy(values, map[string]any{"Kind": kind, "Host": host, "TargetPort": port, "TargetSecret": target.Secret})
	return startFreeRADIUS(t, freeRADIUSTargetSite+site, values)
}

const freeRADIUSTargetSite = `
proxy_requests = yes
proxy server {
	default_fallback = no
}
home_server target {
	type = {{.Kind}}
	ipaddr = {{.Host}}
	port = {{.TargetPort}}
	secret = {{.TargetSecret}}
	response_window = 30
	zombie_period = 40
	status_check = status-server
	check_interval = 6
	num_answers_to_alive = 3
}
home_server_pool target {
	type = fail-over
	home_server = target
}
realm target {
	{{.Kind}}_pool = target
	nostrip
}
`
