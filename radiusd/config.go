package radiusd

import (
	"time"

	"github.com/portvakt/portvakt/conf/secret"
	"github.com/portvakt/portvakt/login"
)

// Config is the [server] section as far as RADIUS is concerned, and the
// [[client]] blocks, which whoever reads the file puts into Clients.
type Config struct {
	// Listen are the addresses of the authentication port, each with its port.
	Listen []string `mapstructure:"listen"`
	// RadSec is RADIUS over TLS.
	RadSec RadSecConfig `mapstructure:"radsec"`
	// Accounting are the addresses of the accounting port; none means that
	// accounting is not taken.
	Accounting []string `mapstructure:"accounting"`
	// MaxRequests is how many requests may be in hand at once. A quarter of
	// them is kept for answers to questions already put.
	MaxRequests int `mapstructure:"max_requests"`
	// MaxHeld is how many requests may be held for somebody who is asked
	// elsewhere; they do not count as in hand.
	MaxHeld int `mapstructure:"max_held"`
	// MaxReplies is how many replies are kept for retransmissions.
	MaxReplies int `mapstructure:"max_replies"`
	// RejectDelay is how long after its request an Access-Reject leaves at the
	// earliest, whatever its cause, so that the causes look alike.
	RejectDelay time.Duration `mapstructure:"reject_delay"`
	// StatusServerRate is how many Status-Server requests a second each client
	// gets answered; 0 answers none.
	StatusServerRate int `mapstructure:"status_server_rate"`
	// Drain is how long requests in hand may take to be answered at the end.
	Drain time.Duration `mapstructure:"drain"`
	// Clients are the devices that may ask.
	Clients []ClientConfig `mapstructure:"-"`
}

// ClientConfig is a [[client]] block: a device that may ask, or a network full
// of them.
type ClientConfig struct {
	Name string `mapstructure:"name"`
	// Networks are where it asks from; over TLS from everywhere when there are
	// none.
	Networks []string `mapstructure:"networks"`
	// AllowAny permits 0.0.0.0/0 and ::/0 in Networks.
	AllowAny bool `mapstructure:"allow_any"`
	// Secret is shared for RADIUS over UDP; a client without one does not ask
	// that way.
	Secret secret.Value `mapstructure:"secret"`
	// OldSecret is accepted beside Secret while the secret is being changed.
	OldSecret secret.Value `mapstructure:"old_secret"`
	// Certificates are those of its that it may have in RADIUS over TLS: DNS
	// names in them, or "sha256:" and their fingerprints.
	Certificates []string `mapstructure:"certificates"`
	// COA is host and port of the device that ends sessions on request (RFC
	// 5176), and COASecret its secret; by default the address that the session
	// was accounted from, port 3799, and Secret.
	COA       string       `mapstructure:"coa"`
	COASecret secret.Value `mapstructure:"coa_secret"`
	// Preset names a product of package preset: keys below that the file leaves
	// out are as it should have them.
	Preset string `mapstructure:"preset"`
	// Methods are how a password may be carried: "pap", "chap", "mschapv2".
	Methods []string `mapstructure:"methods"`
	// Challenge is whether the product can show a question.
	Challenge bool `mapstructure:"challenge"`
	// Append is how a code may be appended to the password: "off", "comma",
	// "digits", or "auto": comma for a client that cannot show a question.
	Append string `mapstructure:"append"`
	// Shadow is whether its requests are copies of those that another server
	// answers: "off", "rule", or "password" to have the password checked, too.
	// They are decided, told and never answered.
	Shadow string `mapstructure:"shadow"`
	// Group is what clients share that take over each other's sign-ins; without
	// one the client is a group of its own name.
	Group string `mapstructure:"group"`
	// Station is the attribute by which it tells where the person is; empty, and
	// in requests without it, that is Calling-Station-Id.
	Station string `mapstructure:"station"`
	// Patience is how long the client waits for an answer, in all; 0 is what
	// was learned of it, and 25 s until then.
	Patience time.Duration `mapstructure:"patience"`
	// MaxRequests is how many of its requests may be in hand; 0 means three
	// quarters of what the server may have in hand.
	MaxRequests int `mapstructure:"max_requests"`
	// MaxHeld is how many of its requests may be held; 0 means three quarters
	// of what the server may hold.
	MaxHeld int `mapstructure:"max_held"`
	// RequireMessageAuthenticator and LimitProxyState are "yes", "no" or
	// "auto": learned from the first requests and remembered.
	RequireMessageAuthenticator string `mapstructure:"require_message_authenticator"`
	LimitProxyState             string `mapstructure:"limit_proxy_state"`
	SendMessageAuthenticator    bool   `mapstructure:"send_message_authenticator"`
	// OnError is what the client gets when nothing could be decided: "silent",
	// so that it asks its next server, or "reject".
	OnError string `mapstructure:"on_error"`
	// ASCIIPrompts writes texts for the person in ASCII.
	ASCIIPrompts bool `mapstructure:"ascii_prompts"`
	// MaxReplyMessage is how many octets of text the client shows; 0 is as
	// many as a packet holds.
	MaxReplyMessage int `mapstructure:"max_reply_message"`
}

// Values of keys that are words.
const (
	yes    = "yes"
	no     = "no"
	auto   = "auto"
	silent = "silent"
	reject = "reject"

	methodPAP      = "pap"
	methodCHAP     = "chap"
	methodMSCHAPv2 = "mschapv2"

	appendOff = "off"
	shadowOff = "off"

	// defaultPatience suits a client whose own limit is 30 s.
	defaultPatience = 25 * time.Second
)

// DefaultConfig has the values of keys that the file leaves out.
func DefaultConfig() Config {
	return Config{
		Listen:           []string{"0.0.0.0:1812", "[::]:1812"},
		RadSec:           RadSecConfig{MaxConnections: 1024},
		MaxRequests:      16384,
		MaxHeld:          20000,
		MaxReplies:       1 << 17,
		RejectDelay:      time.Second,
		StatusServerRate: 10,
		Drain:            30 * time.Second,
	}
}

// DefaultClientConfig has the values of keys that a [[client]] block leaves
// out.
func DefaultClientConfig() ClientConfig {
	return ClientConfig{
		Methods:                     []string{methodPAP},
		Challenge:                   true,
		Append:                      auto,
		Shadow:                      shadowOff,
		RequireMessageAuthenticator: auto,
		LimitProxyState:             auto,
		SendMessageAuthenticator:    true,
		OnError:                     silent,
	}
}

// appended is what Append means for this client.
func (c ClientConfig) appended() login.Append {
	switch c.Append {
	case string(login.AppendComma), string(login.AppendDigits):
		return login.Append(c.Append)
	case auto:
		if !c.Challenge {
			return login.AppendComma
		}
	}
	return login.AppendOff
}

// shadowed is what Shadow means for this client.
func (c ClientConfig) shadowed() login.Shadow {
	if c.Shadow == shadowOff {
		return login.ShadowOff
	}
	return login.Shadow(c.Shadow)
}
