package email

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"golang.org/x/net/idna"

	"github.com/portvakt/portvakt/conf/secret"
	"github.com/portvakt/portvakt/factors/phone/caps"
)

// Config is the section [email]. Without a server the factor is off.
type Config struct {
	// Server is the mail server that takes our messages, "host:port".
	Server string `mapstructure:"server"`
	// TLS is "starttls", "tls" from the first octet, or "none".
	TLS string `mapstructure:"tls"`
	// CA is a PEM file of authorities; the system's when empty.
	CA string `mapstructure:"ca"`
	// Insecure allows tls = "none" to another machine.
	Insecure bool `mapstructure:"insecure"`
	// User and Password log in to the server; none when it knows us by address.
	User     string       `mapstructure:"user"`
	Password secret.Value `mapstructure:"password"`
	// From is the sender's address, perhaps with a name.
	From string `mapstructure:"from"`
	// HELO is what we call ourselves; "localhost" when empty.
	HELO string `mapstructure:"helo"`
	// Domains are those whose addresses get messages; all when empty.
	Domains []string `mapstructure:"domains"`
	// Timeout is how long one message may take.
	Timeout time.Duration `mapstructure:"timeout"`
	// AskAfter is how long the question waits for the server's answer.
	AskAfter time.Duration `mapstructure:"ask_after"`

	// The caps: messages to one account, and to all.
	PerUserHour int `mapstructure:"per_user_hour"`
	PerDay      int `mapstructure:"per_day"`
}

// Values of Config.TLS.
const (
	tlsStart = "starttls"
	tlsOnly  = "tls"
	tlsNone  = "none"
)

const (
	maxTimeout = time.Minute
	maxDomains = 64
)

// DefaultConfig returns what holds for keys that are not set.
func DefaultConfig() Config {
	d := caps.DefaultConfig(caps.Email)
	return Config{
		TLS: tlsStart, HELO: "localhost", Timeout: 15 * time.Second, AskAfter: 2 * time.Second,
		PerUserHour: d.PerUserHour, PerDay: d.PerDay,
	}
}

// Enabled reports whether there is a server to send by.
func (c Config) Enabled() bool { return c.Server != "" }

func (c Config) host() string {
	host, _, _ := net.SplitHostPort(c.Server) // validated
	return host
}

// Warnings returns what is allowed and should be known, for each start.
func (c Config) Warnings() []string {
	if !c.Enabled() {
		return nil
	}
	all := []string{"server: a code by e-mail is no proof of holding anything (NIST SP 800-63B, section 3.1.3.1): prefer any other factor"}
	if c.TLS == tlsNone {
		all = append(all, "tls: \"none\" sends codes in the clear")
	}
	return all
}

// Validate returns all problems.
func (c Config) Validate() error {
	if !c.Enabled() {
		if c.From != "" || c.User != "" || !c.Password.IsZero() {
			return errors.New("server: is not set, so nothing is sent: write \"host:port\", or remove the section")
		}
		return nil
	}
	var errs []error
	add := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	host, port, err := net.SplitHostPort(c.Server)
	if n, perr := strconv.ParseUint(port, 10, 16); err != nil || perr != nil || n == 0 || host == "" || strings.ContainsFunc(host, unsafe) {
		add("server: %q is no server: write \"host:port\", as \"mail.example.org:587\"", c.Server)
	}
	switch c.TLS {
	case tlsStart, tlsOnly:
	case tlsNone:
		if !c.Insecure && !loopback(host) {
			add("tls: \"none\" would carry codes in the clear to another machine: use \"starttls\", or set insecure = true")
		}
		if c.User != "" {
			add("user: a password is not sent without TLS: use tls = \"starttls\", or remove user and password")
		}
	default:
		add("tls: %q is not known: write \"starttls\", \"tls\" or \"none\"", c.TLS)
	}
	switch {
	case c.User != "" && c.Password.IsZero(): // told at the key that a missing file is told at
		add("password: user and password go together: set both or none")
	case c.User == "" && !c.Password.IsZero():
		add("user: user and password go together: set both or none")
	}
	if _, err := sender(c.From); err != nil {
		add("from: %w: write an address, as \"Portvakt <portvakt@example.org>\"", err)
	}
	if c.HELO == "" || strings.ContainsFunc(c.HELO, unsafe) {
		add("helo: %q is no name of a machine", c.HELO)
	}
	if len(c.Domains) > maxDomains {
		add("domains: there are %d, more than %d", len(c.Domains), maxDomains)
	}
	for i, d := range c.Domains {
		if _, err := idna.Lookup.ToASCII(d); err != nil || !strings.Contains(d, ".") {
			add("domains[%d]: %q is no domain: write what is behind the @, as \"example.org\"", i, d)
		}
	}
	if c.Timeout <= 0 || c.Timeout > maxTimeout {
		add("timeout: %v is not above 0s and up to %v", c.Timeout, maxTimeout)
	}
	if c.AskAfter <= 0 || c.AskAfter > c.Timeout {
		add("ask_after: %v is not above 0s and up to timeout: the person's device waits for it", c.AskAfter)
	}
	for _, limit := range []struct {
		key   string
		value int
	}{{"per_user_hour", c.PerUserHour}, {"per_day", c.PerDay}} {
		if limit.value < 1 || limit.value > caps.Max {
			add("%s: %d is not between 1 and %d: a cap cannot be switched off", limit.key, limit.value, caps.Max)
		}
	}
	return errors.Join(errs...)
}

func loopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.IsLoopback()
}
