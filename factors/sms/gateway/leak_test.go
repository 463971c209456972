package gateway

import (
	"net/http"
	"testing"
	"time"

	"github.com/portvakt/portvakt/conf/secret"
	"github.com/portvakt/portvakt/factors/breaker"
)

// Each provider fails in each way there is, with every secret it can have; what
// an operator reads of it tells none.
func TestS30FailuresLeakNothing(t *testing.T) {
	t.Parallel()
	echo := newSink(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Location", r.URL.String())
		w.WriteHeader(http.StatusTeapot)
		_, _ = w.Write([]byte(r.URL.RawQuery + r.Header.Get("Authorization") + markReply))
	})
	redirect := newSink(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, r.URL.String(), http.StatusTemporaryRedirect)
	})
	slow := newSink(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	query := func(c *Config) {
		c.JSON, c.Query = "", []string{"to={to}", "text={text}", "key={secret}"}
		c.Token, c.User, c.Password = secret.Value{}, "mark-user", secret.New(markPassword)
	}
	short := func(c *Config) { c.Timeout = 100 * time.Millisecond }
	script := func(text string) Config {
		path, _ := program(t, text)
		return Config{Name: "program", Kind: "command", Command: []string{path, "{to}"}, Timeout: 500 * time.Millisecond}
	}
	for _, row := range []struct {
		rule string
		cfg  Config
	}{
		{"a refusal that echoes the request", toSink("gw", echo.URL)},
		{"the same with everything in the query", toSink("gw", echo.URL, query)},
		{"a redirect to itself", toSink("gw", redirect.URL, query)},
		{"a time-out", toSink("gw", slow.URL, query, short)},
		{"nobody listens", toSink("gw", "http://127.0.0.1:1", query)},
		{"no such host", toSink("gw", "https://gateway.invalid", query)},
		{"TLS with a server that has none", toSink("gw", "https"+echo.URL[len("http"):], query)},
		{"a proxy that is not there", toSink("gw", "https://gateway.invalid", query, func(c *Config) { c.Proxy = "http://127.0.0.1:1" })},
		{"a proxy that refuses", toSink("gw", "https://gateway.invalid", query, func(c *Config) { c.Proxy = echo.URL })},
		{"a program that says what it got", script("cat; echo $1; echo $1 >&2; exit 1")},
		{"a program that is killed", script("kill -9 $$")},
		{"a program that hangs", script("sleep 60")},
		{"a program that is not there", Config{Name: "program", Kind: "command", Command: []string{"/nonexistent", "{to}"}}},
	} {
		t.Run(row.rule, func(t *testing.T) {
			t.Parallel()
			c, log := chain(t, row.cfg)
			for range breaker.After {
				err := c.Send(t.Context(), number(t), markText)
				if err == nil {
					t.Fatal("sent")
				}
				AssertLeaksNothing(t, err.Error())
			}
			if log.String() == "" {
				t.Error("nothing is logged at all")
			}
			for _, st := range c.Check(t.Context()) {
				if st.Err != nil {
					AssertLeaksNothing(t, st.Err.Error()+st.Target)
				}
			}
		})
	}
}
