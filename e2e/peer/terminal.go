package peer

import (
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"
)

const (
	// promptWithin is how long a program may take for the next it shows: longer
	// than a held sign-in.
	promptWithin = 60 * time.Second
	// beforeTyping is how long a person needs to see a prompt. Programs throw
	// away what was typed before it.
	beforeTyping = 300 * time.Millisecond
)

// A Terminal is where a program runs that asks and goes on running.
type Terminal struct {
	process *process
	keys    io.WriteCloser
	dealt   int // so much of the screen was dealt with
}

// onTerminal runs a program on a terminal of its own until the end of the test,
// or Close.
func onTerminal(t testing.TB, program string, args ...string) *Terminal {
	t.Helper()
	Need(t, "script", "setpriv", program)
	// script has the program lead another session: what it must not outlive is
	// script.
	line := []string{"exec", find("setpriv"), "--pdeathsig", "KILL"}
	for _, arg := range append([]string{find(program)}, args...) {
		line = append(line, "'"+strings.ReplaceAll(arg, "'", `'\''`)+"'")
	}
	cmd := exec.Command(find("script"), "--quiet", "--flush", "--return", "--command", strings.Join(line, " "), "/dev/null")
	keys, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	x := &Terminal{process: launch(t, &Output{}, cmd), keys: keys}
	t.Cleanup(func() {
		x.Close()
		if t.Failed() {
			t.Logf("screen of %s:\n%s", program, x.Screen())
		}
	})
	return x
}

// Screen is all that was shown.
func (x *Terminal) Screen() string { return x.process.log.String() }

// Close ends the program, as a person does.
func (x *Terminal) Close() {
	const interrupt = "\x03"
	_, _ = io.WriteString(x.keys, interrupt) // or it has ended
	select {
	case <-x.process.done:
	case <-time.After(stopWait):
	}
	x.process.stop()
	_ = x.keys.Close()
}

// Await waits until one of the texts is shown, behind what was awaited before,
// and returns it. The test is over when the program ends without one.
func (x *Terminal) Await(t testing.TB, texts ...string) string {
	t.Helper()
	for late := time.After(promptWithin); ; {
		ended := false
		select {
		case <-x.process.done:
			ended = true
		default:
		}
		screen := x.Screen()[x.dealt:]
		if i := slices.IndexFunc(texts, func(text string) bool { return strings.Contains(screen, text) }); i >= 0 {
			x.dealt += strings.Index(screen, texts[i]) + len(texts[i])
			return texts[i]
		}
		if ended {
			t.Fatalf("the program ended and showed none of %q; the screen:\n%s", texts, x.Screen())
		}
		select {
		case <-time.After(pollEvery):
		case <-late:
			t.Fatalf("none of %q was shown; the screen:\n%s", texts, x.Screen())
		}
	}
}

// Answer types a line when the prompt is shown.
func (x *Terminal) Answer(t testing.TB, prompt, line string) {
	t.Helper()
	x.Await(t, prompt)
	<-time.After(beforeTyping)
	if _, err := io.WriteString(x.keys, line+"\n"); err != nil {
		t.Fatal(err)
	}
}
