package sms

import (
	"testing"

	"github.com/portvakt/portvakt/factors/factortest"
	"github.com/portvakt/portvakt/login"
)

func TestATelephoneIsEnrolledByItsPerson(t *testing.T) {
	w := build(t, new(records), func(c *Config) { c.Caps.PerNumber10Min = 10 })
	factortest.RunEnroller(t, factortest.Enrollment{
		Factor: w.Factor, User: person(1234567), Wrong: "1234567",
		Answer: func(login.Method, []byte) string { return w.sink.code(t) },
	})
	if n := w.sink.count(); n != 2 {
		t.Errorf("%d messages, want the first one and the same again", n)
	}
}

// Whose number is taken out of the directory, or given to somebody else, has
// confirmed nothing any more.
func TestAConfirmedNumberGoesWithTheDirectory(t *testing.T) {
	w := build(t, new(records))
	u := person(1234567)
	m := w.Enrollable(u)[0]
	memo, err := w.Propose(t.Context(), u, m, nil)
	if err != nil {
		t.Fatal(err)
	}
	code := w.sink.code(t)
	c, err := w.Enroll(t.Context(), u, m, memo, login.Cleartext(code))
	if err != nil {
		t.Fatal(err)
	}
	u.Enrollment.Credentials = []login.Credential{c}
	if got := w.Methods(u); len(got) != 1 || len(w.Enrollable(u)) != 0 {
		t.Fatalf("confirmed: methods %v, more to enroll %v", got, w.Enrollable(u))
	}
	u.Account.Phones = []string{"+47 47654321"}
	if got := w.Enrollable(u); len(got) != 1 || got[0].ID == m.ID {
		t.Errorf("another number: enrollable %v", got)
	}
	u.Account.Phones = nil
	if got := w.Methods(u); len(got) != 0 {
		t.Errorf("no number in the directory: methods %v", got)
	}
	if _, err := w.Enroll(t.Context(), u, m, memo, login.Cleartext(code)); login.Refused(err) == "" {
		t.Errorf("enrolled without a number: %v", err)
	}
}
