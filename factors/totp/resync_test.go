package totp

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/portvakt/portvakt/login"
	"github.com/portvakt/portvakt/login/logintest"
)

// TestResync is the procedure of RFC 4226, section 7.4, as its owner sees it.
func TestResync(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		token := rfcCounter
		u, m := with(t, token)
		records := &logintest.Records{}
		for i, step := range []struct {
			counter uint64
			want    login.Reason
			why     string
		}{
			{0, "", "the first code"},
			{0, login.ReasonUsedCode, "again"},
			{50, login.ReasonWrongCode, "a child has played with the token"},
			{50, login.ReasonWrongCode, "the same code is not the next"},
			{51, "", "the next code"},
			{51, login.ReasonUsedCode, "again"},
			{50, login.ReasonWrongCode, "the code that began the resync is behind"},
			{52, "", "all is well"},
			{90, login.ReasonWrongCode, "once more far ahead"},
		} {
			f := New(DefaultConfig(), records) // as after a restart, or on another node
			err := f.Check(t.Context(), u, m, nil, login.Cleartext(token.Count(step.counter)))
			if got := login.Refused(err); got != step.want || (err != nil && got == "") {
				t.Fatalf("step %d, %s: got %v, want %q", i+1, step.why, err, step.want)
			}
		}
		time.Sleep(resyncFor + time.Second)
		f := New(DefaultConfig(), records)
		if err := f.Check(t.Context(), u, m, nil, login.Cleartext(token.Count(91))); login.Refused(err) != login.ReasonWrongCode {
			t.Errorf("the next code after more than ten minutes: got %v, want wrong", err)
		}
	})
}
