package sip

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

// nameserver answers for exchange.test: two SRV records for UDP and addresses
// for all names below it but "none".
func nameserver(t testing.TB) *net.Resolver {
	t.Helper()
	conn, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		buf := make([]byte, 1500)
		for {
			n, from, err := conn.ReadFrom(buf)
			if err != nil {
				return
			}
			var m dnsmessage.Message
			if m.Unpack(buf[:n]) != nil || len(m.Questions) != 1 {
				continue
			}
			m.Response, m.Additionals, m.Answers = true, nil, records(m.Questions[0])
			if len(m.Answers) == 0 {
				m.RCode = dnsmessage.RCodeNameError
			}
			if out, err := m.Pack(); err == nil {
				_, _ = conn.WriteTo(out, from)
			}
		}
	}()
	t.Cleanup(func() {
		conn.Close()
		<-done
	})
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "udp", conn.LocalAddr().String())
	}}
}

func records(q dnsmessage.Question) (all []dnsmessage.Resource) {
	head := dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: q.Class, TTL: 60}
	name := strings.ToLower(q.Name.String())
	switch {
	case q.Type == dnsmessage.TypeSRV && name == "_sip._udp.exchange.test.":
		for i, host := range []string{"first", "second"} {
			all = append(all, dnsmessage.Resource{Header: head, Body: &dnsmessage.SRVResource{
				Priority: uint16(i), Port: uint16(5070 + i), Target: dnsmessage.MustNewName(host + ".exchange.test."),
			}})
		}
	case q.Type == dnsmessage.TypeA && strings.HasSuffix(name, "exchange.test.") && !strings.HasPrefix(name, "none"):
		last := byte(1)
		if strings.HasPrefix(name, "second") {
			last = 2
		}
		all = append(all, dnsmessage.Resource{Header: head, Body: &dnsmessage.AResource{A: [4]byte{192, 0, 2, last}}})
	}
	return all
}

func TestWhereTheExchangeIs(t *testing.T) {
	t.Parallel()
	dns := nameserver(t)
	for _, row := range []struct{ server, want string }{
		{"sip:192.0.2.9", "192.0.2.9:5060"},
		{"sips:192.0.2.9", "192.0.2.9:5061"},
		{"sip:[2001:db8::1]:5070", "[2001:db8::1]:5070"},
		{"sip:exchange.test", "192.0.2.1:5070 192.0.2.2:5071"},
		{"sip:exchange.test:5080", "192.0.2.1:5080"},
		{"sip:exchange.test;transport=tcp", "192.0.2.1:5060"},
		{"sips:exchange.test", "192.0.2.1:5061"},
		{"sip:none.exchange.test", ""},
	} {
		at, err := parseTarget(row.server)
		if err != nil {
			t.Fatal(err)
		}
		all, err := at.resolve(t.Context(), dns)
		var got []string
		for _, a := range all {
			got = append(got, a.String())
		}
		if strings.Join(got, " ") != row.want || (err == nil) != (row.want != "") {
			t.Errorf("%s: got %q, %v, want %q", row.server, got, err, row.want)
		}
	}
}

// Where nothing is configured the kernel chooses our address.
func TestOurAddressIsChosen(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	p, _ := provider(t, f.server(), func(c *Config) { c.Local = "" })
	during(t, func() {
		invite := f.next("INVITE")
		want := fmt.Sprintf("<sip:mfa@127.0.0.1:%d>", f.peer.(*net.UDPAddr).Port)
		if got := header(invite, "Contact"); got != want {
			t.Errorf("Contact: got %s, want %s", got, want)
		}
		f.reply(invite, "486 Busy Here", "")
	}, func() {
		var alice person
		if got, _ := place(t, p, alice.call(t)); got != "busy" {
			t.Errorf("got %s, want busy", got)
		}
	})
}

// The first address of an exchange is down: nothing rang, the second is called.
func TestTheNextAddressIsCalled(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	p, _ := provider(t, f.server(), func(c *Config) { c.Timeout = 600 * time.Millisecond })
	dead := newFake(t)
	here := netip.MustParseAddrPort(f.conn.LocalAddr().String())
	all := []netip.AddrPort{netip.MustParseAddrPort(dead.conn.LocalAddr().String()), here}
	during(t, func() { f.reply(f.next("INVITE"), "486 Busy Here", "") }, func() {
		var alice person
		if got := line(t, p.placeAt(t.Context(), alice.call(t), all)); got != "busy" {
			t.Errorf("got %s, want busy", got)
		}
	})
}

// A sign-in that is given up before the exchange has said anything: it must not
// ring when the exchange comes to it.
func TestStoppedBeforeTheExchangeHasAnswered(t *testing.T) {
	t.Parallel()
	for _, late := range []string{"180 Ringing", "200 OK", "486 Busy Here"} {
		t.Run(late, func(t *testing.T) {
			t.Parallel()
			f := newFake(t)
			p, _ := provider(t, f.server(), func(c *Config) { c.Timeout = 5 * time.Second })
			during(t, func() {
				invite := f.next("INVITE")
				f.none("CANCEL", short) // it would be against RFC 3261, section 9.1
				switch f.reply(invite, late, sdp); late {
				case "180 Ringing":
					f.reply(f.next("CANCEL"), "200 OK", "")
					f.reply(invite, "487 Request Terminated", "")
					f.next("ACK")
				case "200 OK":
					f.next("ACK")
					f.reply(f.next("BYE"), "200 OK", "")
				default:
					f.next("ACK")
				}
			}, func() {
				var alice person
				if got := line(t, p.Call(soon(t, 100*time.Millisecond), alice.call(t))); got != "stopped" {
					t.Errorf("got %s, want stopped", got)
				}
			})
		})
	}
}
