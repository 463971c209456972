package login_test

import (
	"regexp"
	"testing"
	"testing/synctest"
	"time"

	"github.com/portvakt/portvakt/login"
	"github.com/portvakt/portvakt/login/logintest"
)

// guarded is a world that answers repeated passwords from memory.
func guarded(t *testing.T, rules ...login.RuleConfig) *logintest.World {
	w := logintest.NewWorld(t, rules...)
	w.RefuseRepeats = true
	w.Flow = w.NewFlow(w.Config)
	return w
}

// A try is one sign-in at a time since the beginning.
type try struct {
	at     time.Duration
	user   string
	secret login.Secret
	via    login.Via
	want   string
	binds  int64 // so far
}

func TestRepeatedPasswordsAreRefusedFromMemory(t *testing.T) {
	const again = "reject refused_a_moment_ago"
	guess, right := login.Cleartext("guess"), login.Cleartext("secret")
	elsewhere := login.Via{Client: "vpn", Station: "192.0.2.66"}
	otherClient := login.Via{Client: "ssh", Station: vpn.Station}
	deny := login.RuleConfig{Name: "no", Clients: []string{"vpn"}, SecondFactor: "deny"}
	for _, c := range []struct {
		name  string
		rules []login.RuleConfig
		tries []try
	}{
		{"a wrong password is asked about once", nil, []try{
			{0, "alice", guess, vpn, "reject bad_password", 1}, {time.Second, "alice", guess, vpn, again, 1}, {29 * time.Second, "ALICE", guess, vpn, again, 1},
		}},
		{"after a pause it is asked about anew, and the pause grows", nil, []try{
			{0, "alice", guess, vpn, "reject bad_password", 1},
			{30 * time.Second, "alice", guess, vpn, "reject bad_password", 2},
			{89 * time.Second, "alice", guess, vpn, again, 2},
			{90 * time.Second, "alice", guess, vpn, "reject bad_password", 3},
			{209 * time.Second, "alice", guess, vpn, again, 3},
		}},
		{"another password is another matter", nil, []try{
			{0, "alice", guess, vpn, "reject bad_password", 1}, {time.Second, "alice", login.Cleartext("other"), vpn, "reject bad_password", 2}, {2 * time.Second, "bob", guess, vpn, "reject bad_password", 3},
		}},
		{"so is another device or another client", nil, []try{
			{0, "alice", guess, vpn, "reject bad_password", 1}, {time.Second, "alice", guess, elsewhere, "reject bad_password", 2}, {2 * time.Second, "alice", guess, otherClient, "reject bad_password", 3},
		}},
		{"the right password passes at once", []login.RuleConfig{{Users: []string{"alice"}, SecondFactor: "none"}}, []try{
			{0, "alice", guess, vpn, "reject bad_password", 1}, {time.Second, "alice", right, vpn, "accept", 2}, {2 * time.Second, "alice", guess, vpn, again, 2},
		}},
		{"a proof is another one each time", nil, []try{
			{0, "alice", logintest.Proof("guess"), vpn, "reject bad_password", 1}, {time.Second, "alice", logintest.Proof("guess"), vpn, "reject bad_password", 2},
		}},
		{"a name that nobody has is looked for once", nil, []try{
			{0, "nobody", guess, vpn, "reject unknown_user", 1}, {time.Second, "nobody", guess, vpn, again, 1},
		}},
		{"a person may try once more at once, a device may not go on", []login.RuleConfig{deny}, []try{
			{0, "alice", right, vpn, "reject denied_by_rule", 1},
			{2 * time.Second, "alice", right, vpn, "reject denied_by_rule", 2},
			{4 * time.Second, "alice", right, vpn, again, 2},
			{17 * time.Second, "alice", right, vpn, "reject denied_by_rule", 3},
			{46 * time.Second, "alice", right, vpn, again, 3},
		}},
		{"a lock ends when it ends", nil, []try{
			{0, "alice", login.Cleartext("1"), vpn, "reject bad_password", 1},
			{0, "alice", login.Cleartext("2"), vpn, "reject bad_password", 2},
			{0, "alice", login.Cleartext("3"), vpn, "reject bad_password", 3},
			{0, "alice", login.Cleartext("4"), vpn, "reject bad_password", 4},
			{time.Second, "alice", right, vpn, "reject locked", 4},
			{15 * time.Minute, "alice", right, vpn, "ask", 5},
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := guarded(t, c.rules...)
				began := time.Now()
				for i, try := range c.tries {
					time.Sleep(try.at - time.Since(began))
					got := outcome(w.Begin(t.Context(), login.Attempt{User: try.user, Secret: try.secret, Via: try.via}))
					if got[:min(len(got), len(try.want))] != try.want || w.Directory.Binds.Load() != try.binds {
						t.Fatalf("try %d: got %s with %d binds, want %s with %d", i+1, got, w.Directory.Binds.Load(), try.want, try.binds)
					}
				}
			})
		})
	}
}

