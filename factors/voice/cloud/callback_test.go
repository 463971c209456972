package cloud_test

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/netip"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/portvakt/portvakt/e2e/peer"
	"github.com/portvakt/portvakt/factors/voice/cloud"
	"github.com/portvakt/portvakt/factors/voice/cloud/cloudtest"
)

// post sends something to the callback and returns the status.
func post(t *testing.T, method, address, contentType, signature, body string) int {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, address, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", contentType)
	if signature != "" {
		r.Header.Set("X-Twilio-Signature", signature)
	}
	answer, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		return 0
	}
	defer answer.Body.Close()
	_, _ = io.Copy(io.Discard, answer.Body)
	return answer.StatusCode
}

// Whoever may post a key may approve a sign-in: everything that is not the
// service's word on this call is not found, and no key is pressed.
func TestPostsOfStrangersPressNoKey(t *testing.T) {
	t.Parallel()
	const form = "application/x-www-form-urlencoded"
	waiting, done, hungUp := make(chan *cloudtest.Call), make(chan struct{}), make(chan struct{})
	k := new(keypad)
	s := twilio(t, func(c *cloudtest.Call) {
		defer close(hungUp)
		c.Answer()
		waiting <- c
		<-done
		c.Press("*")
		used := c.Posted[len(c.Posted)-2]
		if status, _ := c.Fake().Send(used); status != http.StatusNotFound {
			t.Errorf("a key that was posted already: status %d", status)
		}
	})
	ended := make(chan string, 1)
	go func() { ended <- s.call(t, approval(t, k)) }()
	c := <-waiting
	token, account, sid := s.fake.Token, s.fake.Account, c.SID
	status := c.Request.Get("StatusCallback")
	path := strings.TrimSuffix(status, "/status")
	key := path + "/1/key"
	pressed := url.Values{"CallSid": {sid}, "AccountSid": {account}, "Digits": {"#"}}
	with := func(name, value string) url.Values {
		v := maps.Clone(pressed)
		v.Set(name, value)
		return v
	}
	for _, row := range []struct {
		what, method, address, contentType, signature string
		body                                          url.Values
	}{
		{"no signature", "POST", key, form, "", pressed},
		{"a signature that is no base64", "POST", key, form, "%%%", pressed},
		{"an empty signature", "POST", key, form, "AAAAAAAAAAAAAAAAAAAAAAAAAAA=", pressed},
		{"another token", "POST", key, form, cloudtest.Sign("other", key, pressed), pressed},
		{"the signature of another key", "POST", key, form, cloudtest.Sign(token, key, with("Digits", "1")), pressed},
		{"the signature of the status", "POST", key, form, cloudtest.Sign(token, status, pressed), pressed},
		{"a parameter more", "POST", key, form, cloudtest.Sign(token, key, pressed), with("More", "1")},
		{"a query that was not signed", "POST", key + "?Digits=%23", form, cloudtest.Sign(token, key, pressed), pressed},
		{"another account", "POST", key, form, cloudtest.Sign(token, key, with("AccountSid", "AC1")), with("AccountSid", "AC1")},
		{"another call", "POST", key, form, cloudtest.Sign(token, key, with("CallSid", "CA1")), with("CallSid", "CA1")},
		{"no call", "POST", key, form, cloudtest.Sign(token, key, with("CallSid", "")), with("CallSid", "")},
		{"GET", "GET", key, form, cloudtest.Sign(token, key, pressed), pressed},
		{"GET with the key in the query", "GET", key + "?" + pressed.Encode(), "", cloudtest.Sign(token, key+"?"+pressed.Encode(), nil), nil},
		{"PUT", "PUT", key, form, cloudtest.Sign(token, key, pressed), pressed},
		{"JSON", "POST", key, "application/json", cloudtest.Sign(token, key, pressed), pressed},
		{"no type", "POST", key, "", cloudtest.Sign(token, key, pressed), pressed},
		{"a document to come", "POST", path + "/2/key", form, cloudtest.Sign(token, path+"/2/key", pressed), pressed},
		{"a document that never was", "POST", path + "/0/key", form, cloudtest.Sign(token, path+"/0/key", pressed), pressed},
		{"another spelling of the document", "POST", path + "/01/key", form, cloudtest.Sign(token, path+"/01/key", pressed), pressed},
		{"nothing known", "POST", path + "/1/open", form, cloudtest.Sign(token, path+"/1/open", pressed), pressed},
		{"the call alone", "POST", path, form, cloudtest.Sign(token, path, pressed), pressed},
		{"the call of nobody", "POST", s.base + "/AAAA/1/key", form, cloudtest.Sign(token, s.base+"/AAAA/1/key", pressed), pressed},
		{"the top", "POST", s.base, form, cloudtest.Sign(token, s.base, pressed), pressed},
		{"too long", "POST", key, form, cloudtest.Sign(token, key, with("More", strings.Repeat("x", 20000))), with("More", strings.Repeat("x", 20000))},
	} {
		if got := post(t, row.method, row.address, row.contentType, row.signature, row.body.Encode()); got != http.StatusNotFound {
			t.Errorf("%s: status %d, want 404", row.what, got)
		}
	}
	if k.pressed() != "" {
		t.Errorf("strangers pressed %q", k.pressed())
	}
	close(done)
	<-hungUp // it posts once more when the call is over
	if got := <-ended; got != "fraud" {
		t.Errorf("got %s, want fraud", got)
	}
	if k.pressed() != "*" {
		t.Errorf("pressed %q, want *", k.pressed())
	}
	if got := post(t, "POST", key, form, cloudtest.Sign(token, key, pressed), pressed.Encode()); got != http.StatusNotFound {
		t.Errorf("after the call: status %d, want 404", got)
	}
}

