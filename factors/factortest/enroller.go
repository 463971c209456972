package factortest

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/portvakt/portvakt/login"
)

// An Enrollment is a factor that people enroll by themselves, and a person who
// can.
type Enrollment struct {
	Factor login.Enroller
	// User has something that she can enroll, and nothing enrolled.
	User login.User
	// Answer is what she types after Propose has returned the memo.
	Answer func(m login.Method, memo []byte) string
	// Wrong is an answer of the right form that is wrong.
	Wrong string
}

// RunEnroller checks what every [login.Enroller] obeys.
func RunEnroller(t *testing.T, e Enrollment) {
	t.Helper()
	offers := e.Factor.Enrollable(e.User)
	if len(offers) == 0 {
		t.Fatal("nothing can be enrolled")
	}
	m := offers[0]
	if len(m.ID) > maxMethodID || m.Factor != e.Factor.Name() {
		t.Errorf("offers %+v", m)
	}
	memo, err := e.Factor.Propose(t.Context(), e.User, m, nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(memo) > login.MaxMemo {
		t.Errorf("a memo of %d octets, at most %d fit a ticket", len(memo), login.MaxMemo)
	}
	again, err := e.Factor.Propose(t.Context(), e.User, m, memo)
	if err != nil || !bytes.Equal(again, memo) {
		t.Errorf("proposed once more as another one: %v", err)
	}
	for what, answer := range map[string]login.Secret{"a wrong code": login.Cleartext(e.Wrong), "nothing": login.Cleartext(""), "a wrong proof": Proof(e.Wrong)} {
		if _, err := e.Factor.Enroll(t.Context(), e.User, m, memo, answer); login.Refused(err) != login.ReasonWrongCode {
			t.Errorf("%s: got %v, want a refusal", what, err)
		}
	}
	answer := e.Answer(m, memo)
	c, err := e.Factor.Enroll(t.Context(), e.User, m, memo, login.Cleartext(answer))
	if err != nil {
		t.Fatalf("the right code: %v", err)
	}
	if c.ID == "" || c.Kind == "" || c.Created.IsZero() || !json.Valid(c.Data) {
		t.Errorf("a credential without an ID, kind, time or data: %q %q %v", c.ID, c.Kind, c.Created)
	}
	if secret := e.Factor.Show(memo); secret != "" && strings.Contains(c.ID+c.Label, strings.ReplaceAll(secret, " ", "")) {
		t.Error("the ID or the label tells the secret")
	}
	had := e.User
	had.Enrollment.Credentials = append(slices.Clip(had.Enrollment.Credentials), c)
	if slices.ContainsFunc(e.Factor.Enrollable(had), func(o login.Method) bool { return o.ID == m.ID }) {
		t.Error("what is enrolled can be enrolled again")
	}
	i := slices.IndexFunc(e.Factor.Methods(had), func(m login.Method) bool { return m.Factor == e.Factor.Name() })
	if i < 0 {
		t.Fatal("what is enrolled is no method")
	}
	if got := e.Factor.Methods(had)[i]; got.Standing {
		if err := e.Factor.Check(t.Context(), had, got, nil, login.Cleartext(answer)); login.Refused(err) == "" {
			t.Errorf("the code that enrolled logs in: %v", err)
		}
	}
}
