package gateway

import (
	"crypto/tls"
	"encoding/json"
	"encoding/pem"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/portvakt/portvakt/conf/secret"
)

func TestStatusesAndReplies(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		rule   string
		code   int
		body   string
		change func(*Config)
		want   string
	}{
		{"200 is acceptance", 200, "", nil, "sent"},
		{"202 too", 202, "", nil, "sent"},
		{"a 2xx that is not in ok may have been sent", 202, "", func(c *Config) { c.OK = []int{200} }, "unknown"},
		{"a refusal is not", 400, markReply, nil, "not sent"},
		{"bad credentials are not", 401, "", nil, "not sent"},
		{"no credit is not", 402, "", nil, "not sent"},
		{"too many requests are not", 429, "", nil, "not sent"},
		{"a broken gateway is not", 500, "", nil, "not sent"},
		{"an unavailable gateway is not", 503, "", nil, "not sent"},
		{"a proxy that lost the gateway does not know", 502, "", nil, "unknown"},
		{"nor when it waited too long", 504, "", nil, "unknown"},
		{"see-other may follow acceptance", 303, "", nil, "unknown"},
		{"ok_match fits", 200, "OK id=7", func(c *Config) { c.OKMatch = "^OK" }, "sent"},
		{"ok_match does not", 200, "ERR " + markReply, func(c *Config) { c.OKMatch = "^OK" }, "not sent"},
		{"fail_match wins", 200, "OK but failed", func(c *Config) { c.OKMatch, c.FailMatch = "^OK", "failed" }, "not sent"},
		{"fail_match alone", 200, "fine", func(c *Config) { c.FailMatch = "failed" }, "sent"},
		{"a status of failure needs no body", 500, "OK", func(c *Config) { c.OKMatch = "^OK" }, "not sent"},
		{
			"a body beyond the bound cannot be judged", 200, strings.Repeat("x", maxReply+1) + "OK",
			func(c *Config) { c.OKMatch = "OK" }, "unknown",
		},
		{"but its beginning can", 200, "OK" + strings.Repeat("x", maxReply+1), func(c *Config) { c.OKMatch = "OK" }, "sent"},
	} {
		t.Run(row.rule, func(t *testing.T) {
			t.Parallel()
			s := newSink(t, status(row.code, row.body))
			cfg := toSink("gw", s.URL)
			if row.change != nil {
				row.change(&cfg)
			}
			c, _ := chain(t, cfg)
			_, err := c.links[0].Send(t.Context(), number(t), markText)
			if got := outcome(err); got != row.want {
				t.Errorf("%s (%v), want %s", got, err, row.want)
			}
			if err != nil {
				AssertLeaksNothing(t, err.Error())
			}
			if got := len(s.got()); got != 1 {
				t.Errorf("%d requests, want 1", got)
			}
		})
	}
}

func TestRequestsAreAsDescribed(t *testing.T) {
	t.Parallel()
	// Each octet that means something in JSON, forms or headers.
	const text = "123456 \"}{\\ &to=+1900\r\nX-Evil: 1 %00 æøå€ж {to} {secret}"
	s := newSink(t, status(200, ""))
	send := func(t *testing.T, cfg Config) received {
		t.Helper()
		cfg.Name, cfg.Kind = "gw", "http"
		if cfg.URL == "" {
			cfg.URL = s.URL
		}
		c, _ := chain(t, cfg)
		before := len(s.got())
		if err := c.Send(t.Context(), number(t), text); err != nil {
			t.Fatal(err)
		}
		return s.got()[before]
	}

	t.Run("text is data in JSON", func(t *testing.T) {
		r := send(t, Config{JSON: `{"a": [{"to": "tel:{to}"}], "text": "{text}", "n": 1.50, "b": true, "coding": "{coding}"}`})
		var got struct {
			A            []struct{ To string }
			Text, Coding string
			N            json.Number
		}
		if err := json.Unmarshal([]byte(r.body), &got); err != nil {
			t.Fatal(err)
		}
		if got.Text != text || len(got.A) != 1 || got.A[0].To != "tel:+4741234567" || got.N != "1.50" || got.Coding != "2" {
			t.Errorf("got %+v from %s", got, r.body)
		}
		if r.method != "POST" || r.contentType != "application/json" {
			t.Errorf("got %s %s", r.method, r.contentType)
		}
	})
	t.Run("text is data in a form", func(t *testing.T) {
		r := send(t, Config{Form: []string{"To={to}", "Body={text}", "From={sender}", "Sum=a=b"}, Sender: "UiT", Number: "00"})
		got, err := url.ParseQuery(r.body)
		if err != nil {
			t.Fatal(err)
		}
		if got.Get("Body") != text || got.Get("To") != "004741234567" || got.Get("From") != "UiT" || got.Get("Sum") != "a=b" || len(got) != 4 {
			t.Errorf("got %v", got)
		}
		if r.contentType != "application/x-www-form-urlencoded" {
			t.Errorf("got %s", r.contentType)
		}
	})
	t.Run("text is data in a query", func(t *testing.T) {
		r := send(t, Config{
			Method: "GET", URL: s.URL + "/cgi-bin/sendsms?fixed=1", User: "u", Password: secret.New("p"), Number: "digits",
			Query: []string{"to={to}", "text={text}", "coding={coding}"}, Coding: []string{"text", "unicode"},
		})
		got, err := url.ParseQuery(r.query)
		if err != nil {
			t.Fatal(err)
		}
		if got.Get("text") != text || got.Get("to") != "4741234567" || got.Get("fixed") != "1" || got.Get("coding") != "unicode" || len(got) != 4 {
			t.Errorf("got %v", got)
		}
		if r.method != "GET" || r.body != "" || r.header.Get("Authorization") != "Basic dTpw" {
			t.Errorf("got %+v", r)
		}
	})
	t.Run("a raw body is the text alone", func(t *testing.T) {
		r := send(t, Config{Raw: "{text}", Number: "national", Header: []string{"X-To: {to}", "X-Key: k {secret}"}, Secret: secret.New("s")})
		if r.body != text || r.contentType != "text/plain; charset=utf-8" || r.header.Get("X-To") != "41234567" || r.header.Get("X-Key") != "k s" {
			t.Errorf("got %+v", r)
		}
	})
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	t.Parallel()
	elsewhere := newSink(t, status(200, ""))
	for _, code := range []int{301, 302, 303, 307, 308} {
		s := newSink(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, elsewhere.URL, code) })
		c, _ := chain(t, toSink("gw", s.URL))
		if err := c.Send(t.Context(), number(t), markText); err == nil {
			t.Errorf("%d: a redirect is taken for acceptance", code)
		}
	}
	if got := len(elsewhere.got()); got != 0 {
		t.Errorf("%d requests followed a redirect, with codes and credentials", got)
	}
}

