package e2e_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/portvakt/portvakt/e2e/peer"
	"github.com/portvakt/portvakt/e2e/server"
)

// GlobalProtect signs a person in at its portal and then at its gateway. Where
// both are one group and the device is remembered, she is asked once; somebody
// with her password elsewhere is asked all the same.
func TestAPortalAndItsGatewayAskOnce(t *testing.T) {
	t.Parallel()
	const portal, gateway = "127.0.0.61", "127.0.0.62"
	globalProtect := func(name, at string) string {
		return device(name, "globalprotect", at, `group = "globalprotect"`)
	}
	_, d, seed := enrolled(t, peer.SlapdOptions{}, server.Config{More: globalProtect("portal", portal) + globalProtect("gateway", gateway) + `
[[rule]]
name = "staff"
client_groups = ["globalprotect"]
remember = "10m"
`})
	signIn := func(at, station, password string, more ...string) peer.RadclientReply {
		t.Helper()
		return d.Radclient().Send(t, append([]string{
			`User-Name = "alice"`, fmt.Sprintf("User-Password = %q", password), `NAS-Identifier = "globalprotect"`, "Message-Authenticator = 0x00",
			"Packet-Src-IP-Address = " + at, fmt.Sprintf("PaloAlto-Client-Source-IP = %q", station),
		}, more...)...)
	}
	asked := signIn(portal, "198.51.100.7", peer.UserPassword)
	state := asked.Get("State")
	if asked.Code != "Access-Challenge" || len(state) != 1 {
		t.Fatalf("the portal: %s", asked.Output)
	}
	if got := signIn(portal, "198.51.100.7", seed.Code(t), "State = "+state[0]); got.Code != "Access-Accept" {
		t.Fatalf("the code: %s", got.Output)
	}
	if got := signIn(gateway, "198.51.100.7", peer.UserPassword); got.Code != "Access-Accept" {
		t.Errorf("the gateway: %s", got.Output)
	}
	if got := signIn(gateway, "192.0.2.66", peer.UserPassword); got.Code != "Access-Challenge" {
		t.Errorf("the gateway from elsewhere: %s", got.Output)
	}
	d.AwaitCount(t, 1, `"msg":"login"`, `"client":"gateway"`, `"reason":"remembered_device"`, `"station":"198.51.100.7"`)
	if out := d.Must(t, "check", "--offline"); !strings.Contains(out, "PaloAlto-Client-Source-IP") {
		t.Errorf("check says nothing of the preset's station:\n%s", out)
	}
}
