package slack

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// TestMain plays a server when it is told to: it allows itself slack and tells
// what its threads have, and what it was started with.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "server" {
		Allow()
		name, _ := os.ReadFile("/proc/self/comm")
		fmt.Println(os.Getpid(), strings.TrimSpace(string(name)), os.Args[2:], os.Environ())
		tasks, _ := os.ReadDir("/proc/self/task")
		for _, task := range tasks {
			ns, err := os.ReadFile(filepath.Join("/proc", task.Name(), "timerslack_ns"))
			if err != nil {
				fmt.Println(err)
			}
			fmt.Print(string(ns))
		}
		return
	}
	os.Exit(m.Run())
}

// server runs this program as a server and returns what it tells: itself, and
// the slack of each of its threads.
func server(t *testing.T, env ...string) (itself string, threads []string) {
	t.Helper()
	cmd := exec.Command(os.Args[0], "server", "--config", "a file")
	cmd.Env = env
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	if len(lines) < 3 {
		t.Fatalf("%d threads looked at, want the runtime's too", len(lines)-1)
	}
	return strings.TrimPrefix(lines[0], strconv.Itoa(cmd.Process.Pid)), lines[1:]
}

func TestAllThreadsOfAServerHaveSlack(t *testing.T) {
	itself, threads := server(t, "A=1", "B=2")
	// The same process, with the same name, arguments and environment.
	if want := fmt.Sprintf(" %.15s [--config a file] [A=1 B=2]", filepath.Base(os.Args[0])); itself != want {
		t.Errorf("got %q, want %q", itself, want)
	}
	if slices.ContainsFunc(threads, func(s string) bool { return s != "500000" }) {
		t.Errorf("threads have %s ns", threads)
	}
}

// What a service manager gives stays.
func TestMoreSlackStays(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	had, err := unix.PrctlRetInt(unix.PR_GET_TIMERSLACK, 0, 0, 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.Prctl(unix.PR_SET_TIMERSLACK, 2_000_000, 0, 0, 0); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = unix.Prctl(unix.PR_SET_TIMERSLACK, uintptr(had), 0, 0, 0) }()
	if _, threads := server(t); slices.ContainsFunc(threads, func(s string) bool { return s != "2000000" }) {
		t.Errorf("threads have %s ns", threads)
	}
}

// A kernel that forgets the slack must not have the program start again for ever.
func TestOnceIsEnough(t *testing.T) {
	itself, threads := server(t, again+"=")
	if strings.Contains(itself, again) {
		t.Errorf("%q would be told to what it starts", itself)
	}
	if slices.Contains(threads, "500000") {
		t.Errorf("threads have %s ns: it was started again", threads)
	}
}