func TestAKeyPostedAgainIsNotPressedAgain(t *testing.T) {
	t.Parallel()
	k := &keypad{match: "44"}
	s := twilio(t, func(c *cloudtest.Call) {
		c.Answer()
		c.Press("4")
		for range 3 {
			if status, _ := c.Fake().Send(c.Posted[len(c.Posted)-1]); status != http.StatusNotFound {
				t.Errorf("status %d, want 404", status)
			}
		}
		c.Press("4#")
	})
	if got := s.call(t, approval(t, k)); got != "approved" || k.pressed() != "44#" {
		t.Errorf("got %s by %q, want approved by 44#", got, k.pressed())
	}
}

func TestAnAddressWithAQueryIsSignedWithIt(t *testing.T) {
	t.Parallel()
	s := twilio(t, func(c *cloudtest.Call) {
		c.Answer()
		c.Press("#")
	})
	s.fake.Query = "?edge=dublin&x=%2B%20y"
	if got := s.call(t, approval(t, new(keypad))); got != "approved" {
		t.Errorf("got %s, want approved", got)
	}
}

// A reverse proxy has the certificate and the name, changes Host, and may take
// off the folder.
func TestCallbacksThroughAReverseProxy(t *testing.T) {
	t.Parallel()
	for _, strip := range []bool{false, true} {
		t.Run(fmt.Sprintf("strips the folder %t", strip), func(t *testing.T) {
			t.Parallel()
			port := peer.FreePort(t)
			proxy := httptest.NewServer(&httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
				r.SetURL(&url.URL{Scheme: "http", Host: fmt.Sprintf("127.0.0.1:%d", port)})
				if strip {
					r.Out.URL.Path = strings.TrimPrefix(r.In.URL.Path, "/portvakt/call")
				}
			}})
			defer proxy.Close()
			s := twilio(t, func(c *cloudtest.Call) {
				c.Ring()
				c.Answer()
				c.Press("#")
			}, func(c *cloud.Config) {
				c.CallbackURL = proxy.URL + "/portvakt/call/"
				c.CallbackListen = netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), uint16(port))
			})
			if err := s.Listen(t.Context()); err != nil {
				t.Fatal(err)
			}
			if got := s.call(t, approval(t, new(keypad))); got != "approved" {
				t.Errorf("got %s, want approved", got)
			}
		})
	}
}

