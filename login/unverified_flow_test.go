package login_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/portvakt/portvakt/login"
	"github.com/portvakt/portvakt/login/logintest"
)

// names is a directory that knows of nobody more than the name that was typed.
type names struct{ *logintest.Directory }

func (names) Lookup(_ context.Context, name string, _ time.Duration) (login.Account, error) {
	return login.Account{ID: "name:" + name, Name: name, Unverified: true}, nil
}

// Names that an attacker invents leave no record, and are limited as all others
// are; of who has signed in, failures are kept.
func TestInventedNamesLeaveNoRecord(t *testing.T) {
	t.Parallel()
	w := logintest.NewWorld(t, login.RuleConfig{SecondFactor: login.SecondNone, Users: []string{"alice", "mallory"}})
	w.Flow.Directory = names{w.Directory}
	try := func(user, password string) login.Reason {
		t.Helper()
		step, err := w.Begin(t.Context(), login.Attempt{User: user, Secret: login.Cleartext(password), Via: login.Via{Client: "vpn", Station: "somewhere"}})
		if r, ok := step.(login.Reject); ok {
			return r.Reason
		}
		if _, ok := step.(login.Accept); ok {
			return login.ReasonOK
		}
		t.Fatalf("got %#v, %v", step, err)
		return ""
	}
	recorded := func(user string) bool {
		t.Helper()
		_, err := w.Records.Get(t.Context(), login.GuardKey("name:"+user))
		if err != nil && !errors.Is(err, login.ErrNotFound) {
			t.Fatal(err)
		}
		return err == nil
	}
	tries := 0
	for ; try("mallory", "guess") == login.ReasonBadPassword; tries++ {
	}
	if tries == 0 || recorded("mallory") {
		t.Errorf("after %d tries: recorded %v", tries, recorded("mallory"))
	}
	if got := try("mallory", "guess"); got != login.ReasonLocked {
		t.Errorf("after %d tries: %s, want locked", tries, got)
	}
	// What was typed may be a password.
	if e := w.Last(); e.AccountID != "" || e.User == "mallory" {
		t.Errorf("the log has %q, %q", e.AccountID, e.User)
	}
	if got := try("alice", "guess"); got != login.ReasonBadPassword || recorded("alice") {
		t.Errorf("alice before her first sign-in: %s, recorded %v", got, recorded("alice"))
	}
	if got := try("alice", "secret"); got != login.ReasonOK || !recorded("alice") {
		t.Errorf("her first sign-in: %s, recorded %v", got, recorded("alice"))
	}
	if e := w.Last(); e.AccountID != "name:alice" || e.User != "alice" {
		t.Errorf("of a sign-in, the log has %q, %q", e.AccountID, e.User)
	}
	known := 0
	for ; try("alice", "guess") == login.ReasonBadPassword; known++ {
	}
	if known != tries {
		t.Errorf("%d tries at somebody who has signed in, %d at somebody invented", known, tries)
	}
}
