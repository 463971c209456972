package cloud

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/portvakt/portvakt/conf/secret"
)

// Kinds of services.
const (
	KindTwilio = "twilio"
	KindTelnyx = "telnyx"
)

// Config is one [[call.provider]] of the kind "twilio" or "telnyx".
type Config struct {
	Name    string        `mapstructure:"name"`
	Kind    string        `mapstructure:"kind"`
	URL     string        `mapstructure:"url"`     // of the service; its own
	Timeout time.Duration `mapstructure:"timeout"` // of one request to it; DefaultTimeout
	CA      string        `mapstructure:"ca"`      // PEM file; the system's
	// Token is Twilio's auth token, which also signs what comes back, or
	// Telnyx's API key.
	Token secret.Value `mapstructure:"token"`

	// For kind "twilio".
	Account   string       `mapstructure:"account"`    // account SID, "AC…"
	APIKey    string       `mapstructure:"api_key"`    // "SK…": used for requests in place of the token
	APISecret secret.Value `mapstructure:"api_secret"` // of api_key
	From      string       `mapstructure:"from"`       // the number that calls, E.164
	// CallbackListen is the address that keys are posted to; CallbackURL is
	// what the service calls it, at a reverse proxy perhaps.
	CallbackListen netip.AddrPort `mapstructure:"callback_listen"`
	CallbackURL    string         `mapstructure:"callback_url"`
	CallbackCert   string         `mapstructure:"callback_cert"` // PEM files; none behind a proxy
	CallbackKey    string         `mapstructure:"callback_key"`

	// For kind "telnyx".
	Profile string `mapstructure:"profile"` // id of the Verify profile
}

const (
	// DefaultTimeout is how long one request to a service may take.
	DefaultTimeout = 5 * time.Second
	maxTimeout     = 30 * time.Second
	// maxCallbackURL leaves room for it in a document of TwiML.
	maxCallbackURL = 200
)

// addresses of the services.
var addresses = map[string]string{
	KindTwilio: "https://api.twilio.com",
	KindTelnyx: "https://api.telnyx.com",
}

// The forms of names, as the services document them.
var (
	accountForm = regexp.MustCompile(`^AC[0-9a-fA-F]{32}$`)
	keyForm     = regexp.MustCompile(`^SK[0-9a-fA-F]{32}$`)
	callForm    = regexp.MustCompile(`^CA[0-9a-fA-F]{32}$`)
	uuidForm    = regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)
	numberForm  = regexp.MustCompile(`^\+[1-9][0-9]{5,14}$`)
)

func (c Config) timeout() time.Duration {
	if c.Timeout == 0 {
		return DefaultTimeout
	}
	return c.Timeout
}

func (c Config) url() string {
	if c.URL == "" {
		return addresses[c.Kind]
	}
	return strings.TrimRight(c.URL, "/")
}

// Serves reports whether a kind is one of this package.
func Serves(kind string) bool {
	_, ok := addresses[kind]
	return ok
}

// problems collects what Validate finds.
type problems []error

func (p *problems) add(format string, args ...any) { *p = append(*p, fmt.Errorf(format, args...)) }

// Validate returns every problem of the provider, none of them with a secret.
func (c Config) Validate() error {
	var p problems
	if c.Name == "" {
		p.add("name: is not set: give the provider a name for logs")
	}
	if !Serves(c.Kind) {
		p.add("kind: %q is no service: write \"twilio\" or \"telnyx\"", c.Kind)
	}
	if c.Timeout < 0 || c.Timeout > maxTimeout {
		p.add("timeout: %v is not between 0s and %v: people wait for it", c.Timeout, maxTimeout)
	}
	if c.URL != "" {
		validateAddress(&p, "url", c.URL)
	}
	if c.Token.IsZero() {
		p.add("token: is not set: it proves to the service who asks")
	} else if strings.ContainsFunc(c.Token.Reveal(), outsideASCII) {
		p.add("token: holds a character that no header can carry, as a line break at the end of its file")
	}
	switch c.Kind {
	case KindTwilio:
		c.validateTwilio(&p)
	case KindTelnyx:
		c.validateTelnyx(&p)
	}
	return errors.Join(p...)
}

