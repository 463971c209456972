package e2e_test

import (
	"context"
	"net"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/portvakt/portvakt/e2e/peer"
	"github.com/portvakt/portvakt/e2e/server"
)

const desk = "198.51.100.7" // where alice's device is

// The prompt shows two digits, which the telephone has to key before #.
func TestDigitsOfThePromptAreKeyed(t *testing.T) {
	t.Parallel()
	phone := newHandset(t, manual)
	site, _ := callSite{call: `call = "match"`, exchanges: []string{phone.Addr()}}.new(t)
	d := site.Start(t)
	digits := regexp.MustCompile(`Key (\d\d) and #`)
	result, err := from(d, desk).Walk(t.Context(), "alice", peer.UserPassword, func(ctx context.Context, prompt string, _ bool) (string, error) {
		shown := digits.FindStringSubmatch(prompt)
		if shown == nil {
			t.Errorf("the prompt shows no digits: %q", prompt)
			return "", nil
		}
		phone.await(t, "said anything", phone.heard)
		return "", phone.Press(ctx, "#"+shown[1]+"#") // the key alone approves nothing
	})
	if err != nil || !result.Accepted {
		t.Errorf("%v: %q", err, result.Reply.Message())
	}
	d.AwaitCount(t, 1, `"msg":"call"`, `"outcome":"approved"`, `"status":200`, `"kind":"rfc4733"`)
}

func TestAPINIsKeyed(t *testing.T) {
	t.Parallel()
	phone := newHandset(t, "2580#")
	site, _ := callSite{call: `call = "pin"`, exchanges: []string{phone.Addr()}}.new(t)
	d := site.Start(t)
	// Nobody is called for a PIN that she has not.
	result, questions, err := server.Walk(t, from(d, desk), "alice", peer.UserPassword)
	if err == nil || len(questions) != 1 || phone.rung.Load() != 0 {
		t.Errorf("without a PIN: %v %q %v, rung %d times", result.Accepted, questions, err, phone.rung.Load())
	}
	if r := site.Run(t, "2580\n2580\n", "user", "pin", "alice"); r.Code != 0 {
		t.Fatal(r.Stderr)
	}
	if result, _, err = server.Walk(t, from(d, "198.51.100.8"), "alice", peer.UserPassword); err != nil || !result.Accepted {
		t.Errorf("with her PIN: %v %q", err, result.Reply.Message())
	}
}

// Somebody has her password: she says so, and it is of no use to him.
func TestAFraudReportBlocksThePassword(t *testing.T) {
	t.Parallel()
	phone := newHandset(t, "0#")
	site, _ := callSite{exchanges: []string{phone.Addr()}}.new(t)
	d := site.Start(t)
	refused := func(reason string) {
		t.Helper()
		result, _, err := server.Walk(t, from(d, "203.0.113.66"), "alice", peer.UserPassword)
		if err != nil || result.Accepted {
			t.Fatalf("%v, let in: %v", err, result.Accepted)
		}
		d.AwaitLog(t, `"reason":"`+reason+`"`)
	}
	refused("fraud_reported")
	d.AwaitLog(t, `"level":"ERROR"`, `"reason":"fraud_reported"`, `"station":"203.0.113.66"`)
	refused("blocked_by_fraud_report")
	if n := phone.rung.Load(); n != 1 {
		t.Errorf("her telephone rang %d times", n)
	}
	for _, command := range [][]string{{"user", "show", "alice"}, {"explain", "alice", "--client", "vpn"}} {
		if out := site.Must(t, command...); !strings.Contains(out, "reported as fraud") {
			t.Errorf("portvakt %s says nothing of it:\n%s", command[0], out)
		}
	}
	site.Must(t, "user", "unlock", "alice")
	phone.await(t, "fell silent", phone.ended) // it says goodbye at length
	phone.keys.Store("#")
	if result, _, err := server.Walk(t, from(d, desk), "alice", peer.UserPassword); err != nil || !result.Accepted {
		t.Errorf("after the unlock: %v %q", err, result.Reply.Message())
	}
}

