// Package peer starts the real programs that tests talk to: slapd, a Samba
// Active Directory controller. Each gets its own folder of the test, ports or
// an address of its own, and ends with the test. Nothing of the machine's own
// configuration is read or changed.
package peer

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Bounds of waiting for peers.
const (
	startWait = 30 * time.Second
	stopWait  = 5 * time.Second
	pollEvery = 10 * time.Millisecond
)

// Need makes sure that programs are installed. On a continuous integration
// machine (CI=true) a missing peer is a failure, elsewhere the test is skipped.
func Need(t testing.TB, programs ...string) {
	t.Helper()
	for _, p := range programs {
		if find(p) != "" {
			continue
		}
		if os.Getenv("CI") == "true" {
			t.Fatalf("%s is not installed: a peer may not be missing when CI=true", p)
		}
		t.Skipf("SKIPPED, NOT TESTED: %s is not installed", p)
	}
}

// NeedRoot is Need for what only root may do.
func NeedRoot(t testing.TB) {
	t.Helper()
	if os.Geteuid() == 0 {
		return
	}
	if os.Getenv("CI") == "true" {
		t.Fatal("this test needs root, and may not be skipped when CI=true")
	}
	t.Skip("SKIPPED, NOT TESTED: needs root")
}

// find looks for a program also where an ordinary user's PATH does not.
func find(program string) string {
	if path, err := exec.LookPath(program); err == nil {
		return path
	}
	for _, folder := range []string{"/usr/sbin", "/sbin", "/usr/local/sbin", "/usr/local/bin"} {
		if path, err := exec.LookPath(filepath.Join(folder, program)); err == nil {
			return path
		}
	}
	return ""
}

// given are the ports that FreePort has returned.
var given sync.Map

// FreePort returns a TCP port of 127.0.0.1 that was free a moment ago, and another
// one each time: the peer that it is for may not have it yet when the next asks.
func FreePort(t testing.TB) int {
	t.Helper()
	for {
		l, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		port := l.Addr().(*net.TCPAddr).Port
		_ = l.Close()
		if _, before := given.LoadOrStore(port, true); !before {
			return port
		}
	}
}

// run runs a program that ends by itself.
func run(t testing.TB, program string, args ...string) string {
	t.Helper()
	out, err := exec.Command(find(program), args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", program, err, out)
	}
	return string(out)
}

// write makes a file of the peer's folder.
func write(t testing.TB, path, content string) string {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// A process is a peer that runs, in a process group of its own.
type process struct {
	cmd  *exec.Cmd
	log  *Output
	done chan struct{}
}

// Output collects what a program prints. The zero value is ready.
type Output struct {
	mu sync.Mutex
	b  bytes.Buffer
}

// Write adds.
func (o *Output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(p)
}

// String is all there is so far.
func (o *Output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}

// start runs a program until stop, or until this program dies.
func start(t testing.TB, log *Output, program string, args ...string) *process {
	t.Helper()
	return launch(t, log, exec.Command(find(program), args...))
}

func launch(t testing.TB, log *Output, cmd *exec.Cmd) *process {
	t.Helper()
	p := &process{cmd: cmd, log: log, done: make(chan struct{})}
	p.cmd.Stdout, p.cmd.Stderr = log, log
	p.cmd.WaitDelay = time.Second
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(p.done)
		_ = p.cmd.Wait()
	}()
	return p
}

// signal sends to the whole group that start made.
func (p *process) signal(s syscall.Signal) { _ = syscall.Kill(-p.cmd.Process.Pid, s) }

// pause stops the group from running, and waits until every thread of the
// program stands: until then they go on with what they have.
func (p *process) pause() {
	p.signal(syscall.SIGSTOP)
	for late := time.Now().Add(stopWait); !p.stands() && time.Now().Before(late); {
		time.Sleep(pollEvery)
	}
}

func (p *process) stands() bool {
	threads, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", p.cmd.Process.Pid))
	for _, thread := range threads {
		// "pid (name) state …", see proc(5); T is stopped.
		stat, _ := os.ReadFile(thread)
		if _, rest, ok := strings.Cut(string(stat), ") "); ok && rest[0] != 'T' {
			return false
		}
	}
	return true
}

// stop ends the group and waits for it.
func (p *process) stop() {
	p.signal(syscall.SIGCONT)
	p.signal(syscall.SIGTERM)
	select {
	case <-p.done:
	case <-time.After(stopWait):
	}
	p.signal(syscall.SIGKILL)
	<-p.done
}

// until waits for ready, and fails the test when the peer ends or is too slow.
func (p *process) until(t testing.TB, what string, ready func() bool) {
	t.Helper()
	for late := time.After(startWait); ; {
		if ready() {
			return
		}
		select {
		case <-time.After(pollEvery):
		case <-p.done:
			t.Fatalf("%s ended:\n%s", what, p.log)
		case <-late:
			t.Fatalf("%s is not ready after %v:\n%s", what, startWait, p.log)
		}
	}
}

// listens reports whether something accepts connections.
func listens(address string) func() bool {
	return func() bool {
		c, err := net.DialTimeout("tcp", address, time.Second)
		if err != nil {
			return false
		}
		_ = c.Close()
		return true
	}
}

func address(host string, port int) string { return net.JoinHostPort(host, strconv.Itoa(port)) }
