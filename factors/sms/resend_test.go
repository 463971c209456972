package sms

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/portvakt/portvakt/factors/code"
	"github.com/portvakt/portvakt/factors/sms/gateway"
	"github.com/portvakt/portvakt/login"
)

func TestACodeIsSentAgainWhileItLives(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := build(t, new(records))
		u := person(1)
		m := w.first(t, u)
		memo, err := w.Prompt(t.Context(), u, m)
		if err != nil {
			t.Fatal(err)
		}
		code := w.sink.code(t)
		time.Sleep(2 * time.Minute)
		again, err := w.Resend(t.Context(), u, m, memo)
		if err != nil {
			t.Fatal(err)
		}
		if got := w.sink.code(t); got != code || w.sink.count() != 2 {
			t.Errorf("%d messages, the last with another code: %v", w.sink.count(), got != code)
		}
		if got := w.sink.texts[1]; !strings.Contains(got, "valid for 3 minutes") && !strings.Contains(got, "valid for 2 minutes") {
			t.Errorf("the text promises more than is left: %q", got)
		}
		time.Sleep(3 * time.Minute)
		if err := w.Check(t.Context(), u, m, again, login.Cleartext(code)); err != nil {
			t.Errorf("after five minutes: %v", err)
		}
		time.Sleep(2 * time.Second)
		if err := w.Check(t.Context(), u, m, again, login.Cleartext(code)); login.Refused(err) != login.ReasonWrongCode {
			t.Errorf("sending again made the code live longer: %v", err)
		}
		_ = w.Close()
	})
}

// A code that would be too old when it arrives is replaced.
func TestAnOldCodeIsReplaced(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := build(t, new(records))
		u := person(1)
		m := w.first(t, u)
		for _, memo := range [][]byte{
			code.Memo("123456", time.Now().Add(-code.Life+code.WorthSending-2*time.Second)),
			code.Memo("123456", time.Now().Add(2*code.MaxSkew)),
			[]byte("of another version"),
		} {
			next, err := w.Resend(t.Context(), u, m, memo)
			if err != nil {
				t.Fatal(err)
			}
			if c, at, err := code.Read(next); err != nil || time.Since(at) > time.Second || c == "123456" {
				t.Errorf("got a code of %v, %v, want a new one", at, err)
			}
		}
	})
}

