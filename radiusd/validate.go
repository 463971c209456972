package radiusd

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/portvakt/portvakt/login"
	"github.com/portvakt/portvakt/radiusd/preset"
)

const (
	// shortSecret is where a warning begins; a secret this short falls to a
	// search over one captured packet. RFC 2865, section 3 asks for at least
	// 16 octets.
	shortSecret = 16

	maxName        = 64              // octets of a client's name
	maxPatience    = 5 * time.Minute // how long a request may be held
	maxRejectDelay = 5 * time.Second // beyond it a NAS takes the server for dead
	maxDrain       = 5 * time.Minute
	minInHand      = 16
	maxInHand      = 1 << 20
)

// Validate returns every problem of the configuration, joined.
func (c Config) Validate() error {
	var problems []error
	bad := func(format string, args ...any) { problems = append(problems, fmt.Errorf(format, args...)) }

	if len(c.Listen) == 0 && len(c.RadSec.Listen) == 0 {
		bad(`server.listen is empty: name at least one address, such as "0.0.0.0:1812"`)
	}
	for i, l := range c.Listen {
		if _, err := netip.ParseAddrPort(l); err != nil {
			bad(`server.listen: %q is not an address with a port: write it like "0.0.0.0:1812" or "[::]:1812"`, l)
		} else if slices.Contains(c.Listen[:i], l) && !strings.HasSuffix(l, ":0") {
			bad("server.listen: %q is there twice: leave one out", l)
		}
	}
	for i, l := range c.Accounting {
		if _, err := netip.ParseAddrPort(l); err != nil {
			bad(`server.accounting: %q is not an address with a port: write it like "0.0.0.0:1813" or "[::]:1813"`, l)
		} else if (slices.Contains(c.Accounting[:i], l) || slices.Contains(c.Listen, l)) && !strings.HasSuffix(l, ":0") {
			bad("server.accounting: %q is there twice, or in server.listen: leave one out", l)
		}
	}
	if c.MaxRequests < minInHand || c.MaxRequests > maxInHand {
		bad("server.max_requests is %d: choose %d to %d", c.MaxRequests, minInHand, maxInHand)
	}
	if c.MaxHeld < 0 || c.MaxHeld > maxInHand {
		bad("server.max_held is %d: choose 0 (nobody is asked elsewhere) to %d", c.MaxHeld, maxInHand)
	}
	if need := c.MaxRequests + c.MaxHeld; c.MaxReplies < need {
		bad("server.max_replies is %d: each request in hand or held needs a place, so make it at least max_requests and max_held together (%d)", c.MaxReplies, need)
	}
	if c.RejectDelay < 0 || c.RejectDelay > maxRejectDelay {
		bad("server.reject_delay is %v: choose 0s to %v", c.RejectDelay, maxRejectDelay)
	}
	if c.StatusServerRate < 0 {
		bad("server.status_server_rate is %d: choose 0 or more a second", c.StatusServerRate)
	}
	if c.Drain <= 0 || c.Drain > maxDrain {
		bad("server.drain is %v: choose more than 0s and at most %v", c.Drain, maxDrain)
	}
	problems = append(problems, c.RadSec.problems(slices.ContainsFunc(c.Clients, ClientConfig.onlyOverTLS))...)
	names := map[string]bool{}
	owner := map[netip.Prefix]string{}
	bearer := map[certificateID]string{}
	for i, cl := range c.Clients {
		at := fmt.Sprintf("client %q", cl.Name)
		if cl.Name == "" {
			at = fmt.Sprintf("client number %d", i+1)
		}
		if key := strings.ToLower(cl.Name); key != "" {
			if names[key] {
				bad("%s: another client has this name: names tell clients apart in rules and logs, choose another", at)
			}
			names[key] = true
		}
		for _, problem := range cl.problems() {
			bad("%s: %w", at, problem)
		}
		for _, s := range cl.Certificates {
			id, err := parseCertificateID(s)
			if err != nil {
				continue // among the client's own problems
			}
			if other, taken := bearer[id]; taken && other != cl.Name {
				bad("%s: certificates: client %q has %q too: a certificate can be one client's only", at, other, s)
			}
			bearer[id] = cl.Name
		}
		if !cl.OverUDP() {
			continue
		}
		for _, n := range cl.Networks {
			p, err := ParseNetwork(n)
			if err != nil {
				continue
			}
			if other, taken := owner[p]; taken {
				bad("%s: networks: client %q has %s too: an address can have one secret only", at, other, p)
				continue
			}
			owner[p] = cl.Name
		}
	}
	return errors.Join(problems...)
}

