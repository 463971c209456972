package login_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/portvakt/portvakt/login"
	"github.com/portvakt/portvakt/login/logintest"
)

// A courier is a factor that sends its code again, and knows of messages that
// were lost.
type courier struct {
	*logintest.Factor
	resent int
	lost   bool
}

func (c *courier) Resend(_ context.Context, _ login.User, _ login.Method, memo []byte) ([]byte, error) {
	if c.PromptErr != nil {
		return nil, c.PromptErr
	}
	c.resent++
	return memo, nil
}

func (c *courier) Check(ctx context.Context, u login.User, m login.Method, memo []byte, answer login.Secret) error {
	err := c.Factor.Check(ctx, u, m, memo, answer)
	if c.lost && login.Refused(err) == login.ReasonWrongCode {
		return &login.Refusal{Reason: login.ReasonNotDelivered}
	}
	return err
}

// couriered is a world whose messages are a courier's: alice has an app and
// two telephones.
func couriered(t *testing.T, rules ...login.RuleConfig) (*logintest.World, *courier) {
	t.Helper()
	w := logintest.NewWorld(t, rules...)
	c := &courier{Factor: w.SMS}
	cfg := w.Config
	cfg.Factors = []login.Factor{w.TOTP, c, w.Recovery}
	w.Flow = w.NewFlow(cfg)
	return w, c
}

// say answers and returns the next question's ticket and text; none when the
// dialogue is over.
func say(t *testing.T, w *logintest.World, from login.Ticket, typed string) (login.Ticket, string) {
	t.Helper()
	s, r := answer(t, w, "alice", from, vpn, typed)
	switch s := s.(type) {
	case login.Ask:
		return s.Ticket, s.Text
	case login.Accept:
		return nil, "accept"
	case login.Reject:
		return nil, string(r)
	case login.Wait:
		t.Fatal("a wait where nobody is asked elsewhere")
	}
	return nil, ""
}

func TestACodeThatIsSentAgainIsTheSame(t *testing.T) {
	w, c := couriered(t)
	first, _ := say(t, w, ask(t, w, "alice", "secret", vpn), "2")
	second, _ := say(t, w, first, "2")
	if len(w.SMS.Sent) != 1 || c.resent != 1 {
		t.Fatalf("%d codes, sent again %d times, want one code, sent twice", len(w.SMS.Sent), c.resent)
	}
	if _, r := say(t, w, first, "500001"); r != string(login.ReasonSpentTicket) {
		t.Errorf("the question before: %s, want that it is answered", r)
	}
	if _, r := say(t, w, second, "500001"); r != "accept" {
		t.Errorf("the code: %s, want accept", r)
	}
}

func TestAnotherMethodHasACodeOfItsOwn(t *testing.T) {
	w, c := couriered(t)
	q, _ := say(t, w, ask(t, w, "alice", "secret", vpn), "2")
	q, _ = say(t, w, q, "3") // the other telephone
	q, _ = say(t, w, q, "2") // and back
	if len(w.SMS.Sent) != 3 || c.resent != 0 {
		t.Errorf("%d codes, sent again %d times, want three codes", len(w.SMS.Sent), c.resent)
	}
	if _, r := say(t, w, q, "500003"); r != "accept" {
		t.Errorf("the newest code: %s, want accept", r)
	}
}

// S-03: a code that stays the same must not have more tries because it was sent
// more often.
func TestS03SendingAgainGivesNoMoreTries(t *testing.T) {
	w, c := couriered(t)
	q, _ := say(t, w, ask(t, w, "alice", "secret", vpn), "2")
	for i, want := range []bool{true, true, false} {
		q, _ = say(t, w, q, "999999")
		if (q != nil) != want {
			t.Fatalf("guess %d: asked again %v, want %v", i+1, q != nil, want)
		}
		if q != nil {
			q, _ = say(t, w, q, "2")
		}
	}
	if got := w.Last().Reason; got != login.ReasonTooManyTries || c.resent != 2 {
		t.Errorf("ended with %q after %d times, want %q", got, c.resent, login.ReasonTooManyTries)
	}
}

