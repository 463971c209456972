package sms

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/portvakt/portvakt/factors/code"
	"github.com/portvakt/portvakt/factors/factortest"
	"github.com/portvakt/portvakt/factors/sms/gateway"
	"github.com/portvakt/portvakt/login"
)

func TestMethodsAreTheNumbersThatGetMessages(t *testing.T) {
	t.Parallel()
	w := build(t, new(records))
	e := func(cs ...login.Credential) login.Enrollment { return login.Enrollment{Credentials: cs} }
	for _, row := range []struct {
		rule  string
		e     login.Enrollment
		phone []string
		want  string
	}{
		{"nothing known", e(), nil, ""},
		{"the directory's mobile number", e(), []string{"412 34 567"}, "••67"},
		{"an enrolled one comes first", e(enrolled(t, "+4741234542", true)), []string{"41234567"}, "••42 ••67"},
		{"spellings of one number are one method", e(enrolled(t, "+4741234567", true)), []string{"0047 41234567", "412 34 567;ext=1"}, "••67"},
		{"an unproven one gets nothing", e(enrolled(t, "+4741234542", false)), nil, ""},
		{"other kinds are no telephones", e(login.Credential{Kind: "totp", Data: []byte(`{"number":"+4741234542","verified":true}`)}), nil, ""},
		{"broken data are no telephone", e(login.Credential{Kind: "phone", Data: []byte(`[`)}), []string{"41234567"}, "••67"},
		{"a land line gets nothing", e(), []string{"22 85 50 50", "41234567"}, "••67"},
		{"nor a country that is not allowed", e(enrolled(t, "+4532123456", true)), []string{"+1 212 555 0123"}, ""},
		{"a neighbour that is allowed does", e(), []string{"+46 70 123 45 67"}, "••67"},
		{"nor a premium number", e(), []string{"820 12 345"}, ""},
		{"nor a text that is no number", e(), []string{"ask me", strings.Repeat("9", 5000)}, ""},
		{"four at most", e(), []string{"41234561", "41234562", "41234563", "41234564", "41234565"}, "••61 ••62 ••63 ••64"},
	} {
		u := login.User{Account: login.Account{ID: "1", Phones: row.phone}, Enrollment: row.e}
		for range 2 { // the second time from what was kept
			var hints []string
			for _, m := range w.Methods(u) {
				hints = append(hints, m.Hint)
				if m.Factor != "sms" || m.Standing || m.Quiet || !regexp.MustCompile(`^sms/[a-z2-7]{10}$`).MatchString(m.ID) {
					t.Errorf("%s: method %+v", row.rule, m)
				}
			}
			if got := strings.Join(hints, " "); got != row.want {
				t.Errorf("%s: got %q, want %q", row.rule, got, row.want)
			}
		}
	}
}

func TestManyTextsAreNotReadForever(t *testing.T) {
	t.Parallel()
	w := build(t, new(records))
	u := login.User{Account: login.Account{Phones: append(make([]string, 1000), "41234567")}}
	for i := range 1000 {
		u.Account.Phones[i] = fmt.Sprint("no number ", i)
	}
	if got := len(w.Methods(u)); got != 0 {
		t.Errorf("%d methods", got)
	}
}

