package sip

import (
	"cmp"
	"time"

	"github.com/portvakt/portvakt/conf/secret"
	"github.com/portvakt/portvakt/factors/phone"
)

// Config is one [[call.provider]] of kind "sip". An unset key has the default
// named beside it.
type Config struct {
	Name string `mapstructure:"name"`
	// Server is the exchange: "sip:pbx.example.org",
	// "sip:10.0.0.5:5060;transport=tcp", "sips:pbx.example.org".
	Server        string       `mapstructure:"server"`
	OutboundProxy string       `mapstructure:"outbound_proxy"` // everything goes there first; none
	Domain        string       `mapstructure:"domain"`         // of the addresses of numbers; Server's host
	User          string       `mapstructure:"user"`           // the extension at the exchange; none for a trunk by address
	AuthUser      string       `mapstructure:"auth_user"`      // User
	Password      secret.Value `mapstructure:"password"`
	From          string       `mapstructure:"from"`     // the caller's number or name, perhaps with a domain; User
	Register      *bool        `mapstructure:"register"` // whether there is a User
	// Expires is how long a registration is asked to last; DefaultExpires.
	Expires time.Duration `mapstructure:"expires"`

	Local    string `mapstructure:"local"`     // address, perhaps with a port for UDP; chosen by the kernel
	PublicIP string `mapstructure:"public_ip"` // what the exchange sees behind NAT; Local
	RTPPorts string `mapstructure:"rtp_ports"` // "16384-16483", the default
	SRTP     string `mapstructure:"srtp"`      // "auto" (default), "off", "optional", "required"

	CA         string `mapstructure:"ca"`          // PEM file; the system's
	ServerName string `mapstructure:"server_name"` // in the certificate; the host that is connected to

	Number      string `mapstructure:"number"`       // "e164" (default), "00", "digits", "national"
	Country     string `mapstructure:"country"`      // of "national": numbers of others are dialled with 00
	TrunkPrefix string `mapstructure:"trunk_prefix"` // before a national number; none
	DialPrefix  string `mapstructure:"dial_prefix"`  // before every number, for an outside line; none

	Timeout  time.Duration `mapstructure:"timeout"`   // for a connection and for the first answer; DefaultTimeout
	MaxCalls int           `mapstructure:"max_calls"` // at the same time; DefaultMaxCalls
}

// Defaults and bounds of a Config.
const (
	DefaultExpires  = 10 * time.Minute
	DefaultTimeout  = 4 * time.Second
	DefaultMaxCalls = 10
	DefaultPortMin  = 16384
	DefaultPortMax  = 16483

	minExpires = time.Minute
	maxExpires = 24 * time.Hour
	minTimeout = 500 * time.Millisecond // one retransmission (RFC 3261, section 17.1.1.1, T1)
	maxTimeout = 30 * time.Second
	maxCalls   = 1000
)

// How numbers are written for the exchange.
const (
	formatE164     = "e164"
	formatZeros    = "00"
	formatDigits   = "digits"
	formatNational = "national"
)

// Whether the sound is encrypted.
const (
	srtpAuto     = "auto"
	srtpOff      = "off"
	srtpOptional = "optional"
	srtpRequired = "required"
)

func (c Config) register() bool {
	if c.Register != nil {
		return *c.Register
	}
	return c.User != ""
}

func (c Config) authUser() string       { return cmp.Or(c.AuthUser, c.User) }
func (c Config) expires() time.Duration { return cmp.Or(c.Expires, DefaultExpires) }
func (c Config) timeout() time.Duration { return cmp.Or(c.Timeout, DefaultTimeout) }
func (c Config) maxCalls() int          { return cmp.Or(c.MaxCalls, DefaultMaxCalls) }
func (c Config) numberFormat() string   { return cmp.Or(c.Number, formatE164) }

// srtp resolves "auto": the key of SDES stands in the messages, so that
// encrypted sound is worth something where they are encrypted too (RFC 4568,
// section 3.3).
func (c Config) srtp(secure bool) string {
	switch {
	case c.SRTP != "" && c.SRTP != srtpAuto:
		return c.SRTP
	case secure:
		return srtpRequired
	default:
		return srtpOff
	}
}

// dialled returns what the exchange is asked to dial.
func (c Config) dialled(n phone.Number) string {
	switch c.numberFormat() {
	case formatZeros:
		return c.DialPrefix + "00" + n.Digits()
	case formatDigits:
		return c.DialPrefix + n.Digits()
	case formatNational:
		if n.Country() != c.Country {
			// Written nationally it would be somebody else's number.
			return c.DialPrefix + "00" + n.Digits()
		}
		return c.DialPrefix + c.TrunkPrefix + n.National()
	default:
		return n.E164()
	}
}
