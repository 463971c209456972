package gateway

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/portvakt/portvakt/conf/secret"
	"github.com/portvakt/portvakt/login/logintest"
)

const markCallback = "mark-callback-0123456789"

// reporting is a gateway that can be asked and calls back.
func reporting(address string) func(*Config) {
	return func(c *Config) {
		c.IDMatch = "/id"
		c.Receipts = Receipts{
			StatusURL: address + "/state/{id}?again={id}", StatusOK: "/state=^delivered$", StatusFailed: "/state=failed",
			Callback: secret.New(markCallback), CallbackID: "/id",
		}
	}
}

func TestTheStateOfAMessageIsAskedFor(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		body   string
		code   int
		want   State
		detail string
	}{
		{`{"state": "delivered"}`, 200, Delivered, "delivered"},
		{`{"state": "failed"}`, 200, Failed, "failed"},
		{`{"state": "queued"}`, 200, Pending, ""},
		{`no JSON`, 200, Pending, ""},
		{`{"state": "delivered"}`, 404, "", ""},
		{`{"state": "delivered", "x": "` + strings.Repeat("x", maxReply) + `"}`, 200, "", ""},
	} {
		s := newSink(t, status(row.code, row.body))
		c, _ := chain(t, toSink("gw", s.URL, reporting(s.URL)))
		r, err := c.links[0].poller.Status(t.Context(), "a/b c?d=1&e")
		if r.State != row.want || r.Detail != row.detail || (err != nil) != (row.want == "") {
			t.Errorf("%d %.40s: %+v, %v, want %s", row.code, row.body, r, err, row.want)
		}
		if err != nil {
			AssertLeaksNothing(t, err.Error())
		}
		got := s.got()[0]
		query, err := url.ParseQuery(got.query)
		if err != nil || query.Get("again") != "a/b c?d=1&e" || len(query) != 1 {
			t.Errorf("query %s", got.query)
		}
		if got.method != "GET" || got.header.Get("Authorization") != "Bearer "+markToken || got.header.Get("X-Key") != markSecret {
			t.Errorf("asked by %s with %v", got.method, got.header)
		}
	}
}

// An id is whatever the gateway, or who pretends to be it, has written.
func TestAnIDLeadsToNoOtherAddress(t *testing.T) {
	t.Parallel()
	const template = "https://sms.example.org/messages/{id}/state?of={id}"
	for _, id := range []string{"x", "a/../b", "?x=y", "#f", "%2e%2e", "a&b=c", "@other.example", "\\", ";"} {
		u, err := statusURL(template, id)
		if err != nil {
			continue
		}
		if u.Host != "sms.example.org" || u.Query().Get("of") != id || len(u.Query()) != 1 || u.Fragment != "" ||
			strings.Count(u.EscapedPath(), "/") != 3 || u.Path != "/messages/"+id+"/state" {
			t.Errorf("%q leads to %s", id, u)
		}
	}
	for _, id := range []string{".", ".."} {
		if u, err := statusURL(template, id); err == nil {
			t.Errorf("%q leads to %s", id, u)
		}
	}
}

func TestAMessageThatFailedAtAWebGatewayIsSentThroughTheNext(t *testing.T) {
	t.Parallel()
	polls := make(chan struct{}, 100)
	first := newSink(t, func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/state/") {
			polls <- struct{}{}
			fmt.Fprint(w, `{"state": "failed"}`)
			return
		}
		fmt.Fprint(w, `{"id": "m1"}`)
	})
	second := newSink(t, status(200, ""))
	c, _ := chain(t, toSink("first", first.URL, reporting(first.URL)), toSink("second", second.URL))
	defer c.Close()
	f := new(fates)
	if err := c.Deliver(t.Context(), f.message(t, 0, nil)); err != nil {
		t.Fatal(err)
	}
	<-polls
	deadline := time.After(10 * time.Second)
	for len(second.got()) == 0 {
		select {
		case <-deadline:
			t.Fatal("not sent again")
		case <-time.After(10 * time.Millisecond):
		}
	}
	if body := second.got()[0].body; !strings.Contains(body, markText) {
		t.Errorf("another text: %s", body)
	}
}

