package login

import "testing"

// Somebody who signs in again at the moment when the last who waited has gone
// must not be told that nobody answered.
func TestAWatchDoesNotEndUnderWhoJustCame(t *testing.T) {
	t.Parallel()
	all := newErrands()
	defer all.cancel()
	e := &errand{errands: all, account: "alice", remote: true}
	all.by["alice"] = e
	e.waiters = []*waiter{{errand: e}}
	if e.conclude(outcome{state: claimLeft, idle: true}) || e.over || all.by["alice"] != e {
		t.Error("it ended although somebody waits")
	}
}
