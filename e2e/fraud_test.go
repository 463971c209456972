package e2e_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/portvakt/portvakt/e2e/peer"
	"github.com/portvakt/portvakt/e2e/server"
)

// Somebody else has the password of alice and got in before; when her telephone
// rings she presses 0#, and that session ends.
func TestAReportOfFraudEndsSessions(t *testing.T) {
	t.Parallel()
	if !peer.OwnNetwork(t) {
		return
	}
	phone := peer.StartBaresip(t, peer.BaresipOptions{User: "+4790000042"})
	device := peer.FreeRADIUSDevice(t)
	site, _ := callSite{exchanges: []string{phone.Addr}, client: `patience = "50s"`, local: peer.NetworkAddress}.new(t)
	c := site.Config()
	addr := freeAddrBeside(t, site)
	c.Server = fmt.Sprintf("reject_delay = \"0s\"\naccounting = [%q]\n", addr)
	c.Client += fmt.Sprintf("\ncoa = %q\ncoa_secret = %q\n", device.Addr, device.Secret)
	c.More = strings.Replace(c.More, "[call]\n", "[call]\nfraud_disconnect = true\n", 1)
	site.Configure(t, c)
	d := site.Start(t)
	account(t, addr, server.Secret, "Start", "live-thief", `User-Name = "Alice"`, `Calling-Station-Id = "203.0.113.66"`)
	account(t, addr, server.Secret, "Start", "live-other", `User-Name = "bob"`)

	radclient := d.Radclient()
	radclient.Timeout = 60 * time.Second
	rejected := make(chan peer.RadclientReply, 1)
	go func() {
		rejected <- radclient.Send(t, alice, fmt.Sprintf("User-Password = %q", peer.UserPassword),
			`Calling-Station-Id = "203.0.113.66"`, `NAS-Identifier = "gw"`, "Message-Authenticator = 0x00")
	}()
	phone.Await(t, "CALL_ESTABLISHED")
	phone.Press(t, "0#")
	if got := <-rejected; got.Code != "Access-Reject" {
		t.Errorf("got %q", got.Code)
	}
	d.AwaitLog(t, `"msg":"session ended"`, `"reason":"fraud_reported"`, `"station":"203.0.113.66"`, `"user":"alice"`)
	if strings.Contains(device.Log(), "live-other") {
		t.Error("somebody else's session was to be ended")
	}
}
