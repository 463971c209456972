package server

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

// A Gateway is an SMS gateway with an HTTP interface that keeps what it was
// given, and can be told to fail.
type Gateway struct {
	// URL is where messages are posted, with the fields to and text.
	URL string

	mu       sync.Mutex
	messages []Message
	status   int
	stall    chan struct{}
	arrived  chan Message
}

// A Message is one text message.
type Message struct{ To, Text string }

// NewGateway starts one that ends with the test.
func NewGateway(t testing.TB) *Gateway {
	t.Helper()
	g := &Gateway{status: http.StatusOK, arrived: make(chan Message, 1024)}
	s := httptest.NewServer(http.HandlerFunc(g.serve))
	g.URL = s.URL
	t.Cleanup(func() {
		g.Answer(http.StatusOK) // lets go of whoever waits
		s.Close()
	})
	return g
}

func (g *Gateway) serve(w http.ResponseWriter, r *http.Request) {
	m := Message{To: r.PostFormValue("to"), Text: r.PostFormValue("text")}
	g.mu.Lock()
	g.messages = append(g.messages, m)
	status, stall := g.status, g.stall
	g.mu.Unlock()
	if stall != nil {
		<-stall
		return
	}
	if status == http.StatusOK {
		g.arrived <- m
	}
	w.WriteHeader(status)
}

// Answer makes it answer with a status. Only what it accepted is at the
// telephone.
func (g *Gateway) Answer(status int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.status = status
	if g.stall != nil {
		close(g.stall)
		g.stall = nil
	}
}

// Stall makes it take messages and never answer, until the next Answer.
func (g *Gateway) Stall() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.stall = make(chan struct{})
}

// Requests is how many messages it was asked to send.
func (g *Gateway) Requests() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.messages)
}

// Next waits for a message at the telephone.
func (g *Gateway) Next(t testing.TB) Message {
	t.Helper()
	select {
	case m := <-g.arrived:
		return m
	case <-time.After(startWithin):
		t.Fatal("no text message came")
		return Message{}
	}
}

// Code waits for a message and returns the code in it.
func (g *Gateway) Code(t testing.TB) string { t.Helper(); return CodeIn(t, g.Next(t).Text) }

var codeInText = regexp.MustCompile(`\b[0-9]{6,8}\b`)

// CodeIn is the code in the text of a message.
func CodeIn(t testing.TB, text string) string {
	t.Helper()
	code := codeInText.FindString(text)
	if code == "" {
		t.Fatalf("no code in %q", text)
	}
	return code
}

// Provider is the [[sms.provider]] block for the gateway.
func (g *Gateway) Provider(name string) string {
	return fmt.Sprintf(`
[[sms.provider]]
name = %q
kind = "http"
url = %q
form = ["to={to}", "text={text}"]
timeout = "3s"
`, name, g.URL)
}

// SMS is the [sms] section with gateways in order, and caps that no test meets.
func SMS(gateways ...*Gateway) string {
	var text strings.Builder
	text.WriteString(`
[sms]
region = "US"
countries = ["US", "NO"]
per_user_hour = 500
per_number_10min = 500
per_number_day = 500
min_success = 0
`)
	for i, g := range gateways {
		text.WriteString(g.Provider(fmt.Sprintf("gateway-%d", i+1)))
	}
	return text.String()
}
