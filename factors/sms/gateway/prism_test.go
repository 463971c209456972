package gateway

import (
	"testing"

	"github.com/portvakt/portvakt/e2e/peer"
)

// The request of the preset, and the reply of our fake, fit the description
// that Twilio publishes.
func TestTheTwilioPresetFitsItsDescription(t *testing.T) {
	t.Parallel()
	fake := startFake(t, wantsTwilio, twilioReply(201, "queued"))
	prism := peer.StartPrismTwilio(t, fake.URL)
	if !prism.Refuses(t, "/2010-04-01/Accounts/"+fakeAccount+"/Messages.json", fakeAccount, markPassword, "From=EXAMPLE&Body=x&MessagingServiceSid=x") {
		t.Error("a message without To, by a service that is none, is not refused")
	}
	for _, cfg := range []Config{
		twilioConfig(fake, func(c *Config) { c.URL = prism.URL }),
		twilioConfig(fake, func(c *Config) { c.URL, c.Sender, c.Preset.Service = prism.URL, "", fakeService }),
	} {
		c, _ := chain(t, cfg)
		if err := c.Send(t.Context(), number(t), markText); err != nil {
			t.Error(err)
		}
	}
	if all := prism.Complaints(); len(all) != 1 {
		t.Errorf("Prism complains of more than the first: %q", all)
	}
}
