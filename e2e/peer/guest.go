package peer

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

const (
	// guestHost is where a guest finds the test's own network, guestAddress its
	// own, and guestNetwork has both.
	guestHost    = "10.90.0.1"
	guestAddress = "10.90.0.2"
	guestNetwork = "10.90.0.0/24"
	// guestWait is how long a guest may take for one thing on a busy machine.
	guestWait = 60 * time.Second
	// guestEnds is how long it may take to go down.
	guestEnds = 20 * time.Second
)

// A guest is another Linux, which runs as a program (User-Mode Linux), for peers
// that need of the kernel what the machine's own may lack. It sees the machine's
// files and cannot change them, but for those of its folder.
type guest struct {
	folder  string
	process *process
	shell   io.WriteCloser
}

// guestInit is the first program in a guest, with its folder, its modules, and
// the two addresses. Nothing of the machine's configuration is there: /etc is
// empty. What follows on standard input are commands of a shell.
const guestInit = `#!/bin/sh
export PATH=/usr/sbin:/usr/bin:/sbin:/bin
set -e
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mkdir -p /dev/pts
mount -t devpts devpts /dev/pts
mount -t tmpfs tmpfs /etc
mount -t tmpfs tmpfs /run
mount -t hostfs hostfs /mnt -o %[1]s
mkdir -p /run/lock /run/netns /run/modules/lib
ln -s /usr/lib/uml/modules /run/modules/lib/modules
modprobe -d /run/modules -a %[2]s
echo guest > /proc/sys/kernel/hostname
echo '127.0.0.1 localhost guest' > /etc/hosts
ip link set lo up
ip addr add %[3]s/24 dev vec0
ip link set vec0 up
ip route add default via %[4]s
echo 1 > /proc/sys/net/ipv4/ip_forward
set +e
cd /mnt
: > up
exec sh
`

// startGuest boots one with modules of the kernel. It ends with the test, which
// must be in its [OwnNetwork].
func startGuest(t testing.TB, modules ...string) *guest {
	t.Helper()
	Need(t, "linux.uml", "modprobe", "unshare", "ip")
	needTun(t)
	run(t, "ip", "tuntap", "add", "guest0", "mode", "tap")
	run(t, "ip", "addr", "add", guestHost+"/24", "dev", "guest0")
	run(t, "ip", "link", "set", "guest0", "up")
	g := &guest{folder: t.TempDir()}
	first := write(t, filepath.Join(g.folder, "init"), fmt.Sprintf(guestInit, g.folder, strings.Join(modules, " "), guestAddress, guestHost))
	if err := os.Chmod(first, 0o700); err != nil {
		t.Fatal(err)
	}
	// Its memory is a file in /dev/shm, which is small in some containers and does
	// not let files be run in others. Its helpers would outlive it when it is
	// killed, but for a process namespace of its own.
	const boot = `mount -t tmpfs -o exec tmpfs /dev/shm && unset TMPDIR TMP TEMP && exec "$0" "$@"`
	args := slices.Concat(
		[]string{"--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "sh", "-c", boot, find("linux.uml")},
		[]string{"mem=128M", "uml_dir=" + g.folder, "umid=guest", "con=null", "con0=fd:0,fd:1", "quiet"},
		[]string{"root=/dev/root", "rootfstype=hostfs", "rootflags=/", "ro", "init=" + first},
		[]string{"vec0:transport=tap,ifname=guest0,depth=64,gro=0"},
	)
	cmd := exec.Command(find("unshare"), args...)
	var err error
	if g.shell, err = cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	g.process = launch(t, &Output{}, cmd)
	t.Cleanup(func() {
		g.do(t, "echo o > /proc/sysrq-trigger")
		select {
		case <-g.process.done:
		case <-time.After(guestEnds):
		}
		g.process.stop()
		if t.Failed() {
			t.Logf("console of the guest:\n%s", g.process.log)
		}
	})
	g.await(t, "up", func() bool { return g.has("up") })
	return g
}

// do has the guest's shell run a line.
func (g *guest) do(t testing.TB, line string) {
	t.Helper()
	if _, err := io.WriteString(g.shell, line+"\n"); err != nil {
		t.Errorf("the guest takes no commands: %v", err)
	}
}

// path is where the machine has a file of the guest's folder, which is /mnt
// there.
func (g *guest) path(name string) string { return filepath.Join(g.folder, name) }

func (g *guest) has(name string) bool { _, err := os.Stat(g.path(name)); return err == nil }

// read is what a file of the folder has so far; nothing when it is not there.
func (g *guest) read(name string) string {
	b, _ := os.ReadFile(g.path(name))
	return string(b)
}

// await waits for something that the guest does.
func (g *guest) await(t testing.TB, what string, so func() bool) {
	t.Helper()
	for late := time.After(guestWait); !so(); {
		select {
		case <-time.After(pollEvery):
		case <-g.process.done:
			t.Fatalf("the guest ended before it was %s", what)
		case <-late:
			t.Fatalf("the guest is not %s after %v", what, guestWait)
		}
	}
}
