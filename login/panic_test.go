package login_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/portvakt/portvakt/login"
	"github.com/portvakt/portvakt/login/logintest"
)

// TestAPanicEndsOneSignIn has a factor fail in the background of a login.
func TestAPanicEndsOneSignIn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := logintest.NewWorld(t, login.RuleConfig{Factors: []string{"sms"}})
		conf := w.Config
		conf.Factors = []login.Factor{&broken{w.SMS}}
		w.Flow = w.NewFlow(conf)
		via := from(func(v *login.Via) { v.CanAsk = true })
		if got := outcome(w.Begin(t.Context(), alice(via))); !strings.HasPrefix(got, "error ") {
			t.Errorf("got %s", got)
		}
		told := false
		for _, e := range w.Events() {
			if strings.Contains(e.Detail, "123456") {
				t.Errorf("what it panicked with is told: %s", e.Detail)
			}
			told = told || strings.Contains(e.Detail, "panic_test.go")
		}
		if !told {
			t.Error("nobody is told where")
		}
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	})
}

type broken struct{ *logintest.Factor }

func (*broken) Prompt(context.Context, login.User, login.Method) ([]byte, error) {
	panic(errors.New("code 123456"))
}
