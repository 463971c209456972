package e2e_test

import (
	"crypto/hmac"
	"crypto/md5"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/portvakt/portvakt/e2e/peer"
	"github.com/portvakt/portvakt/e2e/server"
	"github.com/portvakt/portvakt/radiusd/client"
)

// An attribute of a request that no ordinary client sends.
type attribute struct {
	kind  byte
	value []byte
}

// request builds an Access-Request by hand; Message-Authenticator is added when
// it is signed.
func request(identifier byte, signed bool, attributes ...attribute) []byte {
	b := make([]byte, 20)
	b[0], b[1] = 1, identifier
	_, _ = rand.Read(b[4:20])
	if signed {
		attributes = append([]attribute{{80, make([]byte, 16)}}, attributes...)
	}
	for _, a := range attributes {
		if a.kind == 2 { // User-Password (RFC 2865, section 5.2), of 16 octets at most here
			pad := md5.Sum(append([]byte(server.Secret), b[4:20]...))
			value := make([]byte, 16)
			copy(value, a.value)
			for i := range value {
				value[i] ^= pad[i]
			}
			a.value = value
		}
		b = append(append(b, a.kind, byte(2+len(a.value))), a.value...)
	}
	binary.BigEndian.PutUint16(b[2:], uint16(len(b)))
	if signed {
		mac := hmac.New(md5.New, []byte(server.Secret))
		mac.Write(b)
		copy(b[22:], mac.Sum(nil))
	}
	return b
}

// dialFrom opens a socket to the daemon, from an address of this machine.
func dialFrom(t testing.TB, d *server.Daemon, source string) net.Conn {
	t.Helper()
	dialer := net.Dialer{LocalAddr: &net.UDPAddr{IP: net.ParseIP(source)}}
	conn, err := dialer.DialContext(t.Context(), "udp", d.Addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// send sends octets and returns the reply, nil for silence.
func send(t testing.TB, conn net.Conn, octets []byte, within time.Duration) []byte {
	t.Helper()
	if _, err := conn.Write(octets); err != nil {
		t.Fatal(err)
	}
	if err := conn.SetReadDeadline(time.Now().Add(within)); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 4096)
	n, err := conn.Read(b)
	if err != nil {
		return nil
	}
	return b[:n]
}

// Replies leave from the address that was asked, over IPv6 and on a wildcard
// address with many: the clients' sockets are connected, so that the
// kernel drops all others.
func TestEveryAddressAnswersForItself(t *testing.T) {
	t.Parallel()
	slapd := peer.StartSlapd(t, peer.SlapdOptions{})
	site := server.New(t, server.Config{LDAP: server.LDAP(slapd)})
	_, port, err := net.SplitHostPort(site.Addr)
	if err != nil {
		t.Fatal(err)
	}
	site.Write(t, strings.Replace(siteText(t, site), fmt.Sprintf("[%q]", site.Addr), fmt.Sprintf("[%q, %q]", "0.0.0.0:"+port, "[::]:"+port), 1))
	site.Start(t)
	for _, host := range []string{"127.0.0.1", "127.0.0.53", "127.200.1.2", "::1"} {
		c := site.Client()
		c.Server = net.JoinHostPort(host, port)
		if _, err := c.Status(t.Context()); err != nil {
			t.Errorf("%s: %v", host, err)
		}
		want(t, host, exchange(t, c, "alice", "wrong", nil), client.AccessReject)
	}
}

// Whatever stands before it in a reply could be the prefix of a collision
// (CVE-2024-3596), so Message-Authenticator comes first in every one (S-35).
func TestMessageAuthenticatorComesFirst(t *testing.T) {
	t.Parallel()
	_, d, _ := enrolled(t, peer.SlapdOptions{}, server.Config{Client: `require_message_authenticator = "no"`, More: "\n[[rule]]\nusers = [\"bob\"]\nsecond_factor = \"none\"\n"})
	for name, code := range map[string]client.Code{
		"alice": client.AccessChallenge, "bob": client.AccessAccept, "umlaut": client.AccessReject,
	} {
		for _, signed := range []bool{false, true} {
			octets := request(1, signed, attribute{1, []byte(name)}, attribute{2, []byte(peer.UserPassword)})
			reply := send(t, dialFrom(t, d, "127.0.0.1"), octets, 5*time.Second)
			if len(reply) < 38 || reply[0] != byte(code) || reply[20] != 80 {
				t.Errorf("%s, signed %v: got %x, want a signed %v", name, signed, reply, code)
			}
		}
	}
}
