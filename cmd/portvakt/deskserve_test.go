package main

import (
	"log/slog"
	"testing"
)

// Without arguments cobra takes those of the process, which are the daemon's
// own and not for the desk to run.
func TestTheDeskRunsNothingThatWasNotAsked(t *testing.T) {
	d := &daemon{log: slog.New(slog.DiscardHandler)}
	d.current.Store(newRunning(&system{}, nil))
	for _, request := range []string{`null`, `[]`, ` null `, `{}`, ``, `"status"`, `[1]`} {
		if b, err := d.desk(t.Context(), 1000, []byte(request)); err == nil {
			t.Errorf("%s: got %s, want a refusal", request, b)
		}
	}
}
