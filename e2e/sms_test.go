package e2e_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/portvakt/portvakt/e2e/peer"
	"github.com/portvakt/portvakt/e2e/server"
	"github.com/portvakt/portvakt/radiusd/client"
)

const telephone = "+47 900 00 042"

// texting is a site where alice has a telephone only.
func texting(t *testing.T, sms string) *server.Daemon {
	t.Helper()
	slapd := peer.StartSlapd(t, peer.SlapdOptions{})
	site := server.New(t, server.Config{LDAP: server.LDAP(slapd), More: sms})
	site.Must(t, "phone", "add", "alice", telephone)
	return site.Start(t)
}

func TestACodeThroughKannel(t *testing.T) {
	t.Parallel()
	kannel := peer.StartKannel(t)
	d := texting(t, fmt.Sprintf(`
[sms]
countries = ["NO"]
[[sms.provider]]
name = "kannel"
kind = "http"
method = "GET"
url = %q
query = ["username=%s", "password={secret}", "to={to}", "text={text}", "coding={coding}", "charset=UTF-8"]
secret = %q
ok = [202]
`, kannel.URL, kannel.User, kannel.Password))
	state := ask(t, d, "alice")
	m := kannel.Next(t)
	if m.To != "+4790000042" {
		t.Errorf("sent to %q", m.To)
	}
	code := server.CodeIn(t, m.Text)
	reply := exchange(t, d.Client(), "alice", "000000", state)
	want(t, "wrong code", reply, client.AccessChallenge)
	want(t, "the code of the message", exchange(t, d.Client(), "alice", code, reply.State()), client.AccessAccept)
	kannel.Silent(t)
}

func TestASecondGatewayWhenTheFirstRefuses(t *testing.T) {
	t.Parallel()
	first, second := server.NewGateway(t), server.NewGateway(t)
	d := texting(t, server.SMS(first, second))
	first.Answer(http.StatusServiceUnavailable)
	state := ask(t, d, "alice")
	want(t, "the code of the second gateway", exchange(t, d.Client(), "alice", second.Code(t), state), client.AccessAccept)
	if first.Requests() != 1 || second.Requests() != 1 {
		t.Errorf("the gateways were asked %d and %d times, want once each", first.Requests(), second.Requests())
	}
}

// A gateway that took the message and then said nothing may have sent it:
// nobody gets it twice, and the question is put all the same.
func TestAGatewayThatNeverAnswersIsNotAskedTwice(t *testing.T) {
	t.Parallel()
	first, second := server.NewGateway(t), server.NewGateway(t)
	d := texting(t, server.SMS(first, second))
	first.Stall()
	began := time.Now()
	ask(t, d, "alice")
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("the question came after %v", took)
	}
	d.AwaitLog(t, "gateway-1") // it has been given up
	if first.Requests() != 1 || second.Requests() != 0 {
		t.Errorf("the gateways were asked %d and %d times, want once and never", first.Requests(), second.Requests())
	}
}

// When no gateway takes a message, what else the person has is offered in the
// same dialogue.
func TestAnotherMethodWhenNoMessageCanBeSent(t *testing.T) {
	t.Parallel()
	gateway := server.NewGateway(t)
	slapd := peer.StartSlapd(t, peer.SlapdOptions{})
	site := server.New(t, server.Config{LDAP: server.LDAP(slapd), More: server.SMS(gateway) + `
[[rule]]
name = "message first"
factors = ["sms", "totp"]
`})
	seed := server.NewSeed()
	site.Enroll(t, "alice", seed)
	site.Must(t, "phone", "add", "alice", telephone)
	d := site.Start(t)
	gateway.Answer(http.StatusServiceUnavailable)
	_, questions, err := d.Walk(t, "alice", peer.UserPassword, seed.Code(t))
	if err != nil || len(questions) != 1 || !strings.Contains(questions[0], "could not be sent") || !strings.Contains(questions[0], askApp) {
		t.Errorf("got %q, %v, want a question that says so and asks for the app", questions, err)
	}
}

// A code that is sent again is the same, and the question before it is spent
// (S-49). A new sign-in has a code of its own.
func TestACodeIsSentAgain(t *testing.T) {
	t.Parallel()
	gateway := server.NewGateway(t)
	d := texting(t, server.SMS(gateway))
	state := ask(t, d, "alice")
	code := gateway.Code(t)
	again := exchange(t, d.Client(), "alice", "1", state)
	want(t, "asked to send it again", again, client.AccessChallenge)
	if got := gateway.Code(t); got != code {
		t.Error("another code was sent: which one is good?")
	}
	want(t, "the code at the old question", exchange(t, d.Client(), "alice", code, state), client.AccessReject)

	other := ask(t, d, "alice")
	fresh := gateway.Code(t)
	if fresh != code { // but for one time in a million
		refused := exchange(t, d.Client(), "alice", code, other)
		want(t, "the code at another sign-in's question", refused, client.AccessChallenge)
		other = refused.State()
	}
	want(t, "the code at the new question", exchange(t, d.Client(), "alice", code, again.State()), client.AccessAccept)
	want(t, "the other sign-in's code", exchange(t, d.Client(), "alice", fresh, other), client.AccessAccept)
}
