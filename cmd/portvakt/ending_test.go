package main

import (
	"testing"
	"time"

	"github.com/portvakt/portvakt/login"
	"github.com/portvakt/portvakt/login/logintest"
)

// TestTheEndDoesNotWaitForCallsOfAnOldConfiguration has a telephone ring that
// was begun before a reload, when the server is told to end.
func TestTheEndDoesNotWaitForCallsOfAnOldConfiguration(t *testing.T) {
	d, change := newReloadable(t)
	change(`reject_delay = "300ms"`, "reject_delay = \"300ms\"\ndrain = \"1s\"")
	cfg := d.current.Load().flowConfig(nil)
	calls := &logintest.Approver{FactorName: "call", Hints: []string{"••42"}, NoAnswer: time.Hour}
	cfg.Factors = []login.Factor{calls}
	d.current.Store(newRunning(d.current.Load().system, login.NewFlow(cfg)))
	p := demoPeople()[0]
	step, err := d.Begin(t.Context(), login.Attempt{
		User: p.uid, Secret: login.Cleartext(p.password), Via: login.Via{Client: "somewhere", Station: "10.0.0.7", Patience: time.Minute},
	})
	if _, waits := step.(login.Wait); !waits {
		t.Fatalf("got %T, %v", step, err)
	}
	again := time.NewTicker(time.Millisecond)
	defer again.Stop()
	for limit := time.After(waitLimit); len(calls.Rung()) == 0; {
		select {
		case <-again.C:
		case <-limit:
			t.Fatal("it does not ring")
		}
	}
	change(`drain = "1s"`, `drain = "2s"`)
	began := time.Now()
	if err := d.endCalls(); err != nil {
		t.Error(err)
	}
	if took := time.Since(began); took > 20*time.Second {
		t.Errorf("it took %v", took)
	}
	if calls.Stopped() != 1 {
		t.Error("it rings on")
	}
}
