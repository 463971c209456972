package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/portvakt/portvakt/e2e/peer"
	"github.com/portvakt/portvakt/radiusd/client"
)

// Bounds of waiting for the daemon; it is slow under the race detector on a
// busy machine.
const (
	startWithin = 30 * time.Second
	stopWithin  = 45 * time.Second
	pollEvery   = 10 * time.Millisecond
)

// A Daemon is a running "portvakt serve".
type Daemon struct {
	*Site

	cmd   *exec.Cmd
	log   peer.Output
	ended chan struct{}
	over  bool // it has been ended on purpose, or was awaited
}

// Start runs the daemon until the end of the test and returns when it answers
// Status-Server. wrap is a program and its arguments to run it under.
func (s *Site) Start(t testing.TB, wrap ...string) *Daemon {
	t.Helper()
	d := s.Launch(t, wrap...)
	d.Await(t, "an answer to Status-Server", func() bool { return d.Alive(t, 200*time.Millisecond) })
	return d
}

// Launch runs the daemon and does not wait until it serves.
func (s *Site) Launch(t testing.TB, wrap ...string) *Daemon {
	t.Helper()
	args := slices.Concat(wrap, []string{Program(), "--config", s.File, "serve"})
	d := &Daemon{Site: s, cmd: exec.Command(args[0], args[1:]...), ended: make(chan struct{})}
	d.cmd.Dir, d.cmd.Stdout, d.cmd.Stderr = s.Dir, &d.log, &d.log
	d.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if err := d.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(d.ended)
		_ = d.cmd.Wait()
	}()
	t.Cleanup(func() {
		if !d.over {
			d.Stop(t)
		}
		if t.Failed() {
			t.Logf("log of portvakt:\n%s", d.Log())
		}
	})
	return d
}

// Alive reports whether the daemon answers Status-Server in time.
func (d *Daemon) Alive(t testing.TB, within time.Duration) bool {
	c := d.Client()
	c.Timeout = within
	_, err := c.Status(context.WithoutCancel(t.Context()))
	return err == nil
}

// Await waits until something is so, and fails the test when the daemon ends
// or it takes too long.
func (d *Daemon) Await(t testing.TB, what string, so func() bool) {
	t.Helper()
	for late := time.After(startWithin); ; {
		if so() {
			return
		}
		select {
		case <-time.After(pollEvery):
		case <-d.ended:
			t.Fatalf("the daemon ended; wanted %s", what)
		case <-late:
			t.Fatalf("no %s after %v", what, startWithin)
		}
	}
}

// AwaitLog waits until the log has a line with all these texts.
func (d *Daemon) AwaitLog(t testing.TB, texts ...string) {
	t.Helper()
	d.AwaitCount(t, 1, texts...)
}

// AwaitCount waits until the log has so many of them at least: it is written a
// moment after what it tells.
func (d *Daemon) AwaitCount(t testing.TB, n int, texts ...string) {
	t.Helper()
	d.Await(t, fmt.Sprintf("%d log lines with %s", n, strings.Join(texts, ", ")), func() bool { return d.Count(texts...) >= n })
}

// Count is the number of log lines so far that have all these texts.
func (d *Daemon) Count(texts ...string) int {
	n := 0
	for line := range strings.Lines(d.Log()) {
		if !slices.ContainsFunc(texts, func(text string) bool { return !strings.Contains(line, text) }) {
			n++
		}
	}
	return n
}

// Log is everything it has printed so far.
func (d *Daemon) Log() string { return d.log.String() }

// Pid is its process.
func (d *Daemon) Pid() int { return d.cmd.Process.Pid }

// Signal sends a signal.
func (d *Daemon) Signal(s syscall.Signal) { _ = syscall.Kill(-d.cmd.Process.Pid, s) }

