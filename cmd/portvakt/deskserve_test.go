package main

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"

	"github.com/portvakt/portvakt/login"
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

// A fault in a command at the desk costs that command, not everybody's logins.
func TestTheDaemonOutlivesAFaultAtTheDesk(t *testing.T) {
	var log bytes.Buffer
	d := &daemon{log: slog.New(slog.NewJSONHandler(&log, nil))}
	d.current.Store(newRunning(&system{}, nil)) // no directory and no store: nobody can be looked up
	b, err := d.desk(t.Context(), 1000, []byte(`["user", "show", "alice"]`))
	if err == nil || !strings.Contains(err.Error(), "log") {
		t.Errorf("got %s, %v, want an error that names the log", b, err)
	}
	for _, want := range []string{`"level":"ERROR"`, "nil pointer", `"` + login.KeyStack + `"`} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("the log has no %s: %s", want, &log)
		}
	}
	if !d.current.Load().use.TryLock() {
		t.Error("the configuration is still in use")
	}
}