func TestRightCodeProves(t *testing.T) {
	t.Parallel()
	w := build(t, new(records))
	u := person(1234567)
	m := w.first(t, u)
	memo, err := w.Prompt(t.Context(), u, m)
	if err != nil {
		t.Fatal(err)
	}
	code := w.sink.code(t)
	if got, want := w.sink.texts[0], code+" is your code for vpn. It is valid for 5 minutes."; got != want {
		t.Errorf("text %q, want %q", got, want)
	}
	if got := w.sink.to[0].E164(); got != "+4741234567" {
		t.Errorf("sent to %s", got)
	}
	if len(memo) > login.MaxMemo {
		t.Errorf("memo has %d octets", len(memo))
	}
	wrong := "000000"
	if code == wrong {
		wrong = "000001"
	}
	for _, row := range []struct {
		rule   string
		memo   []byte
		answer login.Secret
		want   login.Reason
	}{
		{"the code", memo, login.Cleartext(code), ""},
		{"with the spaces that phones show", memo, login.Cleartext(" " + code[:3] + " " + code[3:] + "\n"), ""},
		{"with a dash", memo, login.Cleartext(code[:3] + "-" + code[3:]), ""},
		{"a proof of it", memo, factortest.Proof(code), ""},
		{"another code", memo, login.Cleartext(wrong), login.ReasonWrongCode},
		{"a proof of another", memo, factortest.Proof(wrong), login.ReasonWrongCode},
		{"a part", memo, login.Cleartext(code[:5]), login.ReasonWrongCode},
		{"more", memo, login.Cleartext(code + "0"), login.ReasonWrongCode},
		{"nothing", memo, login.Cleartext(""), login.ReasonWrongCode},
		{"spaces", memo, login.Cleartext("      "), login.ReasonWrongCode},
		{"very much", memo, login.Cleartext(code + strings.Repeat(" ", 5000)), login.ReasonWrongCode},
		{"unasked", nil, login.Cleartext(code), login.ReasonWrongCode},
	} {
		err := w.Check(t.Context(), u, m, row.memo, row.answer)
		if got := login.Refused(err); got != row.want || (err == nil) != (row.want == "") {
			t.Errorf("%s: %v, want %q", row.rule, err, row.want)
		}
	}
	for _, broken := range [][]byte{{}, {1}, memo[:10], append([]byte{9}, memo[1:]...)} {
		if err := w.Check(t.Context(), u, m, broken, login.Cleartext(code)); err == nil || login.Refused(err) != "" {
			t.Errorf("memo %x: %v, want an error that is no decision", broken, err)
		}
	}
}

// Each question has its own memo, and the Flow spends the ticket with the old
// one: a code of one question is worthless for another, and of two that cross
// the newest wins.
func TestS49AnotherQuestionReplacesTheCode(t *testing.T) {
	t.Parallel()
	w := build(t, new(records))
	u := person(1)
	m := w.first(t, u)
	var memos [][]byte
	var codes []string
	for range 2 {
		memo, err := w.Prompt(t.Context(), u, m)
		if err != nil {
			t.Fatal(err)
		}
		memos, codes = append(memos, memo), append(codes, w.sink.code(t))
	}
	if codes[0] == codes[1] {
		t.Skip("one in a million: both codes are the same")
	}
	if err := w.Check(t.Context(), u, m, memos[1], login.Cleartext(codes[0])); login.Refused(err) != login.ReasonWrongCode {
		t.Errorf("the old code: %v, want refused", err)
	}
	if err := w.Check(t.Context(), u, m, memos[1], login.Cleartext(codes[1])); err != nil {
		t.Errorf("the new code: %v", err)
	}
}

func TestCodesAgeAndNumbersGo(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := build(t, new(records))
		u := person(1)
		m := w.first(t, u)
		memo, err := w.Prompt(t.Context(), u, m)
		if err != nil {
			t.Fatal(err)
		}
		typed := w.sink.code(t)
		check := func(rule string, u login.User, memo []byte, want login.Reason) {
			t.Helper()
			if got := login.Refused(w.Check(t.Context(), u, m, memo, login.Cleartext(typed))); got != want {
				t.Errorf("%s: %q, want %q", rule, got, want)
			}
		}
		check("at once", u, memo, "")
		check("from a node a little ahead", u, code.Memo(typed, time.Now().Add(code.MaxSkew)), "")
		check("from the future", u, code.Memo(typed, time.Now().Add(code.MaxSkew+2*time.Second)), login.ReasonWrongCode)
		check("when the telephone was taken away", person(2), memo, login.ReasonWrongCode)
		time.Sleep(code.Life)
		check("after five minutes", u, memo, "")
		time.Sleep(time.Second)
		check("a second later", u, memo, login.ReasonWrongCode)
	})
}