// problems are those of one client by itself.
func (c ClientConfig) problems() []error {
	var problems []error
	bad := func(format string, args ...any) { problems = append(problems, fmt.Errorf(format, args...)) }
	word := func(key, value string, allowed ...string) {
		if !slices.Contains(allowed, value) {
			bad("%s is %q: write one of %s", key, value, strings.Join(allowed, ", "))
		}
	}

	if c.Name == "" || len(c.Name) > maxName || strings.ContainsFunc(c.Name, func(r rune) bool { return !unicode.IsPrint(r) }) {
		bad("name: give it a printable name of at most %d octets", maxName)
	}
	if len(c.Networks) == 0 && c.OverUDP() {
		bad(`networks is empty: name the addresses it asks from, such as "10.1.0.0/24"`)
	}
	for _, n := range c.Networks {
		p, err := ParseNetwork(n)
		switch {
		case err != nil:
			bad("networks: %w", err)
		case p.Bits() == 0 && !c.AllowAny && c.OverUDP():
			bad("networks: %s lets the whole world guess the secret: name the networks, or set allow_any = true", p)
		}
	}
	if c.Secret.IsZero() && c.OverUDP() {
		bad("secret is empty: make one with 24 or more random characters (RFC 2865, section 3), or name the certificates that it has in RADIUS over TLS")
	}
	if !c.OldSecret.IsZero() && c.OldSecret.Equal(c.Secret) {
		bad("old_secret is the same as secret: leave it out")
	}
	if !c.OldSecret.IsZero() && !c.OverUDP() {
		bad("old_secret has no meaning without secret: leave it out")
	}
	if c.COA != "" && c.COASecret.IsZero() && !c.OverUDP() {
		bad("coa_secret is empty: requests to end sessions go over UDP and need one, since the client has no secret")
	}
	problems = append(problems, c.certificateProblems()...)
	if host, port, err := net.SplitHostPort(c.COA); c.COA != "" && (err != nil || host == "" || port == "") {
		bad(`coa is %q: write host and port, like "10.1.0.1:3799"`, c.COA)
	}
	if _, known := preset.Find(c.Preset); c.Preset != "" && !known {
		bad("%w", unknownPreset(c.Preset))
	}
	if len(c.Methods) == 0 {
		bad(`methods is empty: write methods = ["pap"]`)
	}
	for _, m := range c.Methods {
		switch m {
		case methodPAP, methodCHAP, methodMSCHAPv2:
		case "eap-ttls", "peap", "eap-tls":
			bad("methods: %q is not in this version yet: leave it out", m)
		default:
			bad(`methods: %q is unknown: this version knows "pap", "chap" and "mschapv2"`, m)
		}
	}
	word("shadow", c.Shadow, shadowOff, string(login.ShadowRule), string(login.ShadowPassword))
	word("append", c.Append, auto, appendOff, "comma", "digits")
	word("require_message_authenticator", c.RequireMessageAuthenticator, yes, auto, no)
	word("limit_proxy_state", c.LimitProxyState, yes, auto, no)
	word("on_error", c.OnError, silent, reject)
	if c.Patience != 0 && (c.Patience < time.Second || c.Patience > maxPatience) {
		bad("patience is %v: choose 1s to %v, less than the product's own timeout, or leave it out to have it learned", c.Patience, maxPatience)
	}
	if len(c.Group) > maxName || strings.ContainsFunc(c.Group, func(r rune) bool { return !unicode.IsPrint(r) }) {
		bad("group: give it a printable name of at most %d octets, the same in each client of the group", maxName)
	}
	if _, err := stationOf(c.Station); err != nil {
		bad("station: %w", err)
	}
	if c.MaxHeld < 0 {
		bad("max_held is %d: choose 0 (three quarters of the server's) or more", c.MaxHeld)
	}
	if c.MaxRequests < 0 {
		bad("max_requests is %d: choose 0 (three quarters of the server's) or more", c.MaxRequests)
	}
	if c.MaxReplyMessage < 0 || c.MaxReplyMessage > maxPacket {
		bad("max_reply_message is %d: choose 0 (no limit) to %d octets", c.MaxReplyMessage, maxPacket)
	}
	return problems
}

