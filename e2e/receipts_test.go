package e2e_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/portvakt/portvakt/e2e/peer"
	"github.com/portvakt/portvakt/e2e/server"
	"github.com/portvakt/portvakt/radiusd/client"
)

// losing is a gateway that accepts each message and says later that it failed.
func losing(t *testing.T) (provider string, sent chan string) {
	t.Helper()
	sent = make(chan string, 100)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			sent <- r.PostFormValue("text")
			_, _ = io.WriteString(w, `{"messages": [{"id": "m/1"}]}`)
			return
		}
		state := "unknown message"
		if r.URL.EscapedPath() == "/m%2F1" {
			state = "undelivered"
		}
		fmt.Fprintf(w, `{"state": %q}`, state)
	}))
	t.Cleanup(s.Close)
	return fmt.Sprintf(`
[sms]
countries = ["US", "NO"]
region = "US"
[[sms.provider]]
name = "losing"
kind = "http"
url = %q
form = ["to={to}", "text={text}"]
id_match = "/messages/0/id"
status_url = "%s/{id}"
status_failed = "/state=^undelivered$"
`, s.URL, s.URL), sent
}

// A gateway that says that a message failed has the same code sent through the
// next one (S-49).
func TestAMessageThatFailedComesThroughAnotherGateway(t *testing.T) {
	t.Parallel()
	first, sent := losing(t)
	second := server.NewGateway(t)
	d := texting(t, first+second.Provider("second"))
	state := ask(t, d, "alice")
	code := second.Code(t)
	if got := server.CodeIn(t, <-sent); got != code {
		t.Error("the two gateways have different codes")
	}
	want(t, "the code", exchange(t, d.Client(), "alice", code, state), client.AccessAccept)
}

// When no other gateway is left, enter brings the next method (S-49).
func TestALostMessageLeadsToAnotherMethod(t *testing.T) {
	t.Parallel()
	only, sent := losing(t)
	slapd := peer.StartSlapd(t, peer.SlapdOptions{})
	site := server.New(t, server.Config{LDAP: server.LDAP(slapd), More: only + `
[[rule]]
name = "message first"
factors = ["sms", "totp"]
`})
	seed := server.NewSeed()
	site.Enroll(t, "alice", seed)
	site.Must(t, "phone", "add", "alice", telephone)
	d := site.Start(t)
	reply := exchange(t, d.Client(), "alice", peer.UserPassword, nil)
	want(t, "the password", reply, client.AccessChallenge)
	<-sent
	d.AwaitLog(t, "no gateway could deliver a code")
	began := time.Now()
	reply = exchange(t, d.Client(), "alice", "", reply.State())
	want(t, "enter", reply, client.AccessChallenge)
	if text := reply.Message(); !strings.Contains(text, "did not arrive") || !strings.Contains(text, askApp) {
		t.Errorf("after %v: %q, want that the app is asked for", time.Since(began), text)
	}
	want(t, "the app's code", exchange(t, d.Client(), "alice", seed.Code(t), reply.State()), client.AccessAccept)
}
