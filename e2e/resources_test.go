package e2e_test

import (
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"testing"
	"time"

	"github.com/portvakt/portvakt/e2e/peer"
	"github.com/portvakt/portvakt/e2e/server"
)

// Without file descriptors the directory cannot be reached; the server lives on
// and recovers.
func TestFileDescriptorsExhausted(t *testing.T) {
	t.Parallel()
	peer.Need(t, "prlimit")
	slapd, d, seed := enrolled(t, peer.SlapdOptions{}, server.Config{})
	ask(t, d, "alice")
	open, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", d.Pid()))
	if err != nil {
		t.Fatal(err)
	}
	limit := func(n int) {
		t.Helper()
		if out, err := exec.CommandContext(t.Context(), "prlimit", "--pid", strconv.Itoa(d.Pid()),
			fmt.Sprintf("--nofile=%d:4096", n)).CombinedOutput(); err != nil {
			t.Fatalf("prlimit: %v\n%s", err, out)
		}
	}
	limit(3) // less than are open already
	slapd.Stop()
	slapd.Start(t) // the connections that were open are gone

	c := d.Client()
	c.Timeout = 3 * time.Second
	if result, _, err := server.Walk(t, c, "alice", peer.UserPassword, seed.Code(t)); err == nil {
		t.Fatalf("a decision without a directory: accepted %v", result.Accepted)
	}
	for range 5 {
		if !d.Alive(t, time.Second) {
			t.Error("no answer to Status-Server")
		}
	}
	d.AwaitLog(t, "too many open files")
	limit(max(64, 4*len(open)))
	d.Await(t, "a sign-in when there are descriptors again", func() bool {
		c := d.Client()
		c.Timeout = time.Second
		result, _, err := server.Walk(t, c, "alice", peer.UserPassword, seed.Code(t))
		return err == nil && result.Accepted
	})
}

// The threads of the daemon let their timers be late (docs/decisions, 10): the
// runtime's own would else wake 20,000 times a second under load.
func TestTheDaemonAllowsSlack(t *testing.T) {
	t.Parallel()
	_, d, _ := enrolled(t, peer.SlapdOptions{}, server.Config{})
	threads, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", d.Pid()))
	if err != nil {
		t.Fatal(err)
	}
	for _, thread := range threads {
		slack, err := os.ReadFile(fmt.Sprintf("/proc/%s/timerslack_ns", thread.Name()))
		if err == nil && string(slack) != "500000\n" { // a thread may have ended
			t.Errorf("a thread has %s ns", slack)
		}
	}
}