// called posts a callback and returns the status.
func called(t *testing.T, address, kind, body string) int {
	t.Helper()
	method := http.MethodPost
	if kind == "" {
		method = http.MethodGet
	}
	r, err := http.NewRequestWithContext(t.Context(), method, address, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if kind != "" {
		r.Header.Set("Content-Type", kind)
	}
	reply, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer reply.Body.Close()
	text, _ := io.ReadAll(reply.Body)
	AssertLeaksNothing(t, string(text))
	return reply.StatusCode
}

func TestCallbacks(t *testing.T) {
	t.Parallel()
	log := new(logintest.Log)
	receiver, err := NewReceiver(t.Context(), netip.MustParseAddrPort("127.0.0.1:0"), log.Logger())
	if err != nil {
		t.Fatal(err)
	}
	base := "http://" + receiver.Addr().String()
	good := CallbackPath + "first/" + markCallback
	if got := called(t, base+good, "application/json", `{}`); got != 404 {
		t.Errorf("without a chain: %d", got)
	}
	const form, object = "application/x-www-form-urlencoded", "application/json"
	for _, row := range []struct {
		rule, path, kind, body string
		want                   int
		again                  int
		fate                   string
	}{
		{"failed", good, object, `{"id": "m1", "state": "failed"}`, 204, 1, "[]"},
		{"failed, in a form", good, form, "id=m1&state=failed&to=x", 204, 1, "[]"},
		{"failed, in a query", good + "?id=m1&state=failed", "", "", 204, 1, "[]"},
		{"delivered", good, object, `{"id": "m1", "state": "delivered"}`, 204, 0, "[delivered]"},
		{"on its way", good, object, `{"id": "m1", "state": "sent"}`, 204, 0, "[]"},
		{"another message", good, object, `{"id": "m2", "state": "failed"}`, 204, 0, "[]"},
		{"no message", good, object, `{"state": "failed"}`, 400, 0, "[]"},
		{"no form", good, form, "%zz", 400, 0, "[]"},
		{"too many fields", good, form, strings.Repeat("a=b&", maxFields) + "id=m1&state=failed", 400, 0, "[]"},
		{"too long", good, object, strings.Repeat(" ", maxReply) + `{"id": "m1", "state": "failed"}`, 400, 0, "[]"},
		{"a wrong secret", CallbackPath + "first/mark-callback-0123456788", object, `{"id": "m1", "state": "failed"}`, 404, 0, "[]"},
		{"no secret", CallbackPath + "first/", object, `{"id": "m1", "state": "failed"}`, 404, 0, "[]"},
		{"no provider of that name", CallbackPath + "other/" + markCallback, object, `{"id": "m1", "state": "failed"}`, 404, 0, "[]"},
		{"a provider without callbacks", CallbackPath + "second/", object, `{"id": "m1", "state": "failed"}`, 404, 0, "[]"},
		{"somewhere else", "/", object, `{}`, 404, 0, "[]"},
	} {
		first, second := newSink(t, status(200, `{"id": "m1"}`)), newSink(t, status(200, ""))
		c, _ := chain(t, toSink("first", first.URL, reporting(first.URL), func(c *Config) { c.Receipts.StatusURL = "" }), toSink("second", second.URL))
		receiver.Use(c)
		f := new(fates)
		if err := c.Deliver(t.Context(), f.message(t, 0, nil)); err != nil {
			t.Fatal(err)
		}
		if got := called(t, base+row.path, row.kind, row.body); got != row.want {
			t.Errorf("%s: answered %d, want %d", row.rule, got, row.want)
		}
		_ = c.Close() // waits for what is sent again
		if got := len(second.got()); got != row.again || f.String() != row.fate {
			t.Errorf("%s: sent again %d times, %s, want %d, %s", row.rule, got, f, row.again, row.fate)
		}
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodDelete, base+good, nil)
	if err != nil {
		t.Fatal(err)
	}
	reply, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	reply.Body.Close()
	if reply.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("another method: %d", reply.StatusCode)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	http.DefaultClient.CloseIdleConnections()
	if err := receiver.Close(ctx); err != nil {
		t.Error(err)
	}
	if strings.Contains(log.String(), "mark-") {
		t.Errorf("the secret is logged: %s", log)
	}
}

func TestReceiptsThatCannotBe(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		want   string
		change func(*Config)
	}{
		{"status_url: is not set, so", func(c *Config) { c.Receipts.StatusURL, c.Receipts.Callback = "", secret.Value{} }},
		{"callback: is not set, so", func(c *Config) { c.Receipts.Callback = secret.Value{} }},
		{"callback: is not 20 or more", func(c *Config) { c.Receipts.Callback = secret.New("short") }},
		{"callback_id: is not set", func(c *Config) { c.Receipts.CallbackID = "" }},
		{"callback_id: has no group", func(c *Config) { c.Receipts.CallbackID = "id=" }},
		{"name: \"a/b\" is part", func(c *Config) { c.Name = "a/b" }},
		{"id_match: is not set", func(c *Config) { c.IDMatch = "" }},
		{"status_failed: neither", func(c *Config) { c.Receipts.StatusOK, c.Receipts.StatusFailed = "", "" }},
		{"status_failed: is not a regular", func(c *Config) { c.Receipts.StatusFailed = "(" }},
		{"status_url: {id} is not in it", func(c *Config) { c.Receipts.StatusURL = "https://sms.example.org/" }},
		{"status_url: is not an address", func(c *Config) { c.Receipts.StatusURL = "https://{id}/x" }},
		{"status_url: holds another", func(c *Config) { c.Receipts.StatusURL = "https://sms.example.org/{to}/{id}" }},
		{"status_url: http:// would carry", func(c *Config) { c.Receipts.StatusURL = "http://sms.example.org/{id}" }},
	} {
		c := toSink("gw", "https://sms.example.org", reporting("https://sms.example.org"), row.change)
		if err := c.Validate(); err == nil || !strings.Contains(err.Error(), row.want) {
			t.Errorf("got %v, want %q", err, row.want)
		}
	}
	if err := toSink("gw", "https://sms.example.org", reporting("https://sms.example.org")).Validate(); err != nil {
		t.Error(err)
	}
}

func FuzzCallback(f *testing.F) {
	f.Add("POST", "application/json", "", `{"id": "1"}`)
	f.Add("POST", "application/x-www-form-urlencoded", "", "id=1&state=x")
	f.Add("GET", "", "id=1;a&%zz", "")
	f.Fuzz(func(t *testing.T, method, kind, query, body string) {
		r := &http.Request{
			Method: method, URL: &url.URL{RawQuery: query}, Header: http.Header{"Content-Type": {kind}},
			Body: io.NopCloser(bytes.NewBufferString(body)),
		}
		text, err := callbackText(nil, r)
		if err == nil && len(text) > maxReply+len(query)*6 && len(text) > len(body)*6+16 {
			t.Errorf("%d octets of %d and %d", len(text), len(query), len(body))
		}
	})
}
