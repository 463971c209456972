package gateway

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/portvakt/portvakt/conf/secret"
	"github.com/portvakt/portvakt/factors/phone"
	"github.com/portvakt/portvakt/login/logintest"
)

// What must never be in a log or an error. The text and the query of the
// gateway's address are markers of their own.
const (
	markNational = "41234567"
	markText     = "123456 is your mark-text"
	markToken    = "mark-token"
	markPassword = "mark-password"
	markSecret   = "mark-secret"
	markQuery    = "mark-query"
	markReply    = "mark-reply"
)

func number(t testing.TB) phone.Number {
	t.Helper()
	n, err := phone.Parse("+47"+markNational, "")
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// AssertLeaksNothing fails when a text for operators holds what they must not
// read.
func AssertLeaksNothing(t testing.TB, what string) {
	t.Helper()
	for _, mark := range []string{
		markNational, "123456", "mark-text", markToken, markPassword, markSecret, markQuery, markReply,
	} {
		if strings.Contains(what, mark) {
			t.Errorf("%q leaks in %q", mark, what)
		}
	}
}

// chain builds a Chain and checks at the end that its log leaked nothing.
func chain(t testing.TB, cfgs ...Config) (*Chain, *logintest.Log) {
	t.Helper()
	log := new(logintest.Log)
	c, err := New(cfgs, io.Discard, log.Logger())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { AssertLeaksNothing(t, log.String()) })
	return c, log
}

// outcome words what Send says of a message.
func outcome(err error) string {
	switch {
	case err == nil:
		return "sent"
	case Unsent(err):
		return "not sent"
	default:
		return "unknown"
	}
}

// A sink is a gateway that counts its requests.
type sink struct {
	*httptest.Server
	mu       sync.Mutex
	requests []received
}

type received struct {
	method, query, contentType, body string
	header                           http.Header
}

func newSink(t testing.TB, answer http.HandlerFunc) *sink {
	t.Helper()
	s := new(sink)
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		s.mu.Lock()
		s.requests = append(s.requests, received{
			r.Method, r.URL.RawQuery, r.Header.Get("Content-Type"), string(body), r.Header,
		})
		s.mu.Unlock()
		answer(w, r)
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *sink) got() []received {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]received(nil), s.requests...)
}

// status answers with a status and a body.
func status(code int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(code)
		fmt.Fprint(w, body)
	}
}

// toSink is a provider that sends to the address with every secret there is.
func toSink(name, address string, change ...func(*Config)) Config {
	c := Config{
		Name: name, Kind: "http", URL: address + "/send?key=" + markQuery, Timeout: 5 * time.Second,
		JSON: `{"to": "{to}", "text": "{text}"}`, Token: secret.New(markToken),
		Header: []string{"X-Key: {secret}"}, Secret: secret.New(markSecret),
	}
	for _, f := range change {
		f(&c)
	}
	return c
}
