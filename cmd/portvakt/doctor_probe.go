package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"

	"github.com/portvakt/portvakt/conf"
	"github.com/portvakt/portvakt/conf/secret"
	"github.com/portvakt/portvakt/radiusd"
	"github.com/portvakt/portvakt/radiusd/client"
)

// Times of test requests. A sign-in may be a call.
const (
	probeTime   = 3 * time.Minute
	probeWait   = 2 * time.Second
	probeTries  = 2
	signInSlack = 10 * time.Second
)

// A probe sends test requests from this machine.
type probe struct {
	*checkup
	file   conf.File
	server string
	// client is the one that is looked at; empty for all of them.
	client string
	// typed is the secret as somebody has typed it; zero when none was given.
	typed secret.Value

	own  radiusd.ClientConfig // what this machine is
	wire client.Client
}

// begin finds out as which client this machine asks. It reports whether test
// requests can be sent.
func (p *probe) begin(ctx context.Context) bool {
	p.compare()
	if p.server == "" {
		p.server = reachable(p.file.Server.Listen)
	}
	var d net.Dialer
	conn, err := d.DialContext(ctx, "udp", p.server)
	if err != nil {
		p.find("server_address", fmt.Sprintf("%s cannot be asked: %v", p.server, err), "test requests have nowhere to go", "name the address with --server")
		return false
	}
	local, _ := netip.ParseAddrPort(conn.LocalAddr().String())
	_ = conn.Close()
	var found bool
	if p.own, found = clientOf(p.file.Clients, local.Addr()); !found {
		p.note("%s, this machine, is no client: no test request was sent", local.Addr())
		return false
	}
	p.wire = client.Client{
		Server: p.server, Secret: p.own.Secret, Timeout: probeWait, Tries: probeTries, NASIdentifier: "portvakt-doctor",
	}
	return true
}

// compare says whether the secret that was typed is the one of the file.
func (p *probe) compare() {
	if p.typed.IsZero() {
		return
	}
	for _, cc := range p.file.Clients {
		if p.client != "" && cc.Name != p.client {
			continue
		}
		switch {
		case cc.Secret.Equal(p.typed):
			p.note("the secret given is the one of the client %s", cc.Name)
			return
		case !cc.OldSecret.IsZero() && cc.OldSecret.Equal(p.typed):
			p.find("old_secret", "the secret given is the old one of the client "+cc.Name, "it is accepted as long as old_secret is in the file", "type the new one on the device, then remove old_secret")
			return
		}
	}
	whose := "of any client"
	if p.client != "" {
		whose = "of the client " + p.client
	}
	p.find("secret", "the secret given is not the one "+whose, "every request that is made with it is dropped or refused",
		"type the secret of the file on the device, or change the file and reload; look for a blank or a line's end that was copied with it")
}

// status asks with a Status-Server request. It reports whether an answer came.
func (p *probe) status(ctx context.Context) bool {
	if p.file.Server.StatusServerRate == 0 {
		p.note("status_server_rate is 0, so that the daemon cannot be asked whether it lives")
		return true
	}
	reply, err := p.wire.Status(ctx)
	switch {
	case err == nil:
		p.note("%s answers test requests in %s, as the client %s", p.server, reply.Took.Round(100*time.Microsecond), p.own.Name)
		return true
	case errors.Is(err, client.ErrNotAuthentic), errors.Is(err, client.ErrUnsigned):
		p.find("test_reply", err.Error(), "another program, or a daemon with another configuration, answers there",
			"ss -lunp says who has the port; reload the daemon when the file is newer than it")
	default:
		means := "the daemon runs, and its RADIUS port does not answer this machine"
		if p.file.Server.StatusSilent {
			means += "; with status_silent it is silent while the directory does not answer"
		}
		p.find("no_reply", err.Error(), means, "let UDP to that port through the firewall of this machine, or reload the daemon when the file is newer than it")
	}
	return false
}

// signIn signs a test user in and says how that went.
func (p *probe) signIn(ctx context.Context, user string, in *prompter) error {
	password, err := in.ask(ctx, "Password:", false)
	if err != nil {
		return err
	}
	p.wire.Tries = 1
	p.wire.Timeout = max(p.own.Patience, callTimeout.duration()) + signInSlack
	began := time.Now()
	result, err := p.wire.Walk(ctx, user, password, in.ask)
	took := seconds(time.Since(began).Seconds())
	switch {
	case errors.Is(err, errNoAnswer):
		return err
	case err != nil:
		p.find("sign_in", fmt.Sprintf("the sign-in of %q got no decision: %v", user, err), "something it needs does not answer", "portvakt check says what; the log says it for each request")
	case !result.Accepted:
		p.find("sign_in", fmt.Sprintf("%q was refused after %s: %s", user, took, result.Reply.Message()), "the password, the answer or a rule said no", fmt.Sprintf("portvakt explain %s --client %s says which rule decides; the log says why", user, p.own.Name))
	default:
		p.note("%q was let in after %s and %d questions", user, took, result.Rounds)
	}
	return nil
}

// reachable is the address to ask a server at that listens there.
func reachable(listen []string) string {
	if len(listen) == 0 {
		return "127.0.0.1:1812"
	}
	at, err := netip.ParseAddrPort(listen[0])
	switch {
	case err != nil:
		return listen[0]
	case at.Addr() == netip.IPv4Unspecified():
		return netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), at.Port()).String()
	case at.Addr().IsUnspecified():
		return netip.AddrPortFrom(netip.IPv6Loopback(), at.Port()).String()
	}
	return listen[0]
}

// clientOf is the client block of an address over UDP: the longest prefix
// decides.
func clientOf(clients []radiusd.ClientConfig, a netip.Addr) (of radiusd.ClientConfig, found bool) {
	longest := -1
	for _, cc := range clients {
		if !cc.OverUDP() {
			continue
		}
		for _, n := range cc.Networks {
			if p, err := radiusd.ParseNetwork(n); err == nil && p.Contains(a.Unmap()) && p.Bits() > longest {
				of, found, longest = cc, true, p.Bits()
			}
		}
	}
	return of, found
}
