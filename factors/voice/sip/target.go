package sip

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"

	"github.com/emiago/sipgo/sip"
)

// Transports, as sipgo writes them.
const (
	transportUDP = "UDP"
	transportTCP = "TCP"
	transportTLS = "TLS"
)

// A target is an exchange or a proxy, as the configuration names it.
type target struct {
	host      string // without brackets
	port      int    // 0 when it is looked up (RFC 3263)
	transport string
}

func (t target) secure() bool { return t.transport == transportTLS }

// local reports whether it is this machine.
func (t target) local() bool {
	a, err := netip.ParseAddr(t.host)
	return err == nil && a.Unmap().IsLoopback() || strings.EqualFold(t.host, "localhost")
}

// reliable reports whether there are connections.
func (t target) reliable() bool { return t.transport != transportUDP }

// uri is the target in a message, for a user at it. "sips:" is written as
// "sip:" over TLS: it would ask for TLS on every way behind the exchange, to
// the telephone, which exchanges refuse.
func (t target) uri(user, host string) sip.Uri {
	u := sip.Uri{Scheme: "sip", User: user, Host: t.host, Port: t.port}
	if host != "" {
		u.Host, u.Port = host, 0
	}
	if t.reliable() {
		u.UriParams = sip.HeaderParams{{K: "transport", V: strings.ToLower(t.transport)}}
	}
	return u
}

// parseTarget reads "sip:host:port;transport=tcp".
func parseTarget(s string) (target, error) {
	var u sip.Uri
	if err := sip.ParseUri(s, &u); err != nil {
		return target{}, fmt.Errorf("%q is not a SIP address", s)
	}
	t := target{host: strings.Trim(u.Host, "[]"), port: u.Port, transport: transportUDP}
	switch {
	case u.Scheme != "sip" && u.Scheme != "sips", u.HierarhicalSlashes:
		return target{}, fmt.Errorf("%q is not a sip: or sips: address", s)
	case u.User != "" || u.Password != "":
		return target{}, errors.New("a user belongs into the key user")
	case !validHost(t.host), t.port < 0 || t.port > 65535:
		return target{}, fmt.Errorf("%q has no host", s)
	case u.Headers.Length() > 0:
		return target{}, fmt.Errorf("%q has more than a host, a port and a transport", s)
	}
	if u.Scheme == "sips" {
		t.transport = transportTLS
	}
	for _, p := range u.UriParams {
		transport := strings.ToUpper(p.V)
		if !strings.EqualFold(p.K, "transport") || transport != transportUDP && transport != transportTCP && transport != transportTLS {
			return target{}, fmt.Errorf("%q has more than a host, a port and a transport of udp, tcp or tls", s)
		}
		if u.Scheme == "sips" && transport == transportUDP {
			return target{}, fmt.Errorf("%q cannot be encrypted over udp", s)
		}
		if u.Scheme == "sip" {
			t.transport = transport
		}
	}
	return t, nil
}

// maxAddresses bounds how many addresses of one exchange are tried.
const maxAddresses = 4

// resolve returns the target's addresses in order (RFC 3263, section 4.2):
// those of its SRV records when it has no port and such records exist.
func (t target) resolve(ctx context.Context, r *net.Resolver) ([]netip.AddrPort, error) {
	port := uint16(t.port) //nolint:gosec // parseTarget bounds it
	if port == 0 {
		port = uint16(sip.DefaultPort(t.transport)) //nolint:gosec // 5060 or 5061
	}
	if a, err := netip.ParseAddr(t.host); err == nil {
		return []netip.AddrPort{netip.AddrPortFrom(a, port)}, nil
	}
	if t.port == 0 {
		if all := t.services(ctx, r); len(all) > 0 {
			return all, nil
		}
	}
	ips, err := r.LookupNetIP(ctx, "ip", t.host)
	if err != nil {
		return nil, fmt.Errorf("look up %q: %w", t.host, err)
	}
	var all []netip.AddrPort
	for _, ip := range ips[:min(len(ips), maxAddresses)] {
		all = append(all, netip.AddrPortFrom(ip.Unmap(), port))
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("look up %q: no address", t.host)
	}
	return all, nil
}

func (t target) services(ctx context.Context, r *net.Resolver) []netip.AddrPort {
	service, proto := "sip", strings.ToLower(t.transport)
	if t.secure() {
		service, proto = "sips", "tcp"
	}
	_, records, err := r.LookupSRV(ctx, service, proto, t.host)
	if err != nil {
		return nil
	}
	var all []netip.AddrPort
	for _, record := range records {
		ips, err := r.LookupNetIP(ctx, "ip", strings.TrimSuffix(record.Target, "."))
		for _, ip := range ips {
			if err == nil && len(all) < maxAddresses {
				all = append(all, netip.AddrPortFrom(ip.Unmap(), record.Port))
			}
		}
	}
	return all
}
