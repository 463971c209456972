package cloud_test

import (
	"fmt"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/portvakt/portvakt/e2e/peer"
	"github.com/portvakt/portvakt/factors/voice/cloud"
	"github.com/portvakt/portvakt/factors/voice/cloud/cloudtest"
)

// A reload makes a provider while the one before has calls in progress: both
// take their keys at the same address, and the last to close frees it.
func TestAReloadKeepsTheListener(t *testing.T) {
	t.Parallel()
	port := peer.FreePort(t)
	here := func(c *cloud.Config) {
		c.CallbackListen = netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), uint16(port))
		c.CallbackURL = fmt.Sprintf("http://127.0.0.1:%d/call", port)
	}
	answered, pressed := make(chan struct{}), make(chan struct{})
	before := twilio(t, func(c *cloudtest.Call) {
		c.Answer()
		close(answered)
		<-pressed
		c.Press("#")
	}, here)
	if err := before.Listen(t.Context()); err != nil {
		t.Fatal(err)
	}
	ended := make(chan string, 1)
	go func() { ended <- before.call(t, approval(t, new(keypad))) }()
	<-answered

	after := twilio(t, func(c *cloudtest.Call) {
		c.Answer()
		c.Press("#")
	}, here)
	if err := after.Listen(t.Context(), before.Twilio); err != nil {
		t.Fatal(err)
	}
	if got := after.call(t, approval(t, new(keypad))); got != "approved" {
		t.Errorf("a call of the new one: %s", got)
	}
	close(pressed)
	if got := <-ended; got != "approved" {
		t.Errorf("the call in progress: %s", got)
	}
	if err := before.Close(); err != nil {
		t.Error(err)
	}
	if got := after.call(t, approval(t, new(keypad))); got != "approved" {
		t.Errorf("when the one before has closed: %s", got)
	}
	address := after.Address().String()
	if err := after.Close(); err != nil {
		t.Error(err)
	}
	if c, err := net.DialTimeout("tcp", address, time.Second); err == nil {
		_ = c.Close()
		t.Error("listens after the last has closed")
	}
}
