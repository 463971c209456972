package peer

import (
	"bytes"
	"net"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

const (
	readyWithin = 30 * time.Second // a daemon that takes longer does not start
	endsWithin  = 5 * time.Second  // and one that takes longer to end is killed
	pollEvery   = 10 * time.Millisecond
)

// A daemon is a running server of the test's own.
type daemon struct {
	cmd   *exec.Cmd
	log   logBuffer
	ended chan struct{}
}

// startDaemon runs a program until the end of the test and returns when its
// output has the text ready.
func startDaemon(t testing.TB, ready, path string, args ...string) *daemon {
	t.Helper()
	d := &daemon{cmd: exec.Command(path, args...), ended: make(chan struct{})}
	d.cmd.Stdout, d.cmd.Stderr = &d.log, &d.log
	d.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if err := d.cmd.Start(); err != nil {
		t.Fatalf("start %s: %v", path, err)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		_ = d.cmd.Wait()
		close(d.ended)
	})
	t.Cleanup(func() {
		d.end()
		wg.Wait()
		if t.Failed() {
			t.Logf("log of %s:\n%s", path, d.log.String())
		}
	})
	for deadline := time.Now().Add(readyWithin); !strings.Contains(d.log.String(), ready); time.Sleep(pollEvery) {
		select {
		case <-d.ended:
			t.Fatalf("%s ended instead of becoming ready", path)
		default:
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s was not ready within %v", path, readyWithin)
		}
	}
	return d
}

// end asks the daemon to end, and then its whole process group.
func (d *daemon) end() {
	_ = d.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-d.ended:
	case <-time.After(endsWithin):
	}
	_ = syscall.Kill(-d.cmd.Process.Pid, syscall.SIGKILL)
	<-d.ended
}

// A logBuffer can be read while a daemon writes to it.
type logBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

// freeUDP returns an address that was free just now, for daemons that cannot
// choose a port themselves.
func freeUDP(t testing.TB) *net.UDPAddr {
	t.Helper()
	conn, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	return conn.LocalAddr().(*net.UDPAddr)
}

// freeTCP does the same for TCP.
func freeTCP(t testing.TB) *net.TCPAddr {
	t.Helper()
	listener, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().(*net.TCPAddr)
}

func writeFile(t testing.TB, path, text string, mode os.FileMode) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
}
