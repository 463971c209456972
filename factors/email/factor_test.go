package email

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/portvakt/portvakt/factors/breaker"
	"github.com/portvakt/portvakt/factors/code"
	"github.com/portvakt/portvakt/factors/factortest"
	"github.com/portvakt/portvakt/login"
	"github.com/portvakt/portvakt/login/logintest"
)

func TestTheCodeOfTheMessageProves(t *testing.T) {
	t.Parallel()
	w := build(t, nil)
	u := anna()
	m := w.first(t, u)
	if m.Hint != "a••@ex••" || m.Factor != "email" || !strings.HasPrefix(m.ID, "email/") || len(m.ID) > 40 || strings.Contains(m.ID, "anna") {
		t.Errorf("method %+v", m)
	}
	memo, err := w.Prompt(t.Context(), u, m)
	if err != nil {
		t.Fatal(err)
	}
	if len(memo) > login.MaxMemo {
		t.Errorf("a memo of %d octets", len(memo))
	}
	c := w.box.code(t)
	for _, row := range []struct {
		what   string
		answer login.Secret
		want   login.Reason
	}{
		{"the code", login.Cleartext(c), ""},
		{"with a space", login.Cleartext(c[:3] + " " + c[3:]), ""},
		{"a proof of it", factortest.Proof(c), ""},
		{"another code", login.Cleartext("x" + c[1:]), login.ReasonWrongCode},
		{"nothing", login.Cleartext(""), login.ReasonWrongCode},
	} {
		err := w.Check(t.Context(), u, m, memo, row.answer)
		if got := login.Refused(err); got != row.want || (err == nil) != (row.want == "") {
			t.Errorf("%s: %v", row.what, err)
		}
	}
	if got := w.box.all()[0]; got.to != "anna.larsen@example.org" || got.subject != "Your code for vpn" {
		t.Errorf("sent %+v", got)
	}
}

func TestTheSameCodeIsSentAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := build(t, nil)
		u := anna()
		m := w.first(t, u)
		memo, err := w.Prompt(t.Context(), u, m)
		if err != nil {
			t.Fatal(err)
		}
		c := w.box.code(t)
		time.Sleep(2 * time.Minute)
		next, err := w.Resend(t.Context(), u, m, memo)
		if err != nil {
			t.Fatal(err)
		}
		if again := w.box.all()[1]; w.box.code(t) != c || !strings.Contains(again.body, "valid for 3 minutes") {
			t.Errorf("sent %q, want %s once more", again.body, c)
		}
		if err := w.Check(t.Context(), u, m, next, login.Cleartext(c)); err != nil {
			t.Errorf("the code: %v", err)
		}
		time.Sleep(4 * time.Minute)
		if err := w.Check(t.Context(), u, m, next, login.Cleartext(c)); login.Refused(err) != login.ReasonWrongCode {
			t.Errorf("the life of a code was made longer: %v", err)
		}
		if _, err := w.Resend(t.Context(), u, m, next); err != nil || w.box.code(t) == c {
			t.Errorf("an old code is sent again: %v", err)
		}
	})
}

func TestAnAddressTakenAwayProvesNothing(t *testing.T) {
	t.Parallel()
	w := build(t, nil)
	u := anna()
	m := w.first(t, u)
	memo, err := w.Prompt(t.Context(), u, m)
	if err != nil {
		t.Fatal(err)
	}
	answer := login.Cleartext(w.box.code(t))
	u.Account.Mail = "thief@example.org"
	if err := w.Check(t.Context(), u, m, memo, answer); login.Refused(err) != login.ReasonWrongCode {
		t.Errorf("the code of the old address: %v", err)
	}
	if _, err := w.Prompt(t.Context(), u, m); login.Refused(err) != login.ReasonMethodNotAllowed {
		t.Errorf("a message to the old address: %v", err)
	}
}

func TestWhatCannotBeDecidedIsNoAnswer(t *testing.T) {
	t.Parallel()
	w := build(t, nil)
	u := anna()
	m := w.first(t, u)
	if err := w.Check(t.Context(), u, m, []byte{9}, login.Cleartext("123456")); err == nil || login.Refused(err) != "" {
		t.Errorf("a memo of another version: %v", err)
	}
	if err := w.Check(t.Context(), u, m, nil, login.Cleartext("123456")); login.Refused(err) != login.ReasonWrongCode {
		t.Errorf("no memo: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := w.Check(ctx, u, m, code.Memo("123456", time.Now()), login.Cleartext("123456")); err == nil || login.Refused(err) != "" {
		t.Errorf("nobody waits: %v", err)
	}
}

func TestOnlyAllowedDomainsGetMessages(t *testing.T) {
	t.Parallel()
	w := build(t, nil, func(c *Config) { c.Domains = []string{"Example.org", "blåbær.example"} })
	for address, want := range map[string]bool{
		"anna@example.org":         true,
		"anna@EXAMPLE.org":         true,
		"anna@blåbær.example":      true,
		"anna@sub.example.org":     false,
		"anna@notexample.org":      false,
		"anna@example.org.evil":    false,
		"anna@example.com":         false,
		"anna":                     false,
		"":                         false,
		"a@example.org,b@evil.org": false,
	} {
		u := anna()
		u.Account.Mail = address
		if got := len(w.Methods(u)) == 1; got != want {
			t.Errorf("%q: %t, want %t", address, got, want)
		}
	}
}

func TestCapsHoldDurably(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		records := new(logintest.Records)
		w := build(t, records, func(c *Config) { c.PerUserHour, c.PerDay = 2, 3 })
		u := anna()
		m := w.first(t, u)
		for i, want := range []login.Reason{"", "", login.ReasonSourceLimited, login.ReasonSourceLimited} {
			if i == 2 { // a restart forgets nothing
				w = build(t, records, func(c *Config) { c.PerUserHour, c.PerDay = 2, 3 })
			}
			_, err := w.Prompt(t.Context(), u, m)
			if got := login.Refused(err); got != want {
				t.Errorf("message %d: %v", i+1, err)
			}
		}
		if strings.Contains(w.log.String(), "anna.larsen") {
			t.Errorf("the address is in the log: %s", w.log)
		}
		time.Sleep(2 * time.Hour)
		if _, err := w.Prompt(t.Context(), u, m); err != nil {
			t.Errorf("an hour later: %v", err)
		}
		time.Sleep(2 * time.Hour)
		if _, err := w.Prompt(t.Context(), u, m); login.Refused(err) != login.ReasonSourceLimited {
			t.Errorf("over the cap of the day: %v", err)
		}
	})
}

