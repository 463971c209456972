package peer

import (
	"context"
	"fmt"
	"net"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"
)

// GatewayAddress is where a [Computer] finds a gateway in the test's own
// network.
const GatewayAddress = "10.85.0.1"

// ComputerAddress is that of a [Computer].
const ComputerAddress = "10.85.0.2"

// reachesWithin is how long a connection through a tunnel may take.
const reachesWithin = 30 * time.Second

// A Computer is a person's: another network than the test's, with a cable
// between the two.
type Computer struct{ process *process }

// NewComputer makes one until the end of the test, which must be in its
// [OwnNetwork].
func NewComputer(t testing.TB) *Computer {
	t.Helper()
	Need(t, "unshare", "nsenter", "ip", "sleep")
	const ready = "its network is there"
	// unshare becomes the program it runs: its process is the computer's.
	c := &Computer{startUntilSaid(t, ready, "unshare", "--net", "sh", "-c", "echo "+ready+"; exec sleep infinity")}
	pid := strconv.Itoa(c.process.cmd.Process.Pid)
	run(t, "ip", "link", "add", "cable0", "type", "veth", "peer", "name", "cable1", "netns", pid)
	run(t, "ip", "addr", "add", GatewayAddress+"/24", "dev", "cable0")
	run(t, "ip", "link", "set", "cable0", "up")
	for _, args := range [][]string{
		{"ip", "link", "set", "lo", "up"},
		{"ip", "addr", "add", ComputerAddress + "/24", "dev", "cable1"},
		{"ip", "link", "set", "cable1", "up"},
	} {
		inside := c.inside(args[0], args[1:]...)
		run(t, inside[0], inside[1:]...)
	}
	return c
}

// inside is the command that runs a program there.
func (c *Computer) inside(program string, args ...string) []string {
	network := fmt.Sprintf("--net=/proc/%d/ns/net", c.process.cmd.Process.Pid)
	return append([]string{find("nsenter"), network, find(program)}, args...)
}

// Reaches reports whether a connection from there to an address of the test's
// network carries data both ways.
func (c *Computer) Reaches(t testing.TB, address string) bool {
	t.Helper()
	Need(t, "bash")
	return reaches(t, address, func(ctx context.Context, host, port string) string {
		args := c.inside("bash", "-c", sayHello, host, port)
		out, _ := exec.CommandContext(ctx, args[0], args[1:]...).CombinedOutput()
		return string(out)
	})
}

// sayHello is a script of bash that talks to a host and a port, which it has as
// $0 and $1, and prints what is said to it.
const sayHello = `exec 3<>"/dev/tcp/$0/$1" && echo hello >&3 && cat <&3`

// reaches listens at an address and reports whether what sayHello says from
// elsewhere is heard, and its answer there.
func reaches(t testing.TB, address string, hello func(ctx context.Context, host, port string) string) bool {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), reachesWithin)
	defer cancel()
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", net.JoinHostPort(address, "0"))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		said := make([]byte, 64)
		n, _ := conn.Read(said)
		_, _ = conn.Write(append([]byte("heard "), said[:n]...))
	}()
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	out := hello(ctx, address, port)
	if !strings.Contains(out, "heard hello") {
		t.Logf("%s cannot be reached: %s", address, out)
		return false
	}
	return true
}
