package sip

import (
	"cmp"
	"errors"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/portvakt/portvakt/factors/phone"
)

var (
	dialDigits = regexp.MustCompile(`^[0-9*]{0,8}$`)
	userPart   = regexp.MustCompile(`^[A-Za-z0-9+._*~-]{1,64}$`)
	hostPart   = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9.-]{0,252}[A-Za-z0-9])?$`)
)

// Validate returns every problem of the provider, none of them with a secret.
func (c Config) Validate() error {
	var errs []error
	add := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if c.Name == "" {
		add("name: is not set: give the provider a name for logs")
	}
	server, err := parseTarget(c.Server)
	switch {
	case c.Server == "":
		add("server: is not set: write the exchange, as \"sip:pbx.example.org\"")
	case err != nil:
		add("server: %w: write it as \"sip:pbx.example.org\", \"sip:10.0.0.5;transport=tcp\" or \"sips:pbx.example.org\"", err)
	}
	if c.OutboundProxy != "" {
		proxy, err := parseTarget(c.OutboundProxy)
		if err != nil {
			add("outbound_proxy: %w: write it as \"sip:proxy.example.org\"", err)
		} else if server.secure() && !proxy.secure() {
			add("outbound_proxy: %q is not encrypted, but server is: write \"sips:\" or \";transport=tls\"", c.OutboundProxy)
		}
	}
	if c.Domain != "" && !validHost(c.Domain) {
		add("domain: %q is not a domain: write a name or an address without a port", c.Domain)
	}
	for _, u := range []struct{ key, value string }{{"user", c.User}, {"auth_user", c.AuthUser}} {
		if u.value != "" && !userPart.MatchString(u.value) {
			add("%s: holds a character that no SIP user has: write the part before the @ only", u.key)
		}
	}
	if user, host, both := strings.Cut(c.From, "@"); c.From != "" && (!userPart.MatchString(user) || both && !validHost(host)) {
		add("from: is not a caller: write a number or name, perhaps with \"@domain\"")
	}
	c.validateAuth(add)
	c.validateAddresses(add)
	c.validateNumber(add)
	c.validateMedia(add, server.secure())
	if c.Expires != 0 && (c.Expires < minExpires || c.Expires > maxExpires) {
		add("expires: %v is not between %v and %v", c.Expires, minExpires, maxExpires)
	}
	if c.Timeout != 0 && (c.Timeout < minTimeout || c.Timeout > maxTimeout) {
		add("timeout: %v is not between %v and %v", c.Timeout, minTimeout, maxTimeout)
	}
	if c.MaxCalls < 0 || c.MaxCalls > maxCalls {
		add("max_calls: %d is not between 1 and %d", c.MaxCalls, maxCalls)
	}
	return errors.Join(errs...)
}

func validHost(s string) bool {
	_, err := netip.ParseAddr(s)
	return err == nil || hostPart.MatchString(s)
}

func (c Config) validateAuth(add func(string, ...any)) {
	if c.authUser() == "" && !c.Password.IsZero() {
		add("user: is not set, but there is a password: set the user that it belongs to")
	}
	if c.authUser() != "" && c.Password.IsZero() {
		add("password: is not set, but there is a user: set it, or remove the user when the exchange knows this machine by its address")
	}
	if strings.ContainsAny(c.Password.Reveal(), "\r\n\x00") {
		add("password: holds a line break, as at the end of its file")
	}
	if c.Register != nil && *c.Register && c.User == "" {
		add("register: there is no user to register: set user, or register = false")
	}
}

func (c Config) validateAddresses(add func(string, ...any)) {
	if _, err := parseLocal(c.Local); err != nil {
		add("local: %q is not an address of this machine: write \"10.0.0.7\" or \"10.0.0.7:5060\"", c.Local)
	}
	if c.PublicIP != "" {
		if a, err := netip.ParseAddr(c.PublicIP); err != nil || a.IsUnspecified() {
			add("public_ip: %q is not an IP address: write what the exchange sees of this machine", c.PublicIP)
		}
	}
}

func (c Config) validateNumber(add func(string, ...any)) {
	formats := []string{formatE164, formatZeros, formatDigits, formatNational}
	if !slices.Contains(formats, c.numberFormat()) {
		add("number: %q is not a format: write \"e164\", \"00\", \"digits\" or \"national\"", c.Number)
	}
	if (c.numberFormat() == formatNational) != (c.Country != "") {
		add("country: belongs to number = \"national\": set both or none")
	} else if c.Country != "" && !phone.KnownCountry(c.Country) {
		add("country: %q is not a country: write its two capital letters (ISO 3166-1), as \"NO\"", c.Country)
	}
	if c.TrunkPrefix != "" && c.numberFormat() != formatNational {
		add("trunk_prefix: is only for number = \"national\": remove it")
	}
	if c.DialPrefix != "" && c.numberFormat() == formatE164 {
		add("dial_prefix: cannot stand before a plus sign: set number = \"00\" or \"national\" as well")
	}
	if !dialDigits.MatchString(c.DialPrefix) || !dialDigits.MatchString(c.TrunkPrefix) {
		add("dial_prefix: a prefix is at most eight of 0-9 and *")
	}
}

func (c Config) validateMedia(add func(string, ...any), secure bool) {
	if _, _, err := parsePorts(c.RTPPorts); err != nil {
		add("rtp_ports: %w: write two ports, as \"16384-16483\"", err)
	}
	switch c.SRTP {
	case "", srtpAuto, srtpOff, srtpOptional:
	case srtpRequired:
		if !secure && c.Server != "" {
			add("srtp: \"required\" without TLS sends the key of the sound in the clear: use \"sips:\" for server, or srtp = \"optional\"")
		}
	default:
		add("srtp: %q is not known: write \"auto\", \"off\", \"optional\" or \"required\"", c.SRTP)
	}
	if !secure && (c.CA != "" || c.ServerName != "") {
		add("ca: ca and server_name are for TLS: use \"sips:\" for server, or remove them")
	}
}

// Warnings returns what is allowed and should be known. A PIN is keyed and a code
// is told in the sound, which whoever is on the way can listen to.
func (c Config) Warnings() []string {
	hop, err := parseTarget(cmp.Or(c.OutboundProxy, c.Server))
	if err != nil || hop.local() {
		return nil
	}
	const heard = "who listens on the way to the exchange hears codes and sees PINs"
	switch sound := c.srtp(hop.secure()); {
	case sound == srtpOff && hop.secure():
		return []string{"srtp: is off: " + heard + ": write srtp = \"auto\" if the exchange can"}
	case sound == srtpOff:
		return []string{"srtp: the sound of calls is not encrypted: " + heard + ": write \"sips:\" for server if the exchange can, or keep the way to it on a network of its own"}
	case !hop.secure():
		return []string{"srtp: without TLS the key of the sound is sent in the clear: " + heard + ": write \"sips:\" for server if the exchange can"}
	}
	return nil
}

// parsePorts reads "16384-16483". RTP takes even ports (RFC 3550, section 11),
// so that a range of two has one.
func parsePorts(s string) (low, high int, err error) {
	if s == "" {
		return DefaultPortMin, DefaultPortMax, nil
	}
	first, last, _ := strings.Cut(s, "-")
	low, err = strconv.Atoi(strings.TrimSpace(first))
	if err == nil {
		high, err = strconv.Atoi(strings.TrimSpace(last))
	}
	if err != nil {
		return 0, 0, fmt.Errorf("%q is not a range", s)
	}
	if low < 1024 || high > 65535 || high <= low {
		return 0, 0, fmt.Errorf("%q is not a range within 1024 and 65535", s)
	}
	return low, high, nil
}

// parseLocal reads an address with or without a port; zero for "".
func parseLocal(s string) (netip.AddrPort, error) {
	if s == "" {
		return netip.AddrPort{}, nil
	}
	if a, err := netip.ParseAddr(s); err == nil {
		return netip.AddrPortFrom(a, 0), nil
	}
	return netip.ParseAddrPort(s)
}
