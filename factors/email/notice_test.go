package email

import (
	"context"
	"errors"
	"testing"

	"github.com/portvakt/portvakt/login"
)

func TestNotices(t *testing.T) {
	for _, c := range []struct {
		name   string
		user   login.User
		fail   error
		reason login.Reason
		failed bool
		sent   int
	}{
		{"one is sent", anna(), nil, "", false, 1},
		{"to nobody without a mailbox", login.User{Account: login.Account{ID: "x"}}, nil, login.ReasonMethodNotAllowed, true, 0},
		{"the server refuses", anna(), &notSent{reason: "no such mailbox"}, login.ReasonNotDelivered, true, 1},
		{"the server says nothing", anna(), errors.New("no answer"), "", true, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := build(t, nil)
			if c.fail != nil {
				w.box.fail = func(context.Context) error { return c.fail }
			}
			err := w.Notify(t.Context(), c.user, login.Notice{Subject: "Soon\r\nBcc: all@example.org", Text: " A second factor. "})
			all := w.box.all()
			if (err != nil) != c.failed || login.Refused(err) != c.reason || len(all) != c.sent {
				t.Fatalf("got %v, sent %v", err, all)
			}
			if c.sent > 0 && all[0] != (message{to: "anna.larsen@example.org", subject: "SoonBcc: all@example.org", body: "A second factor."}) {
				t.Errorf("sent %+v", all[0])
			}
		})
	}
}

func TestNoticesAreCapped(t *testing.T) {
	w := build(t, nil, func(c *Config) { c.PerDay = 4 })
	user := func(id string) login.User {
		u := anna()
		u.Account.ID = id
		return u
	}
	for i, id := range []string{"a", "b", "c"} {
		if err := w.Notify(t.Context(), user(id), login.Notice{Subject: "s", Text: "t"}); (err == nil) != (i < 2) {
			t.Errorf("number %d: %v", i+1, err)
		}
	}
	if _, err := w.Prompt(t.Context(), anna(), w.Methods(anna())[0]); err != nil {
		t.Errorf("a code after the notices: %v", err)
	}
}

func TestNoServerIsAskedWhileItIsLeftAlone(t *testing.T) {
	w := build(t, nil)
	w.box.fail = func(context.Context) error { return &notSent{reason: "down", down: true} }
	for range 20 {
		_ = w.Notify(t.Context(), anna(), login.Notice{Subject: "s", Text: "t"})
	}
	if n := len(w.box.all()); n >= 20 {
		t.Errorf("asked %d times", n)
	}
}
