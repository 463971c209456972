package e2e_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/portvakt/portvakt/e2e/peer"
	"github.com/portvakt/portvakt/e2e/server"
	"github.com/portvakt/portvakt/radiusd/client"
)

// Somebody who knows a password cannot make the service send without end (S-06,
// S-07): the caps hold over a restart, and beyond them there is no message and
// no way in.
func TestMessagesAreCapped(t *testing.T) {
	t.Parallel()
	const most = 3
	gateway := server.NewGateway(t)
	d := texting(t, strings.Replace(server.SMS(gateway), "per_user_hour = 500", fmt.Sprintf("per_user_hour = %d", most), 1))
	for i := range 2 * most {
		if i == most {
			d.Kill(t)
			d = d.Start(t)
		}
		code := client.AccessChallenge
		if i >= most {
			code = client.AccessReject
		}
		want(t, fmt.Sprintf("sign-in %d", i+1), exchange(t, d.Client(), "alice", peer.UserPassword, nil), code)
	}
	if got := gateway.Requests(); got != most {
		t.Errorf("%d messages, want %d", got, most)
	}
}

// Calls are no second budget (S-07): messages and calls to one person count
// together, and a restart forgets neither.
func TestMessagesAndCallsHaveOneCap(t *testing.T) {
	t.Parallel()
	const messages, calls = 3, 4
	gateway := server.NewGateway(t)
	d := texting(t, strings.Replace(server.SMS(gateway), "per_user_hour = 500", fmt.Sprintf("per_user_hour = %d", messages), 1)+
		fmt.Sprintf(`
[call]
countries = ["NO"]
per_user_hour = %d

[[call.provider]]
name = "try"
kind = "log"
press = "#"

[[rule]]
factors = ["sms"]
`, calls))
	sign := func(what string, code client.Code) {
		t.Helper()
		want(t, what, exchange(t, d.Client(), "alice", peer.UserPassword, nil), code)
	}
	call := func(what string, code int) {
		t.Helper()
		if r := d.Run(t, "", "call", "alice"); r.Code != code || code != 0 && !strings.Contains(r.Stderr, "per_user_hour") {
			t.Fatalf("%s: exit code %d, want %d: %s", what, r.Code, code, r.Stderr)
		}
	}
	call("the first call", 0)
	sign("a message", client.AccessChallenge)
	call("the second call", 0)
	sign("a message behind two calls", client.AccessReject)
	d.Kill(t)
	d = d.Start(t)
	sign("a message after a restart", client.AccessReject)
	call("calls have a cap of their own for both", 0)
	call("a call over it", 1)
	if got := gateway.Requests(); got != 1 {
		t.Errorf("%d messages, want one", got)
	}
}

// Numbers in countries that are not allowed get nothing, whoever knows the
// password, and cannot be added (S-07).
func TestNumbersElsewhereGetNothing(t *testing.T) {
	t.Parallel()
	gateway := server.NewGateway(t)
	d := texting(t, strings.Replace(server.SMS(gateway), `countries = ["US", "NO"]`, `countries = ["NO"]`, 1))
	for _, number := range []string{"+882 16 5550 1234", "+44 20 7946 0000", "+47 820 00 000", "not a number"} {
		if r := d.Run(t, "", "phone", "add", "alice", number); r.Code != 2 || !strings.Contains(r.Stderr, "portvakt: error: ") {
			t.Errorf("%s: exit code %d, %q, want a refusal", number, r.Code, r.Stderr)
		}
	}
	d.Refuse(t, "bob", peer.UserPassword) // the directory knows one in the United Kingdom
	if got := gateway.Requests(); got != 0 {
		t.Errorf("%d messages, want none", got)
	}
}
