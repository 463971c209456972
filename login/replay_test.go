package login_test

import (
	"testing"

	"github.com/portvakt/portvakt/login"
	"github.com/portvakt/portvakt/login/logintest"
)

// S-01: a code that was used is refused wherever it is typed again, and the
// audit says so.
func TestS01AUsedCodeIsUsedEverywhere(t *testing.T) {
	wifi := login.Via{Client: "wifi", Station: "203.0.113.9", CanAsk: true}
	for _, row := range []struct {
		where    string
		via      login.Via
		another  bool // node
		appended bool
	}{
		{"at the same client", vpn, false, false},
		{"at another client", wifi, false, false},
		{"on another node", vpn, true, false},
		{"at another client of another node", wifi, true, false},
		{"behind the password", login.Via{Client: "old", Append: login.AppendComma}, false, true},
	} {
		t.Run(row.where, func(t *testing.T) {
			w := logintest.NewWorld(t)
			if s, _ := answer(t, w, "alice", ask(t, w, "alice", "secret", vpn), vpn, "111111"); !s.(login.Accept).Valid() {
				t.Fatal("the code was not good to begin with")
			}
			if row.another {
				w.Flow = w.NewFlow(w.Config) // the nodes share records, not memory
			}
			var s login.Step
			if row.appended {
				var err error
				if s, err = w.Begin(t.Context(), login.Attempt{User: "alice", Secret: login.Cleartext("secret,111111"), Via: row.via}); err != nil {
					t.Fatal(err)
				}
			} else {
				s, _ = answer(t, w, "alice", ask(t, w, "alice", "secret", row.via), row.via, "111111")
			}
			if _, in := s.(login.Accept); in || w.Last().Reason != login.ReasonUsedCode {
				t.Errorf("got %#v, audit %q, want code_used_before", s, w.Last().Reason)
			}
		})
	}
}

// S-49: a message sent again makes the code before worthless, on the question
// it was sent for and on the new one.
func TestS49TheCodeBeforeAResendIsWorthless(t *testing.T) {
	w := logintest.NewWorld(t)
	resend := func(from login.Ticket) login.Ticket {
		t.Helper()
		s, r := answer(t, w, "alice", from, vpn, "2") // SMS, and to send it again
		q, ok := s.(login.Ask)
		if !ok {
			t.Fatalf("got %#v %s, want a question", s, r)
		}
		return q.Ticket
	}
	first := resend(ask(t, w, "alice", "secret", vpn))
	second := resend(first)
	if _, r := answer(t, w, "alice", first, vpn, "500001"); r != login.ReasonSpentTicket {
		t.Errorf("the old code for the old question: got %q, want state_used_before", r)
	}
	s, _ := answer(t, w, "alice", second, vpn, "500001")
	q, ok := s.(login.Ask)
	if !ok || w.Last().Reason != login.ReasonWrongCode {
		t.Fatalf("the old code for the new question: got %#v, audit %q", s, w.Last().Reason)
	}
	if s, r := answer(t, w, "alice", q.Ticket, vpn, "500002"); r != "" {
		t.Errorf("the new code: got %#v %s, want accept", s, r)
	}
}