// Warnings are things that work and that an operator should change.
func (c Config) Warnings() []string {
	var warnings []string
	warn := func(format string, args ...any) { warnings = append(warnings, fmt.Sprintf(format, args...)) }
	members := map[string]int{}
	for _, cl := range c.Clients {
		members[cmp.Or(cl.Group, cl.Name)]++
	}
	if len(c.RadSec.Listen) > 0 && !slices.ContainsFunc(c.Clients, ClientConfig.OverTLS) {
		warn("server.radsec.listen is set, and no client may come: write certificates into its block")
	}
	for _, cl := range c.Clients {
		if cl.Group != "" && cl.Group != cl.Name && members[cl.Group] == 1 {
			warn("client %q: no other client is in the group %q: write the same group in each of them, or leave it out", cl.Name, cl.Group)
		}
		for key, s := range map[string]string{"secret": cl.Secret.Reveal(), "old_secret": cl.OldSecret.Reveal(), "coa_secret": cl.COASecret.Reveal()} {
			if s != "" && len(s) < shortSecret {
				warn("client %q: %s has fewer than %d characters and can be guessed from one packet: make one of 24 or more", cl.Name, key, shortSecret)
			}
		}
		if cl.shadowed() != login.ShadowOff {
			warn("client %q: shadow is on: its requests are decided and reported, and never answered", cl.Name)
		}
		if cl.OverTLS() && len(c.RadSec.Listen) == 0 {
			warn("client %q: certificates: nobody is served over TLS: set server.radsec.listen, or leave them out", cl.Name)
		}
		if !cl.OverUDP() {
			continue // TLS keeps what the rest is about
		}
		if cl.RequireMessageAuthenticator == no && cl.LimitProxyState == no {
			warn("client %q: require_message_authenticator and limit_proxy_state are both off: anybody between it and this server can forge an accept (CVE-2024-3596): set one of them", cl.Name)
		}
		if slices.Contains(cl.Methods, methodMSCHAPv2) || slices.Contains(cl.Methods, methodCHAP) {
			warn("client %q: methods has more than pap: whoever sees one sign-in of chap or mschapv2 can find the password by trying, without the secret: keep its requests on a network of their own", cl.Name)
		}
		if !cl.SendMessageAuthenticator {
			warn("client %q: send_message_authenticator is off: replies to it can be forged (CVE-2024-3596): update the product and set it", cl.Name)
		}
		for _, n := range cl.Networks {
			if p, err := ParseNetwork(n); err == nil && p.Bits() == 0 {
				warn("client %q: networks has %s: everybody can guess its secret: name the networks", cl.Name, p)
			}
		}
	}
	slices.Sort(warnings)
	return warnings
}

// ParseNetwork reads a network or a single address of a client.
func ParseNetwork(s string) (netip.Prefix, error) {
	p, err := netip.ParsePrefix(s)
	if err != nil {
		a, aerr := netip.ParseAddr(s)
		if aerr != nil || a.Zone() != "" {
			return netip.Prefix{}, fmt.Errorf(`%q is not a network: write it like "10.1.0.0/24" or "2001:db8::/64"`, s)
		}
		p = netip.PrefixFrom(a, a.BitLen())
	}
	if p.Addr().Is4In6() {
		return netip.Prefix{}, fmt.Errorf("%q is an IPv4 network in IPv6 form: write it as IPv4", s)
	}
	if p != p.Masked() {
		return netip.Prefix{}, fmt.Errorf("%q has bits behind its length: write %q", s, p.Masked())
	}
	return p, nil
}
