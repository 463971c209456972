package login_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/portvakt/portvakt/login"
	"github.com/portvakt/portvakt/login/logintest"
)

// A telephone rings for most of a minute. What the directory says when she
// presses the key decides, not what it said before.
func TestS24AnAccountThatIsClosedWhileItsTelephoneRings(t *testing.T) {
	staff := []string{staffGroup}
	for _, c := range []struct {
		name      string
		rules     []login.RuleConfig
		meanwhile func(w *logintest.World)
		want      string
	}{
		{"nothing happens", nil, func(*logintest.World) {}, "accept"},
		{"she is disabled", nil, func(w *logintest.World) { w.Directory.Refuse("alice", login.ReasonDisabled) }, "reject account_disabled"},
		{"the directory locks her", nil, func(w *logintest.World) { w.Directory.Refuse("alice", login.ReasonLockedDirectory) }, "reject locked_by_directory"},
		{"she is removed", nil, func(w *logintest.World) { w.Directory.Remove("alice") }, "reject unknown_user"},
		{"her name is given to somebody else", nil, func(w *logintest.World) {
			w.Directory.Add(login.Account{ID: "id-other", Name: "alice"}, "secret")
		}, "reject unknown_user"},
		{"she leaves the group that may sign in", []login.RuleConfig{{Groups: staff}, {SecondFactor: login.SecondDeny}}, func(w *logintest.World) {
			w.Directory.Add(login.Account{ID: "id-alice", Name: "alice"}, "secret")
		}, "reject denied_by_rule"},
		{"she joins one that calls are too little for", []login.RuleConfig{{Groups: []string{"cn=admins,dc=x"}, Factors: []string{"totp"}}, {}}, func(w *logintest.World) {
			w.Directory.Add(login.Account{ID: "id-alice", Name: "alice", Groups: []string{"cn=admins,dc=x"}}, "secret")
		}, "reject method_not_allowed"},
		{"she joins one that a key is too little for", []login.RuleConfig{{Groups: []string{"cn=admins,dc=x"}, Call: login.CallPIN}, {}}, func(w *logintest.World) {
			w.Directory.Add(login.Account{ID: "id-alice", Name: "alice", Groups: []string{"cn=admins,dc=x"}}, "secret")
		}, "reject method_not_allowed"},
		{"the directory stops", nil, func(w *logintest.World) { w.Directory.Stop(context.DeadlineExceeded) }, "error context deadline exceeded"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := logintest.NewWorld(t, c.rules...)
				withCalls(w, logintest.Answer{After: 50 * time.Second})
				waiting, err := w.Flow.Begin(t.Context(), alice(mute))
				if err != nil {
					t.Fatal(err)
				}
				time.Sleep(40 * time.Second)
				c.meanwhile(w)
				if got := outcome(login.Await(t.Context(), waiting, nil)); got != c.want {
					t.Errorf("got %s, want %s", got, c.want)
				}
				if err := w.Close(); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// The Accept has the groups of now: what a device is told depends on them.
func TestAnApprovalAdmitsTheAccountAsItIsNow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := logintest.NewWorld(t)
		withCalls(w, logintest.Answer{After: 50 * time.Second})
		waiting, err := w.Flow.Begin(t.Context(), alice(mute))
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(40 * time.Second)
		w.Directory.Add(login.Account{ID: "id-alice", Name: "alice", Groups: []string{"cn=new,dc=x"}}, "secret")
		s, err := login.Await(t.Context(), waiting, nil)
		a, ok := s.(login.Accept)
		if !ok || len(a.Account().Groups) != 1 || a.Account().Groups[0] != "cn=new,dc=x" {
			t.Errorf("got %+v, %v", s, err)
		}
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	})
}
