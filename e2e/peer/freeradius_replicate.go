package peer

import (
	"net"
	"testing"
)

// FreeRADIUSReplicating starts FreeRADIUS as a server that decides by itself, with
// the password [FreeRADIUSPassword] for every name, and has its module replicate
// send a copy of each request to another server, whose answer nobody waits for.
func FreeRADIUSReplicating(t testing.TB, target FreeRADIUSTarget) *FreeRADIUS {
	t.Helper()
	host, port, err := net.SplitHostPort(target.Addr)
	if err != nil {
		t.Fatalf("target of the copies: %v", err)
	}
	return startFreeRADIUS(t, freeRADIUSReplicatingSite, map[string]any{
		"Host": host, "TargetPort": port, "TargetSecret": target.Secret, "Password": FreeRADIUSPassword,
	})
}

const freeRADIUSReplicatingSite = `
proxy_requests = yes
modules {
	pap {
	}
	replicate {
	}
}
proxy server {
	default_fallback = no
}
home_server portvakt {
	type = auth
	ipaddr = {{.Host}}
	port = {{.TargetPort}}
	secret = {{.TargetSecret}}
	status_check = none
}
home_server_pool portvakt {
	type = fail-over
	home_server = portvakt
}
realm portvakt {
	auth_pool = portvakt
	nostrip
}
server decides {
	listen {
		type = auth
		ipaddr = 127.0.0.1
		port = {{.Port}}
	}
	authorize {
		update control {
			&Replicate-To-Realm := "portvakt"
			&Cleartext-Password := "{{.Password}}"
			&Auth-Type := pap
		}
		replicate
	}
	authenticate {
		Auth-Type pap {
			pap
		}
	}
}
`
