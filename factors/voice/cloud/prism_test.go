package cloud_test

import (
	"context"
	"strings"
	"testing"

	"github.com/portvakt/portvakt/e2e/peer"
	"github.com/portvakt/portvakt/factors/voice/cloud"
	"github.com/portvakt/portvakt/factors/voice/cloud/cloudtest"
)

// Our requests, and the replies of our fake, fit the description of its API
// that Twilio publishes.
func TestRequestsFitTwiliosDescription(t *testing.T) {
	t.Parallel()
	rings := make(chan struct{})
	var prism *peer.Prism
	s := twilio(t, func(c *cloudtest.Call) {
		c.Ring()
		if c.Request.Has("SendDigits") {
			close(rings)
			<-c.Over()
			return
		}
		c.Answer()
		c.Press("#")
	}, func(c *cloud.Config) {
		prism = peer.StartPrismTwilio(t, c.URL)
		c.URL = prism.URL
	})
	path := "/2010-04-01/Accounts/" + s.fake.Account + "/Calls.json"
	if !prism.Refuses(t, path, s.fake.Account, s.fake.Token, "To=%2B4741234567&Timeout=soon") {
		t.Error("a call without From, and with a Timeout of no number, is not refused")
	}
	if got := s.call(t, approval(t, new(keypad))); got != "approved" {
		t.Errorf("got %s, want approved", got)
	}
	long := approval(t, new(keypad))
	long.Prompt.Text = strings.Repeat("å & ", 1200)
	if got := s.call(t, long); got != "approved" {
		t.Errorf("a long prompt: got %s, want approved", got)
	}
	if err := s.Check(t.Context()); err != nil {
		t.Errorf("check: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ended := make(chan error, 1)
	c := approval(t, new(keypad))
	c.To = to(t, "+4741234567;ext=12")
	go func() { ended <- s.Call(ctx, c) }()
	<-rings
	cancel()
	if got, want := outcome(t, <-ended), "stopped, rang true"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if n := len(s.fake.Stopped()); n != 1 {
		t.Errorf("%d calls ended by a request", n)
	}
	if all := prism.Complaints(); len(all) != 1 {
		t.Errorf("Prism complains of more than the first: %q", all)
	}
}
