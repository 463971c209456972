package cloud

import (
	"net"
	"net/url"
	"time"

	"github.com/portvakt/portvakt/conf/secret"
)

// Signed is signed, for tests from outside.
func Signed(token, address string, form url.Values, signature string) bool {
	return signed(secret.New(token), address, form, signature)
}

// PollEvery makes a provider poll more often.
func (t *Telnyx) PollEvery(d time.Duration) { t.every = d }

// Address is where the listener is.
func (t *Twilio) Address() net.Addr {
	return t.at().address
}

// VoiceOf is voiceOf.
var VoiceOf = voiceOf
