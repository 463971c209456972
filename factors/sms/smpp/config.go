package smpp

import (
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"time"

	"github.com/portvakt/portvakt/conf/secret"
	"github.com/portvakt/portvakt/factors/sms/gsm"
)

// Config are the keys that a provider has for SMPP alone. An unset key has the
// default named beside it.
type Config struct {
	Address       string        `mapstructure:"address"`        // "host:port"
	TLS           bool          `mapstructure:"tls"`            // false
	ServerName    string        `mapstructure:"server_name"`    // that the certificate has; the host of Address
	SystemType    string        `mapstructure:"system_type"`    // as the carrier says; empty
	ServiceType   string        `mapstructure:"service_type"`   // as the carrier says; empty
	Bind          string        `mapstructure:"bind"`           // "transceiver" (default), "transmitter" or "pair"
	Window        int           `mapstructure:"window"`         // requests without an answer; DefaultWindow
	EnquireLink   time.Duration `mapstructure:"enquire_link"`   // silence before the SMSC is asked; DefaultEnquireLink
	Validity      time.Duration `mapstructure:"validity"`       // how long the SMSC tries; DefaultValidity
	Alphabet      string        `mapstructure:"alphabet"`       // of the first coding: "gsm7" (default) or "latin1"
	Concatenation string        `mapstructure:"concatenation"`  // of long texts: "udh" (default) or "sar"
	SenderTONNPI  []int         `mapstructure:"sender_ton_npi"` // by the sender's form
	ToTONNPI      []int         `mapstructure:"to_ton_npi"`     // by the format of numbers
}

// Defaults of keys that are not set.
const (
	DefaultWindow      = 10
	DefaultEnquireLink = 30 * time.Second
	// DefaultValidity is how long a code is good: later it only confuses.
	DefaultValidity = 5 * time.Minute
	// DefaultTimeout is how long an answer may take.
	DefaultTimeout = 5 * time.Second
)

const (
	bindAsTransceiver = "transceiver"
	bindAsTransmitter = "transmitter"
	bindAsPair        = "pair"

	alphabetGSM7   = "gsm7"
	alphabetLatin1 = "latin1"

	concatenateUDH = "udh"
	concatenateSAR = "sar"
)

// Bounds of the keys.
const (
	maxWindow      = 1000
	minEnquireLink = time.Second
	maxEnquireLink = time.Hour
	minValidity    = time.Minute
	maxValidity    = 48 * time.Hour
	maxSystemType  = 12  // octets (SMPP 3.4, section 5.2.3)
	maxServiceType = 5   // octets (section 5.2.11)
	maxTON         = 6   // section 5.2.5
	maxNPI         = 18  // section 5.2.6
	maxCredential  = 255 // octets; the specification has 15 and 8, carriers give longer ones
)

// Options are the keys that a provider of another kind has too.
type Options struct {
	// Name is the provider's name for logs.
	Name     string
	User     string // system_id
	Password secret.Value
	// Sender is written as people see it: a name, a number or a short code.
	Sender string
	CA     string // PEM file; the system's authorities when empty
	// Timeout is how long a bind, and each answer to a request of the
	// connection itself, may take. A message has the time of its context.
	Timeout time.Duration
	// Coding is the data_coding of GSM 7-bit and of UCS-2; DefaultCoding.
	Coding [2]byte
}

// DefaultCoding is the alphabet of the SMSC and UCS-2 (SMPP 3.4, section
// 5.2.19).
var DefaultCoding = [2]byte{0x00, 0x08}

func (o Options) timeout() time.Duration {
	if o.Timeout <= 0 {
		return DefaultTimeout
	}
	return o.Timeout
}

func (o Options) coding(alphabet gsm.Coding) byte {
	both := o.Coding
	if both == [2]byte{} {
		both = DefaultCoding
	}
	if alphabet == gsm.UCS2 {
		return both[1]
	}
	return both[0]
}

func (c Config) latin1() bool { return c.Alphabet == alphabetLatin1 }

func (c Config) sar() bool { return c.Concatenation == concatenateSAR }

// Receipts reports whether receipts can come, and so are asked for.
func (c Config) Receipts() bool { return c.Bind != bindAsTransmitter }

func (c Config) window() int {
	if c.Window == 0 {
		return DefaultWindow
	}
	return c.Window
}

func (c Config) enquireLink() time.Duration {
	if c.EnquireLink == 0 {
		return DefaultEnquireLink
	}
	return c.EnquireLink
}

