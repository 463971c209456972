package e2e_test

import (
	"fmt"
	"testing"

	"github.com/portvakt/portvakt/e2e/peer"
	"github.com/portvakt/portvakt/e2e/server"
)

// throughProxy signs alice in by radclient and returns the last code.
func throughProxy(t *testing.T, proxy *peer.FreeRADIUS, code string) string {
	t.Helper()
	r := peer.Radclient{Server: proxy.Addr, Secret: proxy.Secret}
	first := r.Send(t, `User-Name = "alice"`, `User-Password = "secret"`)
	if first.Code != "Access-Challenge" {
		return first.Code
	}
	return r.Send(t, `User-Name = "alice"`, fmt.Sprintf("User-Password = %q", code), "State = "+first.Get("State")[0]).Code
}

// Each proxy adds a Proxy-State, and gets its own back (RFC 2865, section 5.33).
func TestASignInThroughTwoProxies(t *testing.T) {
	t.Parallel()
	_, d, seed := enrolled(t, peer.SlapdOptions{}, server.Config{Client: `limit_proxy_state = "yes"`})
	inner := peer.FreeRADIUSProxy(t, peer.FreeRADIUSTarget{Addr: d.Addr, Secret: server.Secret})
	outer := peer.FreeRADIUSProxy(t, peer.FreeRADIUSTarget{Addr: inner.Addr, Secret: inner.Secret})
	if got := throughProxy(t, outer, seed.Code(t)); got != "Access-Accept" {
		t.Errorf("got %q, want Access-Accept", got)
	}
	if got := throughProxy(t, outer, seed.Wrong(t)); got != "Access-Challenge" {
		t.Errorf("wrong code: got %q, want another question", got)
	}
}

// A Proxy-State in a request that nobody signed is what forging an answer needs
// (CVE-2024-3596).
func TestUnsignedRequestsWithProxyState(t *testing.T) {
	for _, test := range []struct{ limit, want string }{
		{"yes", ""},
		{"no", "Access-Accept"},
		{"auto", "Access-Accept"},
	} {
		t.Run("limit_proxy_state="+test.limit, func(t *testing.T) {
			t.Parallel()
			_, d, seed := enrolled(t, peer.SlapdOptions{}, server.Config{
				Client: fmt.Sprintf("limit_proxy_state = %q", test.limit),
			})
			proxy := peer.FreeRADIUSProxy(t, peer.FreeRADIUSTarget{Addr: d.Addr, Secret: server.Secret, Unsigned: true})
			if test.want == "" {
				r := peer.Radclient{Server: proxy.Addr, Secret: proxy.Secret, Timeout: shortly}
				if got := r.Send(t, `User-Name = "alice"`, `User-Password = "secret"`).Code; got != "" {
					t.Errorf("got %q, want silence", got)
				}
				d.AwaitLog(t, `"client":"vpn"`, "proxy_state")
				return
			}
			if got := throughProxy(t, proxy, seed.Code(t)); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}
