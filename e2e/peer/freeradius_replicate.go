package peer

import "testing"

// FreeRADIUSReplicating starts FreeRADIUS as a server that decides by itself, with
// the password [FreeRADIUSPassword] for every name, and has its module replicate
// send a copy of each request to another server, whose answer nobody waits for.
func FreeRADIUSReplicating(t testing.TB, target FreeRADIUSTarget) *FreeRADIUS {
	t.Helper()
	return startForwarding(t, target, "auth", freeRADIUSReplicatingSite, map[string]any{"Password": FreeRADIUSPassword})
}

const freeRADIUSReplicatingSite = `
modules {
	pap {
	}
	replicate {
	}
}
server decides {
	listen {
		type = auth
		ipaddr = 127.0.0.1
		port = {{.Port}}
	}
	authorize {
		update control {
			&Replicate-To-Realm := "target"
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
