package login

import (
	"fmt"
	"testing"
	"time"
)

// Whoever invents names fills neither memory nor, by that, frees one that is
// locked.
func TestUnverifiedNamesAreBounded(t *testing.T) {
	t.Parallel()
	u, now := newUnverified(), time.Now()
	for range maxPasswordFailures {
		u.wrongPassword("name:alice", now)
	}
	for i := range 2 * maxUnverified {
		u.wrongPassword(fmt.Sprint("name:", i), now)
	}
	if len(u.all) > maxUnverified {
		t.Errorf("%d names, want at most %d", len(u.all), maxUnverified)
	}
	if !u.locked("name:alice", now) {
		t.Error("a locked name was freed by inventing others")
	}
	if u.locked("name:alice", now.Add(passwordWindow)) {
		t.Error("it is locked for ever")
	}
}
