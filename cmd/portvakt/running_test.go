package main

import (
	"testing"
	"testing/synctest"
	"time"
)

// A reload closes the connections to the directory and waits for messages on
// their way; logins in hand need both.
func TestAReloadWaitsForLoginsInHand(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &daemon{}
		old, fresh := newRunning(nil, nil), newRunning(nil, nil)
		d.current.Store(old)
		inHand := d.use()
		d.current.Store(fresh)
		began := time.Now()
		go func() {
			time.Sleep(3 * time.Second)
			inHand.done()
		}()
		if old.retire(); time.Since(began) != 3*time.Second {
			t.Errorf("the old configuration was closed after %v, its last login ended after 3s", time.Since(began))
		}
		if old.enter() {
			t.Error("a login was let into a configuration that is closed")
		}
		if got := d.use(); got != fresh {
			t.Error("the next login has not got the new configuration")
		}
	})
}
