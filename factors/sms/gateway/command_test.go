package gateway

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// program writes a shell script that has the test's folder as $D.
func program(t testing.TB, script string) (path, dir string) {
	t.Helper()
	dir = t.TempDir()
	path = filepath.Join(dir, "sms")
	if err := os.WriteFile(path, []byte("#!/bin/sh\nD="+dir+"\n"+script), 0o700); err != nil {
		t.Fatal(err)
	}
	return path, dir
}

func TestCommandGetsNumberAsArgumentAndTextOnInput(t *testing.T) {
	t.Setenv("PORTVAKT_TEST_SECRET", markSecret)
	const text = "123456 \"quoted\" $(id) `id` ; æøå ж\n--flag"
	path, dir := program(t, `printf '%s\n' "$@" >$D/args; cat >$D/text; env >$D/env`)
	c, _ := chain(t, Config{Name: "sms", Kind: "command", Command: []string{path, "--to", "{to}", "--coding={coding}", "$(id)"}})
	if err := c.Send(t.Context(), number(t), text); err != nil {
		t.Fatal(err)
	}
	read := func(name string) string {
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	if got, want := read("args"), "--to\n+4741234567\n--coding=2\n$(id)\n"; got != want {
		t.Errorf("arguments %q, want %q", got, want)
	}
	if got := read("text"); got != text {
		t.Errorf("text %q, want %q", got, text)
	}
	if strings.Contains(read("env"), markSecret) {
		t.Error("the program sees the daemon's environment")
	}
}

func TestCommandOutcomes(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ rule, script, want string }{
		{"status 0 is sent", "exit 0", "sent"},
		{"without reading the text too", "exec <&-; exit 0", "sent"},
		{"status 1 is not sent", "exit 1", "not sent"},
		{"what it prints is not looked at", "cat; echo " + markReply + " >&2; exit 3", "not sent"},
		{"without end too", "exec 2>/dev/null; yes | head -c 1000000; exit 0", "sent"},
		{"a signal leaves it open", "kill -9 $$", "unknown"},
		{"a time-out leaves it open", "sleep 60", "unknown"},
	} {
		t.Run(row.rule, func(t *testing.T) {
			t.Parallel()
			path, _ := program(t, row.script)
			c, _ := chain(t, Config{Name: "sms", Kind: "command", Command: []string{path, "{to}"}, Timeout: time.Second})
			_, err := c.links[0].Send(deadline(t, time.Second), number(t), markText)
			if got := outcome(err); got != row.want {
				t.Errorf("%s (%v), want %s", got, err, row.want)
			}
			if err != nil {
				AssertLeaksNothing(t, err.Error())
			}
		})
	}
}

func TestTimeOutEndsTheWholeProcessGroup(t *testing.T) {
	t.Parallel()
	path, dir := program(t, "sleep 300 & echo $! >$D/child.new; mv $D/child.new $D/child; wait")
	c, _ := chain(t, Config{Name: "sms", Kind: "command", Command: []string{path, "{to}"}})
	start := time.Now()
	if got := outcome(c.Send(deadline(t, time.Second), number(t), markText)); got != "unknown" {
		t.Errorf("%s, want unknown", got)
	}
	if took := time.Since(start); took > 10*time.Second {
		t.Errorf("took %v, want about 1s", took)
	}
	b, err := os.ReadFile(filepath.Join(dir, "child"))
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(b)))
	if err != nil {
		t.Fatal(err)
	}
	// A killed process takes a moment to go.
	gone := time.After(10 * time.Second)
	for running(pid) {
		select {
		case <-gone:
			_ = syscall.Kill(pid, syscall.SIGKILL)
			t.Fatal("the program's child lives on")
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// running reports whether a process runs; one that nobody waits for is a
// zombie at most.
func running(pid int) bool {
	b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return false
	}
	_, after, _ := strings.Cut(string(b), ") ")
	return !strings.HasPrefix(after, "Z") && !strings.HasPrefix(after, "X")
}

func TestCheckLooksAtTheProgram(t *testing.T) {
	t.Parallel()
	path, dir := program(t, "exit 0")
	plain := filepath.Join(dir, "plain")
	if err := os.WriteFile(plain, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	command := func(path string) Config {
		return Config{Name: filepath.Base(path), Kind: "command", Command: []string{path, "{to}"}}
	}
	c, _ := chain(t, command(path), command(plain), command(dir), command(dir+"/none"), Config{Name: "log", Kind: "log"})
	for i, want := range []bool{true, false, false, false, true} {
		if st := c.Check(t.Context())[i]; (st.Err == nil) != want {
			t.Errorf("%s: %v, want ok = %v", st.Name, st.Err, want)
		}
	}
}