func TestACodeThatCannotBeSentAgainLeadsToTheNextMethod(t *testing.T) {
	w, c := couriered(t)
	q, _ := say(t, w, ask(t, w, "alice", "secret", vpn), "2")
	c.PromptErr = &login.Refusal{Reason: login.ReasonSourceLimited}
	q, text := say(t, w, q, "2")
	if !strings.HasPrefix(text, "That could not be sent. Enter the code from your authenticator app") {
		t.Errorf("got %q", text)
	}
	if _, r := say(t, w, q, "111111"); r != "accept" {
		t.Errorf("the app's code: %s, want accept", r)
	}
}

// Whoever has nothing but the code that was sent must not lose it by asking for
// it once more often than may be.
func TestACodeThatCannotBeSentAgainStaysGood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := func() (*logintest.World, login.Ticket, func(login.Ticket) login.Ticket) {
			w, c := couriered(t, login.RuleConfig{Factors: []string{"sms"}})
			q := ask(t, w, "alice", "secret", vpn)
			c.PromptErr = &login.Refusal{Reason: login.ReasonSourceLimited}
			return w, q, func(q login.Ticket) login.Ticket {
				t.Helper()
				q, text := say(t, w, q, "1")
				if !strings.HasPrefix(text, "That could not be sent. Enter the code sent to ••42") {
					t.Fatalf("got %q", text)
				}
				return q
			}
		}
		w, q, again := begin()
		if _, r := say(t, w, again(again(q)), "500001"); r != "accept" {
			t.Errorf("the code: %s, want accept", r)
		}

		w, q, again = begin()
		time.Sleep(4 * time.Minute)
		q = again(q)
		time.Sleep(2 * time.Minute)
		if _, r := say(t, w, q, "500001"); r != string(login.ReasonExpiredTicket) {
			t.Errorf("after six minutes: %s, want that it has not become younger", r)
		}

		w, q, _ = begin()
		rounds := 0
		for q != nil {
			q, _ = say(t, w, q, "1")
			rounds++
		}
		if got := w.Last().Reason; got != login.ReasonTooManyTries || rounds > 20 {
			t.Errorf("%d rounds, %q: want that they end", rounds, got)
		}
	})
}

func TestALostMessageLeadsToTheNextMethod(t *testing.T) {
	for _, row := range []struct {
		rule, typed, want string
	}{
		{"enter", "", "That message did not arrive. Enter the code sent to ••17"},
		{"a wrong code", "999999", "That message did not arrive. Enter the code sent to ••17"},
		{"the code, which arrived all the same", "500001", "accept"},
		{"a code of the app", "111111", "accept"},
	} {
		w, c := couriered(t)
		q, _ := say(t, w, ask(t, w, "alice", "secret", vpn), "2")
		c.lost = true
		if _, text := say(t, w, q, row.typed); !strings.HasPrefix(text, row.want) {
			t.Errorf("%s: got %q, want %q", row.rule, text, row.want)
		}
		if want := login.ReasonNotDelivered; strings.HasPrefix(row.want, "That") && w.Last().Reason != want {
			t.Errorf("%s: audited as %q, want %q", row.rule, w.Last().Reason, want)
		}
	}
}

// S-03: a gateway that says of everything that it did not arrive makes guesses
// no cheaper.
func TestS03GuessesAtALostMessageCount(t *testing.T) {
	w, c := couriered(t)
	c.lost = true
	q, _ := say(t, w, ask(t, w, "alice", "secret", vpn), "2")
	guesses := 0
	for q != nil {
		q, _ = say(t, w, q, "999999")
		guesses++
	}
	if got := w.Last().Reason; guesses != 3 || got != login.ReasonTooManyTries {
		t.Errorf("%d guesses, %q, want 3", guesses, got)
	}
}

func TestEnterAtALostMessageLocksNobodyOut(t *testing.T) {
	w, c := couriered(t)
	c.lost = true
	var q login.Ticket
	for i := range 10 {
		q, _ = say(t, w, ask(t, w, "alice", "secret", vpn), "2")
		if q, _ = say(t, w, q, []string{"", " "}[i%2]); q == nil {
			t.Fatalf("enter ended the dialogue: %q", w.Last().Reason)
		}
	}
	if _, r := say(t, w, q, "111111"); r != "accept" {
		t.Errorf("the app's code: %s, want accept", r)
	}
}