func TestWithoutRecordsNothingIsSent(t *testing.T) {
	t.Parallel()
	w := build(t, &logintest.Records{Fail: errors.New("disk")})
	u := anna()
	if _, err := w.Prompt(t.Context(), u, w.first(t, u)); err == nil || login.Refused(err) != "" {
		t.Errorf("got %v, want that it could not be decided", err)
	}
	if n := len(w.box.all()); n != 0 {
		t.Errorf("%d messages", n)
	}
}

func TestPromptOutcomes(t *testing.T) {
	t.Parallel()
	refused := &notSent{reason: "recipient: the server answers 550"}
	for _, row := range []struct {
		what  string
		fail  func(context.Context) error
		asks  bool
		after time.Duration
		logs  string
	}{
		{"taken", nil, true, 0, ""},
		{"refused", fails(refused), false, 0, ""},
		{"nobody knows", fails(errors.New("no answer to the message")), true, 0, "message may have been sent"},
		{"slow", slow(5*time.Second, nil), true, 2 * time.Second, ""},
		{"slow, then refused", slow(5*time.Second, refused), true, 2 * time.Second, "but the question was put already"},
	} {
		t.Run(row.what, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := build(t, nil)
				w.box.fail = row.fail
				u, began := anna(), time.Now()
				memo, err := w.Prompt(t.Context(), u, w.first(t, u))
				if took := time.Since(began); took != row.after {
					t.Errorf("took %v, want %v", took, row.after)
				}
				if (err == nil) != row.asks || (memo != nil) != row.asks {
					t.Errorf("got %v", err)
				}
				if err := w.Close(); err != nil {
					t.Error(err)
				}
				if !strings.Contains(w.log.String(), row.logs) {
					t.Errorf("log %q, want %q", w.log, row.logs)
				}
				if row.asks {
					if err := w.Check(t.Context(), u, w.first(t, u), memo, login.Cleartext(w.box.code(t))); err != nil {
						t.Errorf("the code: %v", err)
					}
				}
			})
		})
	}
}

func TestWhoLeavesIsNotWaitedFor(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := build(t, nil)
		w.box.fail = slow(5*time.Second, nil)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		u := anna()
		if _, err := w.Prompt(ctx, u, w.first(t, u)); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		_ = w.Close()
	})
}

func TestADeadServerIsLeftAlone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := build(t, nil, func(c *Config) { c.PerUserHour = 1000 })
		u := anna()
		m := w.first(t, u)
		prompt := func() error {
			_, err := w.Prompt(t.Context(), u, m)
			_ = w.Close()
			return err
		}
		w.box.fail = fails(&notSent{reason: "no connection", down: true})
		for range 5 {
			if prompt() == nil {
				t.Error("a message that was not sent")
			}
		}
		if n := len(w.box.all()); n != breaker.After {
			t.Errorf("%d tries, want %d", n, breaker.After)
		}
		time.Sleep(breaker.For)
		w.box.fail = nil
		if err := prompt(); err != nil {
			t.Errorf("after the pause: %v", err)
		}
		w.box.fail = fails(&notSent{reason: "recipient: the server answers 550"})
		for range 5 {
			_ = prompt()
		}
		w.box.fail = nil
		if err := prompt(); err != nil {
			t.Errorf("recipients that are refused are no fault of the server: %v", err)
		}
		for _, want := range []string{"left alone after failures", "works again"} {
			if strings.Count(w.log.String(), want) != 1 {
				t.Errorf("%q in the log: %s", want, w.log)
			}
		}
	})
}

// A fault in what reads the mail server's answers leaves the question open: the
// message may be there.
func TestAFaultInSendingEndsNoServer(t *testing.T) {
	t.Parallel()
	w := build(t, nil)
	w.box.fail = func(context.Context) error { panic("123456") }
	u := anna()
	if _, err := w.Prompt(t.Context(), u, w.first(t, u)); err != nil {
		t.Error(err)
	}
	if said := w.log.String(); !strings.Contains(said, "fault of the program") || strings.Contains(said, "123456") {
		t.Errorf("logged %s", said)
	}
}