// S-05: a telephone with an old password tries all night, and the directory's
// counter hears nearly nothing of it.
func TestS05ASavedPasswordLocksNobodyOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := guarded(t)
		for range 8 * 60 * 6 { // every ten seconds, eight hours long
			_, _ = w.Begin(t.Context(), login.Attempt{User: "alice", Secret: login.Cleartext("old"), Via: vpn})
			time.Sleep(10 * time.Second)
		}
		if got := w.Directory.Binds.Load(); got > 16 {
			t.Errorf("got %d binds, want at most 16", got)
		}
		if e := w.Last(); e.User != "alice" || e.AccountID != "id-alice" {
			t.Errorf("the log does not say who it is: %+v", e)
		}
	})
}

// S-06: a device that tries again after each refused call makes nobody's
// telephone ring all night.
func TestS06ADeviceThatTriesAgainRingsNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := guarded(t)
		calls := withCalls(w, hangUp, hangUp, hangUp, hangUp, hangUp, hangUp)
		for range 60 {
			_, _ = w.Begin(t.Context(), login.Attempt{User: "alice", Secret: login.Cleartext("secret"), Via: mute})
			time.Sleep(time.Second)
		}
		if got := len(calls.Rung()); got > 3 {
			t.Errorf("got %d calls, want at most 3", got)
		}
	})
}

// S-09: a refusal from memory says what any other says; that it comes at the
// same time is the transport's work, which answers all of them alike.
func TestS09ARefusalFromMemorySaysTheSame(t *testing.T) {
	reference := regexp.MustCompile(`\[[0-9A-Z-]+\]$`)
	synctest.Test(t, func(t *testing.T) {
		w := guarded(t, login.RuleConfig{Users: []string{"bob"}, SecondFactor: "deny"})
		texts := map[string]bool{}
		seen := map[string]bool{}
		for _, a := range []login.Attempt{
			{User: "alice", Secret: login.Cleartext("guess"), Via: vpn},
			{User: "nobody", Secret: login.Cleartext("guess"), Via: vpn},
			{User: "bob", Secret: login.Cleartext("hunter2"), Via: vpn},
		} {
			for range 4 {
				s, err := w.Begin(t.Context(), a)
				r, ok := s.(login.Reject)
				if !ok {
					t.Fatalf("got %#v %v", s, err)
				}
				ref := reference.FindString(r.Text)
				if ref == "" || seen[ref] {
					t.Errorf("got %q, want a reference of its own", r.Text)
				}
				seen[ref] = true
				texts[reference.ReplaceAllString(r.Text, "")] = true
				time.Sleep(2 * time.Second)
			}
		}
		if len(texts) != 1 {
			t.Errorf("got %d texts, want one", len(texts))
		}
	})
}

func TestAReloadForgetsNoRefusal(t *testing.T) {
	w := guarded(t)
	a := login.Attempt{User: "alice", Secret: login.Cleartext("guess"), Via: vpn}
	_, _ = w.Begin(t.Context(), a)
	w.Flow = w.With(w.Config)
	if got := outcome(w.Begin(t.Context(), a)); got != "reject refused_a_moment_ago" {
		t.Errorf("got %s", got)
	}
}
