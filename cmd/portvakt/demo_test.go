package main

import (
	"strings"
	"sync"
	"testing"
)

// A newcomer types when she is asked to.
type newcomer struct {
	keys  string
	typed chan string

	mu    sync.Mutex
	once  sync.Once
	shown strings.Builder
}

// Write shows her something.
func (n *newcomer) Write(p []byte) (int, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if strings.Contains(string(p), "Type # and Enter to approve") {
		n.once.Do(func() { n.typed <- n.keys })
	}
	return n.shown.Write(p)
}

// Not in parallel: two demonstrations at once look for the same port.
func TestWhoeverTriesTheDemonstrationDecidesTheCall(t *testing.T) {
	for _, row := range []struct{ keys, want, verdict string }{
		{"#", "# is pressed, by RFC 4733", "Access-Accept"},
		{"0#", "0# is pressed, by RFC 4733\n             that reports fraud: her password is refused for 30 s\n", "Access-Reject"},
		{"h", "she has hung up", "Access-Reject"},
	} {
		t.Run(row.keys, func(t *testing.T) {
			t.Setenv("TMPDIR", t.TempDir())
			n := &newcomer{keys: row.keys, typed: make(chan string, 1)}
			if err := runDemo(t.Context(), n, n.typed, true); err != nil {
				t.Fatal(err)
			}
			_, call, _ := strings.Cut(n.shown.String(), "Dagny's telephone rings")
			if !strings.Contains(call, row.want) || !strings.Contains(call, row.verdict) || strings.Contains(call, "Access-Challenge") {
				t.Errorf("want %q and %q in\n%s", row.want, row.verdict, call)
			}
		})
	}
}
