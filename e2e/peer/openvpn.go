package peer

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// OpenVPNOptions say how a server asks RADIUS.
type OpenVPNOptions struct {
	// Radius is the RADIUS server, Secret shared with it. For the plug-in the
	// port must have four digits: it cuts longer ones.
	Radius, Secret string
	// PAM is the service that auth-pam asks; the plug-in radiusplugin asks
	// RADIUS when it is nil.
	PAM *PAMService
	// Wait is how long radiusplugin waits for a reply before it sends again, and
	// Retries how often it does.
	Wait    time.Duration
	Retries int
	// More are further lines of the server's configuration.
	More string
}

// An OpenVPN is a server of OpenVPN's community edition that knows people by
// name and password only.
type OpenVPN struct {
	// Inside is its address in the tunnel.
	Inside string

	port    int
	ca      *CA
	process *process
}

const (
	openVPNReady = "Initialization Sequence Completed"
	openVPNName  = "gateway.example.test"

	accountingPort = "1813"
)

// StartOpenVPN starts one at [GatewayAddress] that ends with the test; there
// must be a [Computer] before.
func StartOpenVPN(t testing.TB, o OpenVPNOptions) *OpenVPN {
	t.Helper()
	Need(t, "openvpn")
	needTun(t)
	dir := t.TempDir()
	ca := NewCA(t)
	cert := ca.Issue(t, CertRequest{Name: openVPNName})
	v := &OpenVPN{Inside: "10.86.0.1", port: 1194, ca: ca}
	config := filepath.Join(dir, "server.conf")
	var plugin string
	if o.PAM == nil {
		plugin = fmt.Sprintf("plugin %s %s", needModule(t, "radiusplugin.so", openVPNPlugins), v.radiusplugin(t, dir, config, o))
	} else {
		plugin = fmt.Sprintf(openVPNByPAM, needModule(t, "openvpn-plugin-auth-pam.so", openVPNPlugins), o.PAM.Name)
	}
	ccd := filepath.Join(dir, "ccd")
	if err := os.Mkdir(ccd, 0o700); err != nil {
		t.Fatal(err)
	}
	write(t, config, fmt.Sprintf(openVPNServer, GatewayAddress, v.port, ca.File, cert.CertFile, cert.KeyFile,
		ccd, filepath.Join(dir, "status.log"), plugin, o.More))
	if o.PAM == nil {
		host, _, _ := net.SplitHostPort(o.Radius)
		Accounting(t, net.JoinHostPort(host, accountingPort), o.Secret)
	}
	v.process = startUntilSaid(t, openVPNReady, "openvpn", "--config", config)
	return v
}

// openVPNPlugins are the folders that Debian packages put plug-ins into.
var openVPNPlugins = []string{"/usr/lib/openvpn", "/usr/lib/*/openvpn/plugins"}

// openVPNByPAM says what to answer to a prompt that begins so, and not to stand
// still meanwhile.
const openVPNByPAM = `setenv deferred_auth_pam 1
plugin %s "%s login USERNAME Password PASSWORD Enter OTP"`

const openVPNServer = `
proto udp
local %s
port %d
dev tun
topology subnet
server 10.86.0.0 255.255.255.0
ca %s
cert %s
key %s
dh none
verify-client-cert none
username-as-common-name
client-config-dir %s
status %s 1
keepalive 10 60
verb 3
%s
%s
`

// radiusplugin writes the plug-in's file. It reads OpenVPN's configuration too,
// and insists on accounting.
func (v *OpenVPN) radiusplugin(t testing.TB, dir, config string, o OpenVPNOptions) string {
	t.Helper()
	host, port, err := net.SplitHostPort(o.Radius)
	if err != nil || len(port) != 4 {
		t.Fatalf("radiusplugin takes an address with a port of four digits, not %q", o.Radius)
	}
	return write(t, filepath.Join(dir, "radiusplugin.cnf"), fmt.Sprintf(`NAS-Identifier=openvpn
Service-Type=5
Framed-Protocol=1
NAS-Port-Type=5
NAS-IP-Address=%s
OpenVPNConfig=%s
subnet=255.255.255.0
overwriteccfiles=true
useauthcontrolfile=true
nonfatalaccounting=true
server
{
	acctport=%s
	authport=%s
	name=%s
	retry=%d
	wait=%d
	sharedsecret=%s
}
`, GatewayAddress, config, accountingPort, port, host, o.Retries, int(o.Wait.Seconds()), o.Secret))
}

// Log is what the server has written so far.
func (v *OpenVPN) Log() string { return v.process.log.String() }

// Connect starts a client on a person's computer and types name and password.
// lines are added to its configuration.
func (v *OpenVPN) Connect(t testing.TB, c *Computer, user, password string, lines ...string) *Terminal {
	t.Helper()
	config := write(t, filepath.Join(t.TempDir(), "client.conf"), fmt.Sprintf(openVPNClient,
		GatewayAddress, v.port, v.ca.File, openVPNName)+strings.Join(lines, "\n")+"\n")
	args := c.inside("openvpn", "--config", config)
	x := onTerminal(t, args[0], args[1:]...)
	x.Answer(t, "Enter Auth Username:", user)
	x.Answer(t, "Enter Auth Password:", password)
	return x
}

// Up waits for the client to be connected or refused.
func (v *OpenVPN) Up(t testing.TB, x *Terminal) bool {
	t.Helper()
	return x.Await(t, openVPNReady, "AUTH_FAILED") == openVPNReady
}

const openVPNClient = `
client
dev tun
proto udp
remote %s %d
ca %s
verify-x509-name %s name
remote-cert-tls server
auth-retry none
auth-user-pass
nobind
verb 3
connect-retry-max 1
hand-window 60
`

// needTun is Need for tunnels in user space.
func needTun(t testing.TB) {
	t.Helper()
	NeedRoot(t)
	if _, err := os.Stat("/dev/net/tun"); err == nil {
		return
	}
	if os.Getenv("CI") == "true" {
		t.Fatal("/dev/net/tun is missing, and may not be when CI=true")
	}
	t.Skip("SKIPPED, NOT TESTED: /dev/net/tun is missing")
}

// needModule is Need for a file that a program loads, in one of some folders.
// It returns its path.
func needModule(t testing.TB, name string, folders []string) string {
	t.Helper()
	for _, folder := range folders {
		if found, _ := filepath.Glob(filepath.Join(folder, name)); len(found) > 0 {
			return found[0]
		}
	}
	Need(t, name)
	return ""
}