func TestListenServesTLSAndEndsWithClose(t *testing.T) {
	t.Parallel()
	ca := peer.NewCA(t)
	cert := ca.Issue(t, peer.CertRequest{})
	s := twilio(t, (*cloudtest.Call).Busy, func(c *cloud.Config) {
		c.CallbackListen = netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), uint16(peer.FreePort(t)))
		c.CallbackCert, c.CallbackKey = cert.CertFile, cert.KeyFile
	})
	if err := s.Listen(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := s.Listen(t.Context()); err == nil {
		t.Error("listens twice")
	}
	pem, err := os.ReadFile(ca.File)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, DisableKeepAlives: true}}
	answer, err := client.Get("https://" + s.Address().String() + "/")
	if err != nil {
		t.Fatal(err)
	}
	_ = answer.Body.Close()
	if answer.StatusCode != http.StatusNotFound {
		t.Errorf("status %d, want 404", answer.StatusCode)
	}
	old := &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}
	if c, err := tls.Dial("tcp", s.Address().String(), old); err == nil {
		_ = c.Close()
		t.Error("TLS 1.1 is spoken")
	}
	address := s.Address().String()
	if err := s.Close(); err != nil {
		t.Errorf("close: %v", err)
	}
	if c, err := net.DialTimeout("tcp", address, time.Second); err == nil {
		_ = c.Close()
		t.Error("listens after Close")
	}
	if got, want := outcome(t, s.Call(t.Context(), approval(t, new(keypad)))), "stopped, rang false"; got != want {
		t.Errorf("a call after Close: %s, want %s", got, want)
	}
}

func TestListenSaysWhyNot(t *testing.T) {
	t.Parallel()
	taken, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	s := twilio(t, (*cloudtest.Call).Busy, func(c *cloud.Config) {
		c.CallbackListen = netip.MustParseAddrPort(taken.Addr().String())
	})
	if err := s.Listen(t.Context()); err == nil || !strings.HasPrefix(err.Error(), "callback_listen: ") {
		t.Errorf("a port that is taken: %v", err)
	}
	s = twilio(t, (*cloudtest.Call).Busy, func(c *cloud.Config) { c.CallbackCert, c.CallbackKey = "/nowhere", "/nowhere" })
	if err := s.Listen(t.Context()); err == nil || !strings.HasPrefix(err.Error(), "callback_cert: ") {
		t.Errorf("a certificate that is not there: %v", err)
	}
}

// A stranger who asks now and then would hold a connection for ever.
func TestStrangersAreAnsweredOnce(t *testing.T) {
	t.Parallel()
	s := twilio(t, (*cloudtest.Call).Busy, func(c *cloud.Config) {
		c.CallbackListen = netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), uint16(peer.FreePort(t)))
	})
	if err := s.Listen(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, request := range []string{"GET /", "POST /x/y", "OPTIONS *"} {
		c, err := net.Dial("tcp", s.Address().String())
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.WriteString(c, request+" HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")
		_ = c.SetReadDeadline(time.Now().Add(15 * time.Second)) // and no idle connection is closed before 30
		answer, err := io.ReadAll(c)
		if err != nil || !strings.HasPrefix(string(answer), "HTTP/1.1 404 ") {
			t.Errorf("%s: %q, %v, want 404 and the end of the connection", request, answer, err)
		}
		_ = c.Close()
	}
}

// A stranger who sends a header slowly, or none, holds a connection for so
// long and no longer.
func TestSlowStrangersAreSentAway(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("takes seconds")
	}
	s := twilio(t, (*cloudtest.Call).Busy, func(c *cloud.Config) {
		c.CallbackListen = netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), uint16(peer.FreePort(t)))
	})
	if err := s.Listen(t.Context()); err != nil {
		t.Fatal(err)
	}
	c, err := net.Dial("tcp", s.Address().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_, _ = io.WriteString(c, "POST / HTTP/1.1\r\nHost: x\r\n")
	_ = c.SetReadDeadline(time.Now().Add(15 * time.Second))
	if _, err := io.Copy(io.Discard, c); err != nil {
		t.Errorf("the connection is still there: %v", err)
	}
}
