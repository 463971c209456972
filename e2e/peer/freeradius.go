package peer

import (
	"net"
	"path/filepath"
	"strings"
	"testing"
	"text/template"
)

// FreeRADIUS is a running FreeRADIUS server that answers to 127.0.0.0/8.
type FreeRADIUS struct {
	// Addr is where it listens for Access-Requests, host and port.
	Addr string
	// Secret is shared with its clients.
	Secret string

	process *process
}

// Log is what it has written so far, attribute by attribute.
func (f *FreeRADIUS) Log() string { return f.process.log.String() }

// AwaitLog waits until all of the texts are in the log: a reply may be here before
// the line about it.
func (f *FreeRADIUS) AwaitLog(t testing.TB, texts ...string) {
	t.Helper()
	for _, text := range texts {
		f.process.until(t, "FreeRADIUS with "+text+" in its log", func() bool { return strings.Contains(f.Log(), text) })
	}
}

// FreeRADIUSProxy starts FreeRADIUS as a proxy in front of a server. It adds a
// Proxy-State to each request (RFC 2865, section 5.33), and answers
// Status-Server (RFC 5997) itself.
func FreeRADIUSProxy(t testing.TB, target FreeRADIUSTarget) *FreeRADIUS {
	t.Helper()
	return startForwarding(t, target, "auth", freeRADIUSProxySite, map[string]any{"Unsigned": target.Unsigned})
}

// What the server of [FreeRADIUSAsking] lets in, whatever the name.
const (
	FreeRADIUSPassword = "correct horse"
	FreeRADIUSCode     = "123456"
	FreeRADIUSQuestion = "Enter your one-time code:"
)

// FreeRADIUSAsking starts FreeRADIUS as a server that asks for a code after the
// password, by Access-Challenge: what a second factor looks like from outside,
// to try other peers with.
func FreeRADIUSAsking(t testing.TB) *FreeRADIUS {
	t.Helper()
	return startFreeRADIUS(t, freeRADIUSAskingSite, map[string]any{
		"Password": FreeRADIUSPassword, "Code": FreeRADIUSCode, "Question": FreeRADIUSQuestion,
	})
}

func startFreeRADIUS(t testing.TB, site string, values map[string]any) *FreeRADIUS {
	t.Helper()
	Need(t, "freeradius")
	dir, port := t.TempDir(), freeUDPPort(t)
	const secret = "radius-clients-secret-of-a-test"
	values["Dir"], values["Port"], values["Secret"] = dir, port, secret
	var config strings.Builder
	for _, part := range []string{freeRADIUSBase, site} {
		if err := template.Must(template.New("").Parse(part)).Execute(&config, values); err != nil {
			t.Fatal(err)
		}
	}
	write(t, filepath.Join(dir, "radiusd.conf"), config.String())
	return &FreeRADIUS{
		Addr:    address("127.0.0.1", port),
		Secret:  secret,
		process: startUntilSaid(t, "Ready to process requests", "freeradius", "-fxx", "-l", "stdout", "-d", dir),
	}
}

// startUntilSaid runs a daemon until the end of the test and returns when its
// log has the text ready.
func startUntilSaid(t testing.TB, ready, program string, args ...string) *process {
	t.Helper()
	p := start(t, &Output{}, program, args...)
	t.Cleanup(func() {
		p.stop()
		if t.Failed() {
			t.Logf("log of %s:\n%s", program, p.log)
		}
	})
	p.until(t, program, func() bool { return strings.Contains(p.log.String(), ready) })
	return p
}

// freeUDPPort returns a port of 127.0.0.1 that was free a moment ago: FreeRADIUS
// cannot be told to choose one.
func freeUDPPort(t testing.TB) int {
	t.Helper()
	conn, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	return conn.LocalAddr().(*net.UDPAddr).Port
}

// FreeRADIUS' parser wants each setting on a line of its own.
const freeRADIUSBase = `
prefix = /usr
name = portvakt-peer
libdir = /usr/lib/freeradius
confdir = {{.Dir}}
raddbdir = {{.Dir}}
logdir = {{.Dir}}
radacctdir = {{.Dir}}
run_dir = {{.Dir}}
max_request_time = 60
cleanup_delay = 5
max_requests = 16384
hostname_lookups = no

log {
	destination = stdout
}
security {
	max_attributes = 200
	reject_delay = 0
	status_server = yes
}
thread pool {
	start_servers = 2
	max_servers = 8
	min_spare_servers = 1
	max_spare_servers = 4
}
client tests {
	ipaddr = 127.0.0.0/8
	secret = {{.Secret}}
}
`

const freeRADIUSProxySite = `
modules {
}
server proxy {
	listen {
		type = auth
		ipaddr = 127.0.0.1
		port = {{.Port}}
	}
	authorize {
		update control {
			&Proxy-To-Realm := "target"
		}
	}
	pre-proxy {
		{{if .Unsigned}}
		update proxy-request {
			&Message-Authenticator !* ANY
		}
		{{end}}
	}
}
`

const freeRADIUSAskingSite = `
proxy_requests = no
modules {
	pap {
	}
	always handled {
		rcode = handled
	}
	always reject {
		rcode = reject
	}
}
server asking {
	listen {
		type = auth
		ipaddr = 127.0.0.1
		port = {{.Port}}
	}
	authorize {
		if (&State) {
			update control {
				&Cleartext-Password := "{{.Code}}"
				&Auth-Type := answer
			}
		}
		else {
			update control {
				&Cleartext-Password := "{{.Password}}"
				&Auth-Type := password
			}
		}
	}
	authenticate {
		Auth-Type password {
			pap
			update session-state {
				&Tmp-String-0 := "%{User-Name}"
			}
			update reply {
				&Reply-Message := "{{.Question}}"
				&Prompt := No-Echo
			}
			update control {
				&Response-Packet-Type := Access-Challenge
			}
			handled
		}
		Auth-Type answer {
			if (&session-state:Tmp-String-0 != "%{User-Name}") {
				reject
			}
			pap
		}
	}
	post-auth {
		update reply {
			&Filter-Id := "staff"
		}
	}
}
`