func TestSendingAgainIsCapped(t *testing.T) {
	t.Parallel()
	w := build(t, new(records), func(c *Config) { c.Caps.PerNumber10Min = 3 })
	u := person(1)
	m := w.first(t, u)
	memo, err := w.Prompt(t.Context(), u, m)
	for range 2 {
		if err == nil {
			memo, err = w.Resend(t.Context(), u, m, memo)
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Resend(t.Context(), u, m, memo); login.Refused(err) != login.ReasonSourceLimited {
		t.Errorf("the fourth message: %v, want refused", err)
	}
	if _, err := w.Resend(t.Context(), person(2), m, memo); login.Refused(err) != login.ReasonMethodNotAllowed {
		t.Errorf("somebody else: %v, want refused", err)
	}
}

// S-49: a gateway that tells that the message failed leads to the next method,
// and its code stays good.
func TestS49AMessageThatFailedLeadsToTheNextMethod(t *testing.T) {
	t.Parallel()
	w := build(t, new(records))
	u := person(1)
	m := w.first(t, u)
	memo, err := w.Prompt(t.Context(), u, m)
	if err != nil {
		t.Fatal(err)
	}
	code, wrong := w.sink.code(t), "000000"
	if code == wrong {
		wrong = "000001"
	}
	check := func(when, answer string, want login.Reason) {
		t.Helper()
		if got := login.Refused(w.Check(t.Context(), u, m, memo, login.Cleartext(answer))); got != want {
			t.Errorf("%s: %q, want %q", when, got, want)
		}
	}
	fate := w.sink.messages[0].Fate
	check("on its way", wrong, login.ReasonWrongCode)
	fate(gateway.Failed)
	check("lost", wrong, login.ReasonNotDelivered)
	check("lost, and enter", "", login.ReasonNotDelivered)
	fate(gateway.Delivered)
	check("there after all", wrong, login.ReasonWrongCode)
	fate(gateway.Failed)
	if memo, err = w.Resend(t.Context(), u, m, memo); err != nil {
		t.Fatal(err)
	}
	check("sent again", wrong, login.ReasonWrongCode)
	fate(gateway.Failed)
	check("the code", code, "")
	fate(gateway.Failed) // of a question that is over
	check("a code that was used", wrong, login.ReasonWrongCode)
	if got := strings.Count(w.log.String(), "no gateway could deliver a code"); got != 3 {
		t.Errorf("logged %d times, want 3: %s", got, w.log)
	}
}

func TestOnlyOpenQuestionsHaveTheirMessagesSentAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := build(t, new(records), func(c *Config) {
			c.ReceiptWithin, c.Caps.PerNumber10Min = 20*time.Second, 3
			c.Provider[0].IDMatch = "/id"
			c.Provider[0].Receipts = gateway.Receipts{StatusURL: "https://sms.example.org/{id}", StatusOK: "ok"}
		})
		u := person(1)
		m := w.first(t, u)
		if _, err := w.Prompt(t.Context(), u, m); err != nil {
			t.Fatal(err)
		}
		message := w.sink.messages[0]
		if got := time.Until(message.Until); message.Within != 20*time.Second || got != code.Life {
			t.Errorf("receipts are waited for %v, the whole for %v", message.Within, got)
		}
		for i, want := range []login.Reason{"", "", login.ReasonSourceLimited} { // each is a message, and counted
			if err := message.Again(t.Context()); login.Refused(err) != want {
				t.Errorf("again %d: %v, want %q", i+1, err, want)
			}
		}
		time.Sleep(code.Life + time.Second)
		if err := message.Again(t.Context()); !errors.Is(err, errAnswered) {
			t.Errorf("a code that is too old: %v", err)
		}
		time.Sleep(10 * time.Minute)
		memo, err := w.Prompt(t.Context(), u, m)
		if err != nil {
			t.Fatal(err)
		}
		code := w.sink.code(t)
		message = w.sink.messages[1]
		if err := w.Check(t.Context(), u, m, memo, login.Cleartext(code)); err != nil {
			t.Fatal(err)
		}
		if err := message.Again(t.Context()); !errors.Is(err, errAnswered) {
			t.Errorf("a code that was entered: %v", err)
		}
		_ = w.Close()
	})
}

// A message that a slow gateway refuses in the end was not delivered either.
func TestARefusalBehindTheQuestionLeadsToTheNextMethod(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := build(t, new(records))
		w.sink.do = func(context.Context) error {
			time.Sleep(5 * time.Second)
			return &gateway.NotSent{Reason: "status 500", Down: true}
		}
		u := person(1)
		m := w.first(t, u)
		memo, err := w.Prompt(t.Context(), u, m)
		if err != nil {
			t.Fatal(err)
		}
		_ = w.Close()
		if err := w.Check(t.Context(), u, m, memo, login.Cleartext("")); login.Refused(err) != login.ReasonNotDelivered {
			t.Errorf("got %v", err)
		}
	})
}

func TestOpenQuestionsAreBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var o open
		for i := range maxOpen + 100 {
			o.begin(fmt.Append(nil, i), time.Now().Add(code.Life))
		}
		if got := len(o.questions); got != maxOpen {
			t.Errorf("%d are kept, want %d", got, maxOpen)
		}
		time.Sleep(code.Life + time.Second)
		o.begin([]byte("new"), time.Now().Add(code.Life))
		if got := len(o.questions); got != 1 {
			t.Errorf("%d are kept when they are old", got)
		}
	})
}
