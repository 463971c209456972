package voice_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/portvakt/portvakt/factors/voice"
	"github.com/portvakt/portvakt/login"
)

// Nobody waits for the goodbye, and it is said all the same.
func TestAnApprovalCountsAtTheKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &line{name: "exchange", keys: "#", wait: 5 * time.Second, ending: 6 * time.Second}
		f, u := newFactor(t, nil, l)
		began := time.Now()
		ended := make(chan error, 2)
		stop := f.Approve(login.Approval{User: u, Method: f.Methods(u)[0]}, func(err error) { ended <- err })
		if err := <-ended; err != nil || time.Since(began) != 5*time.Second {
			t.Errorf("%v after %v", err, time.Since(began))
		}
		stop()
		if err := f.Close(); err != nil {
			t.Error(err)
		}
		if l.cut || time.Since(began) != 11*time.Second || len(ended) != 0 {
			t.Errorf("the goodbye was cut: %v, after %v; answered again %d times", l.cut, time.Since(began), len(ended))
		}
	})
}

// A wreck is a provider with a fault that some answer of the exchange finds.
type wreck struct{ line }

func (w *wreck) Call(context.Context, *voice.Call) error {
	w.calls = append(w.calls, nil)
	panic("6 digits: 123456")
}

func TestAFaultInACallEndsThatCall(t *testing.T) {
	w, beside := &wreck{line{name: "a"}}, &line{name: "b", keys: "#"}
	f, u := newFactor(t, func(c *voice.Config) { c.MaxCalls = 1 }, w, beside)
	for range 2 { // the line is free again
		err := approve(f, login.Approval{User: u})
		if failure, ok := errors.AsType[*voice.Failure](err); !ok || failure.Why != voice.WhyUnavailable || !failure.Rang {
			t.Errorf("got %v", err)
		}
	}
	if w.called() != 2 || beside.called() != 0 {
		t.Errorf("%d and %d calls", w.called(), beside.called())
	}
}
