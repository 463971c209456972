package login_test

import (
	"fmt"
	"testing"

	"github.com/portvakt/portvakt/login"
	"github.com/portvakt/portvakt/login/logintest"
)

// What is counted in memory goes on across a reload: else whoever guesses begins
// anew with each.
func TestAReloadForgetsNoGuesses(t *testing.T) {
	begin := func(t *testing.T, w *logintest.World, user, password string) string {
		t.Helper()
		return outcome(w.Begin(t.Context(), login.Attempt{User: user, Secret: login.Cleartext(password), Via: vpn}))
	}
	for _, c := range []struct {
		name  string
		guess func(t *testing.T, w *logintest.World) // up to the limit
		after func(t *testing.T, w *logintest.World) string
		want  string
	}{
		{"at a name that nobody may have", func(t *testing.T, w *logintest.World) {
			for range 4 {
				begin(t, w, "alice", "guess")
			}
		}, func(t *testing.T, w *logintest.World) string { return begin(t, w, "alice", "secret") }, "reject locked"},
		{"from one place at many names", func(t *testing.T, w *logintest.World) {
			for i := range 30 {
				begin(t, w, fmt.Sprint("user", i), "guess")
			}
		}, func(t *testing.T, w *logintest.World) string { return begin(t, w, "alice", "secret") }, "reject source_limited"},
		{"in copies", func(t *testing.T, w *logintest.World) {
			if err := w.Rehearse(t.Context(), copied("alice", "guess", login.Via{Shadow: login.ShadowPassword})); err != nil {
				t.Fatal(err)
			}
		}, func(t *testing.T, w *logintest.World) string {
			before := w.Directory.Binds.Load()
			if err := w.Rehearse(t.Context(), copied("alice", "other", login.Via{Shadow: login.ShadowPassword})); err != nil {
				t.Fatal(err)
			}
			return fmt.Sprint(w.Directory.Binds.Load()-before, " tries")
		}, "0 tries"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := logintest.NewWorld(t)
			w.Flow.Directory = names{w.Directory}
			c.guess(t, w)
			reload(t, w)
			if got := c.after(t, w); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}