func (c Config) validateTwilio(p *problems) {
	if !accountForm.MatchString(c.Account) {
		p.add("account: %q is no account SID: write \"AC\" and 32 hexadecimal digits", c.Account)
	}
	switch {
	case c.APIKey != "" && c.APISecret.IsZero(): // told at the key that a missing file is told at
		p.add("api_secret: api_key and api_secret go together: set both or none")
	case c.APIKey == "" && !c.APISecret.IsZero():
		p.add("api_key: api_key and api_secret go together: set both or none")
	}
	if c.APIKey != "" && !keyForm.MatchString(c.APIKey) {
		p.add("api_key: %q is no API key SID: write \"SK\" and 32 hexadecimal digits", c.APIKey)
	}
	if !numberForm.MatchString(c.From) {
		p.add("from: is no number: write one that the account may call from, as \"+4777644000\"")
	}
	if !c.CallbackListen.IsValid() || c.CallbackListen.Port() == 0 {
		p.add("callback_listen: is not set: write the address that keys are posted to, as \"127.0.0.1:8445\"")
	}
	if c.CallbackURL == "" {
		p.add("callback_url: is not set: write what the service calls callback_listen, as \"https://vpn.example.org/call\"")
	} else if u := validateAddress(p, "callback_url", c.CallbackURL); u != nil && u.RawQuery != "" {
		p.add("callback_url: has a query: write it without")
	} else if len(c.CallbackURL) > maxCallbackURL {
		p.add("callback_url: has more than %d characters", maxCallbackURL)
	}
	if (c.CallbackCert == "") != (c.CallbackKey == "") {
		p.add("callback_cert: callback_cert and callback_key go together: set both, or none behind a proxy that has the certificate")
	}
	if c.CallbackCert == "" && c.CallbackListen.IsValid() && !private(c.CallbackListen.Addr()) {
		p.add("callback_listen: %v would take keys in the clear: set callback_cert and callback_key, or listen on 127.0.0.1 behind a proxy", c.CallbackListen)
	}
	if c.Profile != "" {
		p.add("profile: is only for kind = \"telnyx\": remove it")
	}
}

// private reports whether an address is not met on the internet: the machine's
// own, or that of a network between a proxy and us.
func private(a netip.Addr) bool { return a.IsLoopback() || a.IsPrivate() || a.IsLinkLocalUnicast() }

func (c Config) validateTelnyx(p *problems) {
	if !uuidForm.MatchString(c.Profile) {
		p.add("profile: %q is no id of a Verify profile: copy it from the service's portal", c.Profile)
	}
	for _, unused := range []struct {
		key string
		set bool
	}{
		{"account", c.Account != ""},
		{"api_key", c.APIKey != "" || !c.APISecret.IsZero()},
		{"from", c.From != ""},
		{"callback_listen", c.CallbackListen.IsValid()},
		{"callback_url", c.CallbackURL != ""},
		{"callback_cert", c.CallbackCert != "" || c.CallbackKey != ""},
	} {
		if unused.set {
			p.add("%s: is only for kind = \"twilio\": remove it", unused.key)
		}
	}
}

// validateAddress checks an https address; http is for this machine only.
func validateAddress(p *problems, key, address string) *url.URL {
	u, err := url.Parse(address)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || u.Fragment != "":
		p.add("%s: is no address: write \"https://host/path\"", key)
	case u.User != nil:
		p.add("%s: holds a user or password: remove it", key)
	case u.Scheme == "http" && !loopback(u.Hostname()):
		p.add("%s: http:// would carry keys and passwords in the clear: use https://", key)
	default:
		return u
	}
	return nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

func outsideASCII(r rune) bool { return r <= ' ' || r >= 0x7f }
