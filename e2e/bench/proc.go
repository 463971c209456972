package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// watched is a process whose processor time and size are measured.
type watched struct {
	name string
	pid  int
}

// clockTick is the unit of /proc/PID/stat: USER_HZ, 100 a second on every
// architecture that Go knows.
const clockTick = 10 * time.Millisecond

// Fields of /proc/PID/stat behind the command's name (proc_pid_stat(5)).
const (
	utimeField = 11
	stimeField = 12
)

// processorTime is the user and system time of all threads of a process.
func processorTime(pid int) (time.Duration, error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	// The command's name may hold spaces and parentheses.
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	if len(fields) <= stimeField {
		return 0, fmt.Errorf("/proc/%d/stat has %d fields", pid, len(fields))
	}
	user, err := strconv.ParseInt(fields[utimeField], 10, 64)
	if err != nil {
		return 0, err
	}
	system, err := strconv.ParseInt(fields[stimeField], 10, 64)
	return time.Duration(user+system) * clockTick, err
}

// A size is what a process holds in memory, in octets.
type size struct {
	resident int64
	files    int64 // of it pages of mapped files, which the kernel may take back
}

// Fields of /proc/PID/statm, in pages (proc_pid_statm(5)).
const (
	residentField = 1
	sharedField   = 2
)

func sizeOf(pid int) (size, error) {
	statm, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
	if err != nil {
		return size{}, err
	}
	fields := strings.Fields(string(statm))
	if len(fields) <= sharedField {
		return size{}, fmt.Errorf("/proc/%d/statm has %d fields", pid, len(fields))
	}
	resident, err := strconv.ParseInt(fields[residentField], 10, 64)
	if err != nil {
		return size{}, err
	}
	files, err := strconv.ParseInt(fields[sharedField], 10, 64)
	page := int64(os.Getpagesize())
	return size{resident * page, files * page}, err
}

// stopWithin is how long a process may take to end before it is killed.
const stopWithin = 10 * time.Second

// A process is a server under measurement.
type process struct {
	name string
	cmd  *exec.Cmd
	log  *os.File
	exit chan struct{} // closed when it has ended
}

// start runs a program whose output goes to a file.
func start(ctx context.Context, name, logPath, binary string, args ...string) (*process, error) {
	path, err := program(binary)
	if err != nil {
		return nil, err
	}
	log, err := os.OpenFile(logPath, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Stdout, cmd.Stderr = log, log
	if _, err := cmd.StdinPipe(); err != nil { // a leash: it ends with this program
		return nil, errors.Join(err, log.Close())
	}
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = stopWithin
	if err := cmd.Start(); err != nil {
		return nil, errors.Join(err, log.Close())
	}
	p := &process{name: name, cmd: cmd, log: log, exit: make(chan struct{})}
	go func() { // stop waits for it
		_ = cmd.Wait()
		close(p.exit)
	}()
	return p, nil
}

func (p *process) pid() int { return p.cmd.Process.Pid }

// stop ends the process and waits until it has ended.
func (p *process) stop() {
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.exit:
	case <-time.After(stopWithin):
		_ = p.cmd.Process.Kill()
		<-p.exit
	}
	_ = p.log.Close()
}

// ready waits until try succeeds. An error says what the process wrote last.
func (p *process) ready(ctx context.Context, try func() error) error {
	const patience = time.Minute
	deadline := time.Now().Add(patience)
	for {
		err := try()
		if err == nil {
			return nil
		}
		select {
		case <-p.exit:
			return fmt.Errorf("%s ended: %s", p.name, p.lastWords())
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(lookEvery):
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("%s is not ready after %v: %w: %s", p.name, patience, err, p.lastWords())
		}
	}
}

func (p *process) lastWords() string {
	b, _ := os.ReadFile(p.log.Name())
	return lastOf(b)
}

// lastOf is the end of what a program wrote.
func lastOf(output []byte) string {
	const most = 600
	return strings.TrimSpace(string(output[max(0, len(output)-most):]))
}

// program finds a program also where an ordinary user's PATH does not.
func program(name string) (string, error) {
	path, err := exec.LookPath(name)
	if err == nil {
		return path, nil
	}
	for _, folder := range []string{"/usr/sbin", "/usr/local/sbin"} {
		if path, err := exec.LookPath(filepath.Join(folder, name)); err == nil {
			return path, nil
		}
	}
	return "", err
}
