package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"github.com/portvakt/portvakt/internal/logging"
	"github.com/portvakt/portvakt/login"
)

func TestASessionFollowsASignIn(t *testing.T) {
	var w whose
	w.saw("vpn", "Alice", "A")
	for _, row := range []struct{ client, user, want string }{
		{"vpn", "alice", "A"},
		{"vpn", "ALICE", "A"},
		{"wifi", "alice", ""},
		{"vpn", "alic", ""},
		{"vpna", "lice", ""},
		{"vpn", "", ""},
	} {
		if got := w.of(row.client, row.user); got != row.want {
			t.Errorf("%s at %s: got %q, want %q", row.user, row.client, got, row.want)
		}
	}
}

func TestWhoSignedInLatelyIsRememberedAndBounded(t *testing.T) {
	var w whose
	for n := range 5 * maxWhose {
		w.saw("vpn", fmt.Sprint("user", n), "id")
		if n%1000 == 0 {
			w.of("vpn", "user0") // whose session goes on
		}
	}
	if got := len(w.now) + len(w.old); got > 2*maxWhose {
		t.Errorf("%d are remembered, want at most %d", got, 2*maxWhose)
	}
	if w.of("vpn", "user0") != "id" || w.of("vpn", fmt.Sprint("user", 5*maxWhose-1)) != "id" || w.of("vpn", "user1") != "" {
		t.Error("those asked for and the latest stay, the others go")
	}
}

// What a device tells may be meant for the terminal of whoever reads it (attack:
// log injection).
func TestSessionsAreShownAsTheyAreNot(t *testing.T) {
	evil := "al\x1b[2Jice\u202e\n"
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	l := newSessionLine(&login.Session{User: evil, ID: evil, Station: evil, Client: "vpn", Started: now, Heard: now}, now, time.Hour)
	var out bytes.Buffer
	c := &cobra.Command{}
	c.SetOut(&out)
	if err := l.print(c); err != nil {
		t.Fatal(err)
	}
	if got := out.String(); strings.ContainsAny(got, "\x1b\u202e") || strings.Count(got, "\n") != 1 || !strings.Contains(got, `"al\x1b[2Jice\u202e\n"`) {
		t.Errorf("shown as %q", got)
	}
	out.Reset()
	if err := json.NewEncoder(logging.Escaping(&out)).Encode(l); err != nil {
		t.Fatal(err)
	}
	if got := out.String(); strings.ContainsAny(got, "\x1b\u202e") || strings.Count(got, "\n") != 1 {
		t.Errorf("exported as %q", got)
	}
}

func TestStatesOfSessions(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for want, s := range map[string]login.Session{
		"active": {Heard: now.Add(-59 * time.Minute)},
		"stale":  {Heard: now.Add(-61 * time.Minute)},
		"ended":  {Heard: now, Ended: now},
	} {
		if got := newSessionLine(&s, now, time.Hour).State; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
