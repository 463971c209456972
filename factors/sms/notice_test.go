package sms

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/portvakt/portvakt/factors/sms/gateway"
	"github.com/portvakt/portvakt/factors/sms/gsm"
	"github.com/portvakt/portvakt/login"
	"github.com/portvakt/portvakt/login/text"
)

func TestNotices(t *testing.T) {
	const words = "From 2027-01-01 vpn asks for a second factor."
	nobody := login.User{Account: login.Account{ID: "x"}, Client: "vpn"}
	for _, c := range []struct {
		name   string
		user   login.User
		text   string
		do     func(context.Context) error
		ready  error
		reason login.Reason
		failed bool
		sent   int
	}{
		{"one is sent", person(1), words, nil, nil, "", false, 1},
		{"to nobody without a number", nobody, words, nil, nil, login.ReasonMethodNotAllowed, true, 0},
		{"not in two parts", person(1), strings.Repeat("long ", 40), nil, nil, login.ReasonMethodNotAllowed, true, 0},
		{"not while no gateway is there", person(1), words, nil, errors.New("none"), login.ReasonNotDelivered, true, 0},
		{"a gateway refuses", person(1), words, func(context.Context) error { return &gateway.NotSent{} }, nil, login.ReasonNotDelivered, true, 1},
		{"a gateway says nothing", person(1), words, func(context.Context) error { return errors.New("no answer") }, nil, "", true, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := build(t, new(records))
			w.sink.do, w.sink.ready = c.do, c.ready
			err := w.Notify(t.Context(), c.user, login.Notice{Subject: "none", Text: c.text})
			if (err != nil) != c.failed || login.Refused(err) != c.reason || w.sink.count() != c.sent {
				t.Errorf("got %v, %d sent", err, w.sink.count())
			}
			if c.sent > 0 && (w.sink.texts[0] != words || !w.sink.messages[0].Until.IsZero()) {
				t.Errorf("sent %+v", w.sink.messages[0])
			}
			if err != nil && strings.Contains(err.Error(), "40000001") {
				t.Errorf("the error has a number: %v", err)
			}
		})
	}
}

func TestNoticesAreCapped(t *testing.T) {
	w := build(t, new(records), func(c *Config) { c.Caps.PerDay = 4 })
	for i := range 3 {
		err := w.Notify(t.Context(), person(i), login.Notice{Text: "x"})
		if (err == nil) != (i < 2) {
			t.Errorf("number %d: %v", i+1, err)
		}
	}
	m := w.first(t, person(9))
	if _, err := w.Prompt(t.Context(), person(9), m); err != nil {
		t.Errorf("a code after the notices: %v", err)
	}
}

// In each language the reminder has room in one message.
func TestReminderTextsFitOneMessage(t *testing.T) {
	texts, err := text.New(text.DefaultConfig())
	if err != nil {
		t.Fatal(err)
	}
	f := build(t, new(records)).Factor
	for _, lang := range texts.Languages() {
		words := texts.Text(lang, "remind_message", "Date", "2027-12-31", "Service", "a-service-name-16")
		fits := f.onePart(words)
		if parts, _ := gsm.Parts(fits); parts != 1 || !strings.Contains(fits, "2027-12-31") || !strings.Contains(fits, "a-service-name-16") {
			t.Errorf("%s: %q becomes %q", lang, words, fits)
		}
	}
}