func (c Config) validity() time.Duration {
	if c.Validity == 0 {
		return DefaultValidity
	}
	return c.Validity
}

func (c Config) serverName() string {
	if c.ServerName != "" {
		return c.ServerName
	}
	host, _, _ := net.SplitHostPort(c.Address)
	return host
}

// Validate returns every problem of the keys.
func (c Config) Validate() error {
	var errs []error
	add := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	host, port, err := net.SplitHostPort(c.Address)
	if n, bad := strconv.ParseUint(port, 10, 16); c.Address == "" {
		add("address: is not set: write the host and port of the SMSC, as \"smsc.example.org:2775\"")
	} else if err != nil || host == "" || bad != nil || n == 0 {
		add("address: %q is not a host and a port: write \"smsc.example.org:2775\"", c.Address)
	}
	if c.ServerName != "" && !c.TLS {
		add("server_name: is of no use without TLS: set tls = true or remove it")
	}
	for _, word := range []struct {
		key, value string
		allowed    []string
	}{
		{"bind", c.Bind, []string{bindAsTransceiver, bindAsTransmitter, bindAsPair}},
		{"alphabet", c.Alphabet, []string{alphabetGSM7, alphabetLatin1}},
		{"concatenation", c.Concatenation, []string{concatenateUDH, concatenateSAR}},
	} {
		if word.value != "" && !slices.Contains(word.allowed, word.value) {
			add("%s: %q is none of %q", word.key, word.value, word.allowed)
		}
	}
	for _, text := range []struct {
		key, value string
		most       int
	}{{"system_type", c.SystemType, maxSystemType}, {"service_type", c.ServiceType, maxServiceType}} {
		if !printable(text.value) || len(text.value) > text.most {
			add("%s: is not a text of at most %d ASCII characters: write what the carrier gave you", text.key, text.most)
		}
	}
	if c.Window < 0 || c.Window > maxWindow {
		add("window: %d is not between 1 and %d: it is how many messages may wait for an answer at once", c.Window, maxWindow)
	}
	for _, d := range []struct {
		key             string
		value, from, to time.Duration
	}{{"enquire_link", c.EnquireLink, minEnquireLink, maxEnquireLink}, {"validity", c.Validity, minValidity, maxValidity}} {
		if d.value != 0 && (d.value < d.from || d.value > d.to) {
			add("%s: %v is not between %v and %v", d.key, d.value, d.from, d.to)
		}
	}
	for _, pair := range []struct {
		key   string
		value []int
	}{{"sender_ton_npi", c.SenderTONNPI}, {"to_ton_npi", c.ToTONNPI}} {
		if _, ok := tonNPI(pair.value); len(pair.value) > 0 && !ok {
			add("%s: is not a type of number (0 to %d) and a numbering plan (0 to %d): write them as [5, 0]", pair.key, maxTON, maxNPI)
		}
	}
	return errors.Join(errs...)
}

// Validate returns every problem, naming the keys as package gateway does.
func (o Options) Validate() error {
	var errs []error
	password := o.Password.Reveal()
	if o.User == "" || len(o.User) > maxCredential || !printable(o.User) {
		errs = append(errs, errors.New("user: is not a system id: write the one that the carrier gave you"))
	}
	if o.Password.IsZero() {
		errs = append(errs, errors.New("password: is not set: write the one that the carrier gave you"))
	} else if len(password) > maxCredential || !printable(password) {
		errs = append(errs, errors.New("password: holds a character that SMPP cannot carry, as a line break at the end of its file"))
	}
	if _, err := Sender(o.Sender); err != nil {
		errs = append(errs, fmt.Errorf("sender: %w", err))
	}
	return errors.Join(errs...)
}

func printable(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] >= 0x7f {
			return false
		}
	}
	return true
}

// tonNPI reads a pair of a type of number and a numbering plan.
func tonNPI(pair []int) (Address, bool) {
	if len(pair) != 2 || pair[0] < 0 || pair[0] > maxTON || pair[1] < 0 || pair[1] > maxNPI {
		return Address{}, false
	}
	return Address{TON: byte(pair[0]), NPI: byte(pair[1])}, true //nolint:gosec // G115: bounded above
}

// typed gives an address the configured type and plan, if there are any.
func typed(a Address, pair []int) Address {
	if t, ok := tonNPI(pair); ok {
		a.TON, a.NPI = t.TON, t.NPI
	}
	return a
}