// Reload makes it read its configuration again, and waits until it has. It
// returns whether the new one is in force.
func (d *Daemon) Reload(t testing.TB) bool {
	t.Helper()
	const good, bad = `"configuration reloaded"`, `"configuration not reloaded`
	goods, bads := d.Count(good), d.Count(bad)
	d.Signal(syscall.SIGHUP)
	d.Await(t, "log line about the reload", func() bool { return d.Count(good) > goods || d.Count(bad) > bads })
	return d.Count(good) > goods
}

// Stop ends it by SIGTERM and checks how it ended and what it has printed.
func (d *Daemon) Stop(t testing.TB) {
	t.Helper()
	d.Signal(syscall.SIGCONT)
	d.Signal(syscall.SIGTERM)
	if code := d.Wait(t); code != 0 {
		t.Errorf("exit code %d, want 0", code)
	}
}

// Wait waits for its end, checks what it has printed and returns the exit code.
func (d *Daemon) Wait(t testing.TB) int {
	t.Helper()
	d.over = true
	select {
	case <-d.ended:
	case <-time.After(stopWithin):
		d.Signal(syscall.SIGQUIT) // prints where every goroutine is
		<-d.ended
		t.Errorf("the daemon did not end within %v", stopWithin)
	}
	d.checkLog(t)
	return d.cmd.ProcessState.ExitCode()
}

// Kill ends it as a power cut does.
func (d *Daemon) Kill(t testing.TB) {
	t.Helper()
	d.over = true
	d.Signal(syscall.SIGKILL)
	<-d.ended
	d.checkLog(t)
}

// checkLog makes sure that the log is one JSON object a line, but for the
// program's last words and what providers of kind "log" would have said, and
// tells of no fault.
func (d *Daemon) checkLog(t testing.TB) {
	t.Helper()
	for line := range strings.Lines(d.Log()) {
		line = strings.TrimRight(line, "\n")
		if strings.HasPrefix(line, "portvakt: error: ") || strings.HasPrefix(line, "portvakt: hint: ") ||
			strings.HasPrefix(line, "call to +") { // what a provider of kind "log" would have said
			continue
		}
		var object map[string]any
		if err := json.Unmarshal([]byte(line), &object); err != nil {
			t.Errorf("a log line is no JSON object: %q", line)
		}
	}
	for _, fault := range []string{"panic", "DATA RACE"} {
		if strings.Contains(d.Log(), fault) {
			t.Errorf("the log speaks of a %s", fault)
		}
	}
}

// Walk signs somebody in: the password, then the answers one by one. It
// returns the questions as well. An error means that there was no decision.
func (d *Daemon) Walk(t testing.TB, user, password string, answers ...string) (client.Result, []string, error) {
	t.Helper()
	return Walk(t, d.Client(), user, password, answers...)
}

var errNoMoreAnswers = errors.New("asked again, and there is nothing more to answer")

// Walk is the same with a client of the test's own.
func Walk(t testing.TB, c *client.Client, user, password string, answers ...string) (client.Result, []string, error) {
	t.Helper()
	var questions []string
	result, err := c.Walk(t.Context(), user, password, func(_ context.Context, prompt string, _ bool) (string, error) {
		questions = append(questions, prompt)
		if len(questions) > len(answers) {
			return "", errNoMoreAnswers
		}
		return answers[len(questions)-1], nil
	})
	return result, questions, err
}

// Admit is Walk for a login that must succeed.
func (d *Daemon) Admit(t testing.TB, user, password string, answers ...string) client.Result {
	t.Helper()
	result, questions, err := d.Walk(t, user, password, answers...)
	if err != nil || !result.Accepted {
		t.Fatalf("%s was not let in (%v): %q %s", user, err, questions, result.Reply.Message())
	}
	return result
}

// Refuse is Walk for a login that must be refused.
func (d *Daemon) Refuse(t testing.TB, user, password string, answers ...string) client.Result {
	t.Helper()
	result, questions, err := d.Walk(t, user, password, answers...)
	switch {
	case err != nil:
		t.Fatalf("%s was not refused but: %v %q", user, err, questions)
	case result.Accepted:
		t.Fatalf("%s was let in", user)
	}
	return result
}