// A server that dies while it rings leaves a sign-in that is asked for a code,
// and rings nobody twice.
func TestAServerKilledWhileItRingsDoesNotRingAgain(t *testing.T) {
	t.Parallel()
	phone := newHandset(t, "")
	site, seed := callSite{exchanges: []string{phone.Addr()}, client: `patience = "5s"`}.new(t)
	d := site.Start(t)
	lost := make(chan struct{})
	go func() {
		defer close(lost)
		c := from(d, desk)
		c.Timeout = 2 * time.Second
		_, _ = c.Walk(t.Context(), "alice", peer.UserPassword, nil)
	}()
	phone.await(t, "rang", phone.rings)
	d.Kill(t)
	<-lost
	_ = phone.HangUp() // nobody is there to cancel the call
	d = site.Start(t)
	result, questions, err := server.Walk(t, from(d, desk), "alice", peer.UserPassword, seed.Code(t))
	if err != nil || !result.Accepted {
		t.Errorf("%v %q %q", err, questions, result.Reply.Message())
	}
	if n := phone.rung.Load(); n != 1 {
		t.Errorf("her telephone rang %d times: %q", n, questions)
	}
}

// An exchange that is not there costs a second: then the next one calls, and
// without one the next method asks.
func TestAnExchangeThatIsNotThere(t *testing.T) {
	t.Parallel()
	phone := newHandset(t, "#")
	nobody, err := net.ListenPacket("udp", "127.0.0.1:0") // takes messages and never answers
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = nobody.Close() })
	dead := nobody.LocalAddr().String()
	t.Run("the next provider calls", func(t *testing.T) {
		t.Parallel()
		site, _ := callSite{exchanges: []string{dead, phone.Addr()}}.new(t)
		d := site.Start(t)
		if result, _, err := server.Walk(t, from(d, desk), "alice", peer.UserPassword); err != nil || !result.Accepted {
			t.Errorf("%v %q", err, result.Reply.Message())
		}
		d.AwaitCount(t, 1, `"msg":"call"`, `"level":"WARN"`, `"provider":"exchange-1"`, `"outcome":"unavailable"`, "does not answer")
		d.AwaitCount(t, 1, `"msg":"call"`, `"level":"INFO"`, `"provider":"exchange-2"`, `"outcome":"approved"`)
	})
	t.Run("the next method asks", func(t *testing.T) {
		t.Parallel()
		site, seed := callSite{exchanges: []string{dead}}.new(t)
		d := site.Start(t)
		if result, questions, err := server.Walk(t, from(d, desk), "alice", peer.UserPassword, seed.Code(t)); err != nil || !result.Accepted {
			t.Errorf("%v %q %q", err, questions, result.Reply.Message())
		}
	})
}

// The call tells a code, and she types it.
func TestACallTellsACode(t *testing.T) {
	t.Parallel()
	site, _ := callSite{call: `call = "code"`, more: `
[[call.provider]]
name = "log"
kind = "log"
after = "1s"
`}.new(t)
	d := site.Start(t)
	said := regexp.MustCompile(`(?:\d[ ,.]+){5}\d`)
	result, err := from(d, desk).Walk(t.Context(), "alice", peer.UserPassword, func(_ context.Context, prompt string, _ bool) (string, error) {
		if !strings.Contains(prompt, "call") {
			t.Errorf("asked %q", prompt)
		}
		d.AwaitLog(t, "call to +47")
		code := said.FindString(d.Log())
		return strings.NewReplacer(" ", "", ",", "", ".", "").Replace(code), nil
	})
	if err != nil || !result.Accepted {
		t.Errorf("%v %q", err, result.Reply.Message())
	}
	d.AwaitCount(t, 1, `"msg":"call"`, `"provider":"log"`, `"outcome":"told"`)
}