func TestBrokenConnectionIsNotRepeated(t *testing.T) {
	t.Parallel()
	for _, method := range []string{"GET", "POST"} {
		s := newSink(t, func(w http.ResponseWriter, _ *http.Request) {
			conn, _, err := w.(http.Hijacker).Hijack()
			if err == nil {
				conn.Close()
			}
		})
		c, _ := chain(t, toSink("gw", s.URL, func(c *Config) {
			c.Method, c.JSON, c.Query = method, "", []string{"to={to}", "text={text}"}
		}))
		if got := outcome(c.Send(t.Context(), number(t), markText)); got != "unknown" {
			t.Errorf("%s: %s, want unknown", method, got)
		}
		if got := len(s.got()); got != 1 {
			t.Errorf("%s: %d requests, want 1", method, got)
		}
	}
}

func TestGarbageRepliesDoNotLeak(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = conn.Read(make([]byte, 4096))
			_, _ = conn.Write([]byte(markReply + " " + markText + "\r\n\r\n"))
			conn.Close()
		}
	}()
	c, _ := chain(t, toSink("gw", "http://"+l.Addr().String()))
	err = c.Send(t.Context(), number(t), markText)
	if got := outcome(err); got != "unknown" {
		t.Errorf("%s, want unknown", got)
	}
	AssertLeaksNothing(t, err.Error())
}

func TestCertificatesAreVerified(t *testing.T) {
	t.Parallel()
	s := httptest.NewUnstartedServer(status(200, ""))
	s.Config.ErrorLog = log.New(io.Discard, "", 0) // handshakes that fail on purpose
	s.StartTLS()
	t.Cleanup(s.Close)
	ca := filepath.Join(t.TempDir(), "ca.pem")
	block := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})
	if err := os.WriteFile(ca, block, 0o600); err != nil {
		t.Fatal(err)
	}
	c, _ := chain(t, toSink("unknown", s.URL))
	if got := outcome(c.Send(t.Context(), number(t), markText)); got != "not sent" {
		t.Errorf("with the system's certificates: %s, want not sent", got)
	}
	if st := c.Check(t.Context()); st[0].Err == nil {
		t.Error("check: an unknown certificate passes")
	}
	c, _ = chain(t, toSink("known", s.URL, func(c *Config) { c.CA = ca }))
	if got := outcome(c.Send(t.Context(), number(t), markText)); got != "sent" {
		t.Errorf("with its certificate: %s, want sent", got)
	}
	st := c.Check(t.Context())
	if st[0].Err != nil || !st[0].Expires.Equal(s.Certificate().NotAfter) || st[0].Name != "known" || st[0].Kind != "http" {
		t.Errorf("check: %+v", st[0])
	}
	if c.links[0].Provider.(*httpProvider).tls.MinVersion != tls.VersionTLS12 {
		t.Error("old versions of TLS are allowed")
	}
}

func TestIDsAreLoggedWithoutNumbers(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ body, want string }{
		{`{"id": "SM42"}`, "SM42"},
		{`{"id": "to-47` + markNational + `"}`, ""},
		{`{"id": "` + strings.Repeat("x", 100) + `"}`, ""},
		{`none`, ""},
	} {
		s := newSink(t, status(200, row.body))
		c, logged := chain(t, toSink("gw", s.URL, func(c *Config) { c.IDMatch = `"id": "([^"]*)"` }))
		if err := c.Send(t.Context(), number(t), markText); err != nil {
			t.Fatal(err)
		}
		if got := strings.Contains(logged.String(), "gateway gave an id"); got != (row.want != "") || !strings.Contains(logged.String(), row.want) {
			t.Errorf("%s: log %s, want %q", row.body, logged, row.want)
		}
	}
}

func TestSlowGateways(t *testing.T) {
	t.Parallel()
	stop := make(chan struct{})
	s := newSink(t, func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-stop:
		case <-r.Context().Done():
		case <-time.After(30 * time.Second):
		}
	})
	t.Cleanup(func() { close(stop) })
	c, _ := chain(t, toSink("slow", s.URL, func(c *Config) { c.Timeout = 100 * time.Millisecond }))
	start := time.Now()
	err := c.Send(t.Context(), number(t), markText)
	if got := outcome(err); got != "unknown" {
		t.Errorf("%s (%v), want unknown: the request was written", got, err)
	}
	if took := time.Since(start); took > 3*time.Second {
		t.Errorf("took %v, want the time-out of 100ms", took)
	}
}
