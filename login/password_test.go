package login_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/portvakt/portvakt/login"
	"github.com/portvakt/portvakt/login/logintest"
)

// S-11: what happens behind the right password – a question, a message, a look
// at a code – tells and costs nothing in front of it, also where the code comes
// along with the password.
func TestS11NothingHappensBeforeTheRightPassword(t *testing.T) {
	for _, via := range []login.Via{
		{Client: "vpn", Station: "198.51.100.7", CanAsk: true},
		{Client: "vpn", Station: "198.51.100.7", CanAsk: true, Append: login.AppendComma},
		{Client: "vpn", Station: "198.51.100.7", Append: login.AppendComma},
		{Client: "vpn", Station: "198.51.100.7", Append: login.AppendDigits},
	} {
		for _, factors := range [][]string{nil, {"sms"}} {
			w := logintest.NewWorld(t, login.RuleConfig{Factors: factors})
			w.Directory.Add(login.Account{ID: "id-disabled", Name: "disabled"}, "secret")
			w.Directory.Refuse("disabled", login.ReasonDisabled)
			app := &counted{Factor: w.TOTP}
			app.For, w.SMS.For = nil, nil // everybody has both
			w.Factors = []login.Factor{app, w.SMS}
			w.Flow = w.NewFlow(w.Config)
			for _, c := range [][2]string{
				{"alice", "wrong"},
				{"alice", "wrong,111111"},
				{"alice", "wrong111111"},
				{"alice", ",111111"},
				{"alice", "111111"},
				{"alice", ""},
				{"nobody", "secret"},
				{"nobody", "secret,111111"},
				{"disabled", "secret"},
				{"disabled", "secret,111111"},
				{"disabled", "secret111111"},
			} {
				s, err := w.Begin(t.Context(), login.Attempt{User: c[0], Secret: login.Cleartext(c[1]), Via: via})
				if r, ok := s.(login.Reject); !ok || err != nil {
					t.Errorf("%q: got %#v %v, want a reject", c, s, err)
				} else if r.Reason == login.ReasonLocked || r.Reason == login.ReasonSourceLimited {
					t.Fatalf("%q: the attack was stopped before it was one: %s", c, r.Reason)
				}
				w.Flow.Records = &logintest.Records{}
				w.Flow = w.NewFlow(w.Config) // and neither account nor source is limited
			}
			if n := app.checks.Load(); n != 0 || len(w.SMS.Sent) != 0 {
				t.Errorf("%+v: %d codes were looked at and %d messages sent", via, n, len(w.SMS.Sent))
			}
		}
	}
}

// S-20: guesses under many spellings of a name are guesses at one account.
func TestS20SpellingsShareOneBudget(t *testing.T) {
	w := logintest.NewWorld(t)
	spellings := []string{"alice", "ALICE", "Alice", "aLICE"}
	for i := range 40 {
		v := login.Via{Client: "vpn", Station: fmt.Sprint("203.0.113.", i), CanAsk: true}
		if _, err := w.Begin(t.Context(), login.Attempt{User: spellings[i%len(spellings)], Secret: login.Cleartext("guess"), Via: v}); err != nil {
			t.Fatal(err)
		}
	}
	if got := w.Directory.Binds.Load(); got != 4 {
		t.Errorf("40 guesses under %d spellings cost %d binds, want 4", len(spellings), got)
	}
}

// S-26: a code is taken off from the right, so that whatever a password has in
// front of it stays the password's.
func TestS26AnAppendedCodeIsTakenOffFromTheRight(t *testing.T) {
	for _, row := range []struct {
		how             login.Append
		password, typed string
	}{
		{login.AppendComma, "se,123456,cret", "se,123456,cret,111111"},
		{login.AppendComma, "123456,secret", "123456,secret,111111"},
		{login.AppendComma, ",", ",,111111"},
		{login.AppendComma, "secret,654321", "secret,654321,111111"},
		{login.AppendComma, strings.Repeat("long,123456", 11), strings.Repeat("long,123456", 11) + ",111111"},
		{login.AppendDigits, "123456secret", "123456secret111111"},
		{login.AppendDigits, "123456", "123456111111"},
		{login.AppendDigits, strings.Repeat("9", 122), strings.Repeat("9", 122) + "111111"},
	} {
		w := logintest.NewWorld(t)
		w.Directory.Add(login.Account{ID: "id-alice", Name: "alice"}, row.password)
		v := login.Via{Client: "vpn", Append: row.how}
		s, err := w.Begin(t.Context(), login.Attempt{User: "alice", Secret: login.Cleartext(row.typed), Via: v})
		if a, ok := s.(login.Accept); !ok || !a.Valid() {
			t.Errorf("%q: got %#v %v, want accept", row.typed, s, err)
		}
	}
}
