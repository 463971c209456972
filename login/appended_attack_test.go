package login_test

import (
	"testing"

	"github.com/portvakt/portvakt/login"
	"github.com/portvakt/portvakt/login/logintest"
)

// S-27: a password that ends like a code is not divided but where the client's
// policy says so, and what is cut off is never thrown away: it must be right. A
// proof cannot be divided at all, under whatever policy.
func TestS27OnlyThePolicyDividesAPassword(t *testing.T) {
	t.Parallel()
	const whole = "summer123456"
	for _, row := range []struct {
		name   string
		append login.Append
		secret login.Secret
		want   string
	}{
		{"no appending", login.AppendOff, login.Cleartext(whole), "ask"},
		{"a comma, and none typed", login.AppendComma, login.Cleartext(whole), "ask"},
		{"a comma, and a wrong code behind it", login.AppendComma, login.Cleartext(whole + ",654321"), "wrong_code"},
		{"a comma, and the right code behind it", login.AppendComma, login.Cleartext(whole + ",111111"), "accept"},
		{"digits: what is typed without a code is refused, not admitted", login.AppendDigits, login.Cleartext(whole), "bad_password"},
		{"digits, and the right code", login.AppendDigits, login.Cleartext(whole + "111111"), "accept"},
		{"a proof, no appending", login.AppendOff, logintest.Proof(whole), "ask"},
		{"a proof, a comma", login.AppendComma, logintest.Proof(whole), "ask"},
		{"a proof, digits", login.AppendDigits, logintest.Proof(whole), "ask"},
		{"a proof of password and code together", login.AppendDigits, logintest.Proof(whole + "111111"), "bad_password"},
		{"a proof of both with a comma", login.AppendComma, logintest.Proof(whole + ",111111"), "bad_password"},
	} {
		w := logintest.NewWorld(t)
		w.Directory.Add(login.Account{ID: "id-alice", Name: "alice"}, whole)
		via := login.Via{Client: "vpn", CanAsk: true, Append: row.append}
		step, err := w.Begin(t.Context(), login.Attempt{User: "alice", Secret: row.secret, Via: via})
		got := ""
		switch s := step.(type) {
		case login.Accept:
			got = "accept"
		case login.Ask:
			got = "ask"
		case login.Reject:
			got = string(s.Reason)
		case login.Wait:
			got = "wait"
		}
		if err != nil || got != row.want {
			t.Errorf("%s: got %s %v, want %s", row.name, got, err, row.want)
		}
	}
}
