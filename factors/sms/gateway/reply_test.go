package gateway

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"log"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/portvakt/portvakt/factors/breaker"
	"github.com/portvakt/portvakt/login/logintest"
)

func TestRepliesAreReadByPointers(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ rule, body, want string }{
		{"accepted", `{"messages": [{"id": "x1", "status": "0"}]}`, "sent"},
		{"refused", `{"messages": [{"id": "x1", "status": "9"}]}`, "not sent"},
		{"accepted, and an error: the refusal wins", `{"messages": [{"status": "0"}], "error": "quota"}`, "not sent"},
		{"neither", `{"messages": []}`, "not sent"},
		{"no JSON", `<html>`, "not sent"},
		{"too long to tell", `{"messages": [{"status": "0"}], "more": "` + strings.Repeat("x", maxReply) + `"}`, "unknown"},
	} {
		s := newSink(t, status(200, row.body))
		c, logged := chain(t, toSink("gw", s.URL, func(c *Config) {
			c.OKMatch, c.FailMatch, c.IDMatch = "/messages/0/status=^0$", "/error", "/messages/0/id"
		}))
		if got := outcome(c.Send(t.Context(), number(t), markText)); got != row.want {
			t.Errorf("%s: %s, want %s", row.rule, got, row.want)
		}
		if got := strings.Contains(logged.String(), "x1"); got != (row.rule == "accepted") {
			t.Errorf("%s: the id is logged: %v", row.rule, got)
		}
	}
}

func TestRetryAfterIsKept(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for text, want := range map[string]time.Duration{
		"": 0, "0": 0, "120": 2 * time.Minute, "-1": 0, "soon": 0, "99999999": maxPause, "99999999999999999999": 0,
		"Fri, 02 Jan 2026 03:04:35 GMT": 30 * time.Second,
		"Fri, 02 Jan 2026 03:04:00 GMT": 0,
		"Fri, 02 Jan 2099 03:04:00 GMT": maxPause,
	} {
		if got := retryAfter(text, now); got != want {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
	for _, code := range []int{429, 503} {
		busy := newSink(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "120")
			w.WriteHeader(code)
		})
		second := newSink(t, status(200, ""))
		c, logged := chain(t, toSink("busy", busy.URL), toSink("second", second.URL))
		for range 5 {
			if err := c.Send(t.Context(), number(t), markText); err != nil {
				t.Fatal(err)
			}
		}
		if len(busy.got()) != 1 || len(second.got()) != 5 {
			t.Errorf("%d: asked %d times, the second %d, want 1 and 5", code, len(busy.got()), len(second.got()))
		}
		if !strings.Contains(logged.String(), "provider paused after failures") {
			t.Errorf("the pause is not logged: %s", logged)
		}
	}
}

func TestAProviderIsAskedAgainAfterItsPause(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		busy := answers("busy", &NotSent{Reason: "status 429", Down: true, Pause: 2 * time.Minute})
		c := Chained(new(logintest.Log).Logger(), busy)
		for _, wait := range []time.Duration{0, breaker.For, time.Minute} {
			time.Sleep(wait)
			_ = c.Send(t.Context(), number(t), markText)
		}
		if got := busy.count(); got != 1 {
			t.Errorf("asked %d times within the pause, want once", got)
		}
		busy.do = func(context.Context) error { return nil }
		time.Sleep(30 * time.Second)
		if err := c.Send(t.Context(), number(t), markText); err != nil || busy.count() != 2 {
			t.Errorf("after it: %v, asked %d times", err, busy.count())
		}
	})
}

// certificate writes a self-signed certificate and its key.
func certificate(t *testing.T, name string) (cert, key string, parsed *x509.Certificate) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	if parsed, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for path, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: der}, key: {Type: "PRIVATE KEY", Bytes: keyDER}} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return cert, key, parsed
}

func TestClientCertificates(t *testing.T) {
	t.Parallel()
	cert, key, parsed := certificate(t, "portvakt")
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if got := r.TLS.PeerCertificates[0].Subject.CommonName; got != "portvakt" {
			w.WriteHeader(http.StatusForbidden)
		}
	}))
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	pool := x509.NewCertPool()
	pool.AddCert(parsed)
	s.TLS = &tls.Config{ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: pool}
	s.StartTLS()
	t.Cleanup(s.Close)
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	c, _ := chain(t, toSink("with", s.URL, func(c *Config) { c.CA, c.Cert, c.CertKey = ca, cert, key }))
	if err := c.Send(t.Context(), number(t), markText); err != nil {
		t.Errorf("with its certificate: %v", err)
	}
	c, _ = chain(t, toSink("without", s.URL, func(c *Config) { c.CA = ca }))
	if got := outcome(c.Send(t.Context(), number(t), markText)); got == "sent" {
		t.Error("without a certificate: sent")
	}
	_, err := New([]Config{toSink("gw", s.URL, func(c *Config) { c.Cert, c.CertKey = cert, cert })}, nil, slog.New(slog.DiscardHandler))
	if err == nil || !strings.Contains(err.Error(), "cert: ") {
		t.Errorf("a key that is none: %v", err)
	}
}

// A proxy is asked for the gateway by its name, and sees nothing but TLS.
func TestMessagesGoThroughTheProxy(t *testing.T) {
	t.Parallel()
	gw := httptest.NewTLSServer(status(200, ""))
	t.Cleanup(gw.Close)
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: gw.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	var asked atomic.Value
	proxy := newSink(t, func(w http.ResponseWriter, r *http.Request) {
		asked.Store(r.Method + " " + r.Host)
		to, err := new(net.Dialer).DialContext(r.Context(), "tcp", gw.Listener.Addr().String())
		if err != nil {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		defer to.Close()
		conn, rest, err := w.(http.Hijacker).Hijack()
		if err != nil {
			return
		}
		defer conn.Close()
		_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\n\r\n")
		done := make(chan struct{})
		go func() {
			defer close(done)
			_, _ = io.Copy(to, rest)
		}()
		_, _ = io.Copy(conn, to)
		conn.Close()
		<-done
	})
	c, _ := chain(t, toSink("gw", "https://example.com", func(c *Config) { c.CA, c.Proxy = ca, proxy.URL }))
	if err := c.Send(t.Context(), number(t), markText); err != nil {
		t.Fatal(err)
	}
	if got := asked.Load(); got != "CONNECT example.com:443" {
		t.Errorf("the proxy was asked for %v", got)
	}
	for _, r := range proxy.got() {
		AssertLeaksNothing(t, r.body+r.query)
	}
}
