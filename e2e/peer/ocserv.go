package peer

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// An Ocserv is the OpenConnect VPN server, which asks RADIUS by radcli.
type Ocserv struct {
	// Inside is its address in the tunnel.
	Inside string

	ca      *CA
	process *process
}

const (
	ocservName = "gateway.example.test"
	ocservPort = 8443
)

// StartOcserv starts one at [GatewayAddress] that ends with the test; there
// must be a [Computer] before. radcli waits so long for a reply to each of 1 +
// retries requests.
func StartOcserv(t testing.TB, radius, secret string, wait time.Duration, retries int) *Ocserv {
	t.Helper()
	return startOcserv(t, radius, secret, wait, retries, "")
}

// StartOcservOverTLS starts one whose radcli asks over TLS, with the certificate
// in a PEM file; that of the server is of an authority in another.
func StartOcservOverTLS(t testing.TB, radius, ca, cert, key string) *Ocserv {
	t.Helper()
	return startOcserv(t, radius, "radsec", 10*time.Second, 1, fmt.Sprintf(radcliOverTLS, ca, cert, key))
}

func startOcserv(t testing.TB, radius, secret string, wait time.Duration, retries int, more string) *Ocserv {
	t.Helper()
	Need(t, "ocserv")
	needTun(t)
	dir := t.TempDir()
	host, _, err := net.SplitHostPort(radius)
	if err != nil {
		t.Fatal(err)
	}
	s := &Ocserv{Inside: "10.87.0.1", ca: NewCA(t)}
	cert := s.ca.Issue(t, CertRequest{Name: ocservName, Hosts: []string{ocservName}})
	client := write(t, filepath.Join(dir, "radiusclient.conf"), fmt.Sprintf(radcliConfig, radius, radius,
		write(t, filepath.Join(dir, "servers"), fmt.Sprintf("%s %s\n", host, secret)), int(wait.Seconds()), retries)+more)
	config := write(t, filepath.Join(dir, "ocserv.conf"), fmt.Sprintf(ocservConfig, client, GatewayAddress, ocservPort, ocservPort,
		filepath.Join(dir, "socket"), filepath.Join(dir, "pid"), cert.CertFile, cert.KeyFile, s.ca.File))
	s.process = start(t, &Output{}, "ocserv", "--foreground", "--config", config, "--debug", "2")
	t.Cleanup(func() {
		s.process.stop()
		if t.Failed() {
			t.Logf("log of ocserv:\n%s", s.process.log)
		}
	})
	s.process.until(t, "ocserv", listens(address(GatewayAddress, ocservPort)))
	return s
}

const radcliConfig = `
nas-identifier ocserv
authserver %s
acctserver %s
servers %s
dictionary /etc/radcli/dictionary
default_realm
radius_timeout %d
radius_retries %d
bindaddr *
`

const radcliOverTLS = `
serv-auth-type tls
tls-ca-file %s
tls-cert-file %s
tls-key-file %s
tls-verify-hostname true
`

const ocservConfig = `
auth = "radius[config=%s]"
listen-host = %s
tcp-port = %d
udp-port = %d
run-as-user = root
run-as-group = root
socket-file = %s
pid-file = %s
server-cert = %s
server-key = %s
ca-cert = %s
isolate-workers = false
max-clients = 16
sec-mod-scale = 8
max-same-clients = 0
max-ban-score = 0
auth-timeout = 60
cookie-timeout = 300
try-mtu-discovery = false
device = vpns
ipv4-network = 10.87.0.0
ipv4-netmask = 255.255.255.0
cisco-client-compat = true
`

// openconnectScript gives the tunnel its address, and touches nothing else of
// the machine.
const openconnectScript = `#!/bin/sh
[ "$reason" = connect ] || exit 0
ip link set dev "$TUNDEV" up
ip addr add "$INTERNAL_IP4_ADDRESS/24" dev "$TUNDEV"
echo "the tunnel is there: $INTERNAL_IP4_ADDRESS"
`

// Connect starts openconnect on a person's computer and types the password.
func (s *Ocserv) Connect(t testing.TB, c *Computer, user, password string) *Terminal {
	t.Helper()
	Need(t, "openconnect")
	script := write(t, filepath.Join(t.TempDir(), "script"), openconnectScript)
	if err := os.Chmod(script, 0o700); err != nil {
		t.Fatal(err)
	}
	args := c.inside("openconnect", "--protocol=anyconnect", "--user="+user, "--cafile", s.ca.File,
		"--resolve", ocservName+":"+GatewayAddress, "--script", script, "--no-dtls",
		fmt.Sprintf("https://%s:%d/", ocservName, ocservPort))
	x := onTerminal(t, args[0], args[1:]...)
	x.Answer(t, "Password:", password)
	return x
}

// Up waits for openconnect to be connected or refused.
func (s *Ocserv) Up(t testing.TB, x *Terminal) bool {
	t.Helper()
	const up = "the tunnel is there"
	return x.Await(t, up, "Login failed", "Failed to complete authentication", "unexpected 401", "Password:") == up
}