func TestPromptOutcomes(t *testing.T) {
	t.Parallel()
	down := &gateway.NotSent{Reason: "no connection", Down: true}
	ambiguous := errors.New("no reply in time")
	after := func(d time.Duration, err error) func(context.Context) error {
		return func(ctx context.Context) error {
			select {
			case <-time.After(d):
				return err
			case <-ctx.Done():
				return ctx.Err()
			}
		}
	}
	for _, row := range []struct {
		rule  string
		do    func(context.Context) error
		asked bool
		took  time.Duration
		log   string
	}{
		{"the gateway accepts", after(time.Second, nil), true, time.Second, ""},
		{"nobody could send", after(time.Second, down), false, time.Second, ""},
		{"nobody knows", after(time.Second, ambiguous), true, time.Second, "message may have been sent"},
		{"the gateway is slow and accepts", after(5*time.Second, nil), true, 2 * time.Second, ""},
		{"the gateway is slow and refuses", after(5*time.Second, down), true, 2 * time.Second, "the question was put already"},
		{"the gateway takes 30 s", after(30*time.Second, nil), true, 2 * time.Second, ""},
	} {
		t.Run(row.rule, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := build(t, new(records))
				w.sink.do = row.do
				u := person(1)
				start := time.Now()
				memo, err := w.Prompt(t.Context(), u, w.first(t, u))
				if asked := err == nil && memo != nil; asked != row.asked || login.Refused(err) != "" {
					t.Errorf("asked %v (%v), want %v", asked, err, row.asked)
				}
				if took := time.Since(start); took != row.took {
					t.Errorf("took %v, want %v", took, row.took)
				}
				if err := w.Close(); err != nil {
					t.Error(err)
				}
				if took := time.Since(start); took > sendWithin {
					t.Errorf("ended after %v, want %v at most", took, sendWithin)
				}
				if w.sink.count() != 1 {
					t.Errorf("%d messages, want 1", w.sink.count())
				}
				if !strings.Contains(w.log.String(), row.log) || row.log == "" && w.log.String() != "" {
					t.Errorf("log %q, want %q", w.log, row.log)
				}
			})
		})
	}
}

func TestCallerWhoLeavesDoesNotCutTheMessageOff(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := build(t, new(records))
		finished := false
		w.sink.do = func(ctx context.Context) error {
			time.Sleep(time.Second)
			finished = ctx.Err() == nil
			return nil
		}
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(500*time.Millisecond, cancel)
		u := person(1)
		if _, err := w.Prompt(ctx, u, w.first(t, u)); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v, want that the caller left", err)
		}
		_ = w.Close()
		if !finished {
			t.Error("the message was cut off: nobody knows whether it was sent")
		}
	})
}

func TestPausedGatewaysCountNothing(t *testing.T) {
	t.Parallel()
	w := build(t, new(records))
	w.sink.ready = &gateway.NotSent{Reason: "every provider is paused", Down: true}
	u := person(1)
	for range 20 {
		if _, err := w.Prompt(t.Context(), u, w.first(t, u)); err == nil || login.Refused(err) != "" {
			t.Fatalf("got %v, want an error that is no decision", err)
		}
	}
	w.sink.ready = nil
	if _, err := w.Prompt(t.Context(), u, w.first(t, u)); err != nil {
		t.Errorf("after an outage: %v, want that nobody is over a cap", err)
	}
}

func TestUnknownMethodIsRefused(t *testing.T) {
	t.Parallel()
	w := build(t, new(records))
	_, err := w.Prompt(t.Context(), person(1), w.first(t, person(2)))
	if login.Refused(err) != login.ReasonMethodNotAllowed || w.sink.count() != 0 {
		t.Errorf("somebody else's number: %v, %d messages", err, w.sink.count())
	}
}

func BenchmarkMethods(b *testing.B) {
	w := build(b, new(records))
	u := person(1)
	u.Account.Phones = append(u.Account.Phones, "22 85 50 50", "+46 70 123 45 67")
	u.Enrollment.Credentials = []login.Credential{enrolled(b, "+4741234567", true)}
	for b.Loop() {
		w.Methods(u)
	}
}
