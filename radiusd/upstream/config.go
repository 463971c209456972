package upstream

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"
	"unicode"

	"github.com/portvakt/portvakt/conf/secret"
	"github.com/portvakt/portvakt/radiusd/dictionary"
)

// Config is the [upstream] section. Without a server, passwords are checked by
// the directory.
type Config struct {
	// Server are the servers, asked in order: the next one only when those
	// before it are silent.
	Server []ServerConfig `mapstructure:"server"`
	// Pass are the names of attributes that every client gets from a server's
	// Access-Accept.
	Pass []string `mapstructure:"pass"`
	// ByRule are those that reply rules let through for some; they are granted
	// too, and the rules decide whose they are.
	ByRule []string `mapstructure:"-"`
	// NASIdentifier is what the servers know us by.
	NASIdentifier string `mapstructure:"nas_identifier"`
	// Domains are the domains, short and long, that may stand with a name where
	// there is no directory: DOMAIN\alice and alice@domain then mean alice.
	Domains []string `mapstructure:"domains"`
}

// ServerConfig is an [[upstream.server]] block.
type ServerConfig struct {
	Name string `mapstructure:"name"`
	// Address and port; a name would be looked up at each sign-in.
	Address netip.AddrPort `mapstructure:"address"`
	Secret  secret.Value   `mapstructure:"secret"`
	// Timeout is how long one try waits, Tries how often a request is sent.
	Timeout time.Duration `mapstructure:"timeout"`
	Tries   int           `mapstructure:"tries"`
	// Source is the address to ask from; by default the system's choice.
	Source netip.Addr `mapstructure:"source"`
	// RequireMessageAuthenticator drops replies without one. Only a server that
	// is too old to sign needs false.
	RequireMessageAuthenticator bool `mapstructure:"require_message_authenticator"`
}

const (
	maxServers  = 8
	maxTimeout  = 30 * time.Second
	minTimeout  = 100 * time.Millisecond
	maxTries    = 10
	maxPass     = 64
	maxValue    = 253 // RFC 2865, section 5
	shortSecret = 16  // RFC 2865, section 3 asks for at least as many octets
)

// DefaultConfig has the values of keys that the file leaves out.
func DefaultConfig() Config { return Config{NASIdentifier: "portvakt"} }

// DefaultServerConfig has those of keys that a block leaves out: a server that
// is silent has cost four seconds when the next one is asked.
func DefaultServerConfig() ServerConfig {
	return ServerConfig{Timeout: 2 * time.Second, Tries: 2, RequireMessageAuthenticator: true}
}

// Enabled reports whether there is a server to ask.
func (c Config) Enabled() bool { return len(c.Server) > 0 }

// Validate returns all problems.
func (c Config) Validate() error {
	var errs []error
	add := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if !c.Enabled() && (len(c.Pass) > 0 || len(c.Domains) > 0) {
		add("server: there is none, so nothing else here has a meaning: add an [[upstream.server]] block, or remove the section")
	}
	if len(c.Server) > maxServers {
		add("server: there are %d, more than %d: people wait while they are tried", len(c.Server), maxServers)
	}
	seen := map[string]bool{}
	for i, s := range c.Server {
		for _, problem := range s.problems() {
			add("server[%d].%w", i, problem)
		}
		if key := strings.ToLower(s.Name); key != "" && seen[key] {
			add("server[%d].name: %q is there twice: logs would not tell them apart", i, s.Name)
		} else {
			seen[key] = true
		}
	}
	if c.NASIdentifier == "" || len(c.NASIdentifier) > maxValue {
		add("nas_identifier: write 1 to %d octets, or leave it out", maxValue)
	}
	for _, d := range c.Domains {
		if d == "" || strings.ContainsAny(d, `\@ `) {
			add(`domains: %q is no domain: write it as it stands with names, "EXAMPLE" or "example.org"`, d)
		}
	}
	if _, err := c.allowed(); err != nil {
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// problems are those of one server by itself.
func (s ServerConfig) problems() []error {
	var errs []error
	add := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if s.Name == "" || len(s.Name) > maxNameLen || strings.ContainsFunc(s.Name, func(r rune) bool { return !unicode.IsPrint(r) }) {
		add("name: give it a printable name of at most %d octets", maxNameLen)
	}
	if !s.Address.IsValid() || s.Address.Port() == 0 || s.Address.Addr().IsUnspecified() {
		add(`address: write the server's address and port, such as "192.0.2.10:1812"`)
	}
	if s.Secret.IsZero() {
		add("secret: is empty: make one with 24 or more random characters, and enter it at the server too (RFC 2865, section 3)")
	}
	if s.Timeout < minTimeout || s.Timeout > maxTimeout {
		add("timeout: %v is not from %v to %v", s.Timeout, minTimeout, maxTimeout)
	}
	if s.Tries < 1 || s.Tries > maxTries {
		add("tries: %d is not from 1 to %d", s.Tries, maxTries)
	}
	if s.Source.IsValid() && s.Address.IsValid() && s.Source.Is4() != s.Address.Addr().Is4() {
		add("source: %v cannot reach %v: one is of IPv4 and the other of IPv6", s.Source, s.Address)
	}
	return errs
}

// Warnings are what works and should be changed.
func (c Config) Warnings() []string {
	var all []string
	for i, s := range c.Server {
		if n := len(s.Secret.Reveal()); n > 0 && n < shortSecret {
			all = append(all, fmt.Sprintf("server[%d].secret: has fewer than %d characters and can be guessed from one packet: make one of 24 or more", i, shortSecret))
		}
		if !s.RequireMessageAuthenticator {
			all = append(all, fmt.Sprintf("server[%d].require_message_authenticator: is false: whoever can change packets on the way can turn a no into a yes (CVE-2024-3596): "+
				"update the server, and leave the key out", i))
		}
	}
	return all
}

const maxNameLen = 64

// allowed compiles Pass and ByRule.
func (c Config) allowed() (map[dictionary.ID]bool, error) {
	if len(c.Pass) > maxPass {
		return nil, fmt.Errorf("pass: %d attributes are more than %d", len(c.Pass), maxPass)
	}
	d, err := dictionary.Load()
	if err != nil {
		return nil, err
	}
	var errs []error
	allowed := map[dictionary.ID]bool{}
	for _, name := range c.Pass {
		a, err := d.Passable(name)
		if err != nil {
			errs = append(errs, fmt.Errorf("pass: %w", err))
		}
		allowed[a.ID()] = err == nil
	}
	for _, name := range c.ByRule {
		if a, err := d.Passable(name); err == nil { // else its rule has told
			allowed[a.ID()] = true
		}
	}
	return allowed, errors.Join(errs...)
}
