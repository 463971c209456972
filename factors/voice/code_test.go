package voice_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/portvakt/portvakt/factors/code"
	"github.com/portvakt/portvakt/login"
)

// A call takes a while to be heard: what it tells must still be good then. A
// memo from the future is of a wrong clock, and its code may never be good.
func TestACodeThatIsTooOldOrTooEarlyIsNotToldAgain(t *testing.T) {
	for what, row := range map[string]struct {
		age  time.Duration
		same bool
	}{
		"just told":         {0, true},
		"half of its life":  {code.Life / 2, true},
		"more than that":    {code.Life/2 + time.Second, false},
		"a clock behind":    {-code.MaxSkew, true},
		"from the future":   {-code.MaxSkew - time.Second, false},
		"far in the future": {-24 * time.Hour, false},
	} {
		l := &line{name: "exchange", wait: 5 * time.Second}
		synctest.Test(t, func(t *testing.T) {
			f, u := newFactor(t, nil, l)
			m := f.Methods(u)[0]
			old := code.Memo("123456", time.Now().Add(-row.age))
			memo, err := f.Resend(t.Context(), u, m, old)
			if err != nil {
				t.Fatal(err)
			}
			told := digits(l.call(0).Prompt.Text)
			if same := string(memo) == string(old) && told == "123456123456"; same != row.same {
				t.Errorf("%s: told %q, the same: %v, want %v", what, told, same, row.same)
			}
			if err := f.Check(t.Context(), u, m, memo, login.Cleartext(told[:6])); err != nil {
				t.Errorf("%s: what was told is refused: %v", what, err)
			}
		})
	}
}

func TestWhatIsNoMemoDecidesNothing(t *testing.T) {
	f, u := newFactor(t, nil, &line{name: "exchange"})
	err := f.Check(t.Context(), u, f.Methods(u)[0], []byte("x"), login.Cleartext("123456"))
	if err == nil || login.Refused(err) != "" || !strings.HasPrefix(err.Error(), "call: ") {
		t.Errorf("got %v, want an error of calls that is no refusal", err)
	}
}
