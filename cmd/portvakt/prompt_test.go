package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// openTerminal returns the two ends of a pseudo-terminal: where a person types
// and reads, and what a program has as its terminal.
func openTerminal(t *testing.T) (person, program *os.File) {
	t.Helper()
	person, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { person.Close() })
	fd := int(person.Fd())
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	program, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { program.Close() })
	return person, program
}

// awaitEcho waits until the terminal echoes, or does not.
func awaitEcho(t *testing.T, terminal *os.File, want bool) {
	t.Helper()
	again := time.NewTicker(time.Millisecond)
	defer again.Stop()
	limit := time.After(waitLimit)
	for {
		state, err := unix.IoctlGetTermios(int(terminal.Fd()), unix.TCGETS)
		if err != nil {
			t.Fatal(err)
		}
		if (state.Lflag&unix.ECHO != 0) == want {
			return
		}
		select {
		case <-again.C:
		case <-limit:
			t.Fatalf("the terminal's echo never became %v", want)
		}
	}
}

func TestAPasswordIsNotShownOnATerminal(t *testing.T) {
	person, program := openTerminal(t)
	type answer struct {
		text string
		err  error
	}
	got := make(chan answer)
	in := newPrompter(program, program)
	for _, test := range []struct {
		echo  bool
		shown string
	}{
		{false, "\r\n"},
		{true, "wonderland\r\n"},
	} {
		go func() {
			text, err := in.ask(t.Context(), "Password:", test.echo)
			got <- answer{text, err}
		}()
		read(t, person, "Password: ")
		awaitEcho(t, program, test.echo)
		if _, err := io.WriteString(person, "wonderland\n"); err != nil {
			t.Fatal(err)
		}
		if a := <-got; a.err != nil || a.text != "wonderland" {
			t.Errorf("got %q, %v, want what was typed", a.text, a.err)
		}
		awaitEcho(t, program, true)
		read(t, person, test.shown)
	}
}

// read expects what is on the screen next.
func read(t *testing.T, screen io.Reader, want string) {
	t.Helper()
	shown := make([]byte, len(want))
	if _, err := io.ReadFull(screen, shown); err != nil || string(shown) != want {
		t.Errorf("got %q, %v on the screen, want %q", shown, err, want)
	}
}

func TestAnInterruptedPasswordLeavesTheTerminalAsItWas(t *testing.T) {
	_, program := openTerminal(t)
	ctx, interrupt := context.WithCancel(t.Context())
	got := make(chan error)
	go func() {
		_, err := newPrompter(program, io.Discard).ask(ctx, "Password:", false)
		got <- err
	}()
	awaitEcho(t, program, false)
	interrupt()
	if err := <-got; !errors.Is(err, errNoAnswer) || !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want no answer", err)
	}
	awaitEcho(t, program, true)
}

func TestAPipeIsReadLineByLine(t *testing.T) {
	var asked bytes.Buffer
	in := newPrompter(strings.NewReader("wonderland\r\n 123 456 "), &asked)
	for _, test := range []struct{ want, problem string }{
		{"wonderland", ""}, {" 123 456 ", ""}, {"", `no answer to "More?": EOF`},
	} {
		text, err := in.ask(t.Context(), "More?", false)
		if text != test.want || err != nil && err.Error() != test.problem || err == nil && test.problem != "" {
			t.Errorf("got %q, %v, want %q, %s", text, err, test.want, test.problem)
		}
	}
	if want := strings.Repeat("More?\n", 3); asked.String() != want {
		t.Errorf("got %q, want %q", asked.String(), want)
	}
}
