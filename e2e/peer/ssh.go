package peer

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"
	"testing"
)

// SSHServer is OpenSSH's sshd that lets people in by keyboard-interactive and
// a PAM service of the test's own.
type SSHServer struct {
	// Addr is where it listens, host and port.
	Addr string

	process *process
	name    string
}

// SSH starts an sshd that asks the RADIUS server through PAM. The account name
// is made when the machine has none of that name, without password, home and
// key, and removed with the test. It needs root.
func SSH(t testing.TB, radiusAddr, secret, name string) *SSHServer {
	t.Helper()
	Need(t, "sshd", "ssh", "ssh-keygen", "useradd", "userdel")
	NeedRoot(t)
	service := PAM(t, radiusAddr, secret)
	sshAccount(t, name)

	dir, port := t.TempDir(), FreePort(t)
	key := filepath.Join(dir, "host_key")
	run(t, "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key)
	// The directory is the package's own and is made at boot, which a
	// container has not had. Other tests may be using it: it stays.
	if err := os.MkdirAll("/run/sshd", 0o755); err != nil {
		t.Fatal(err)
	}
	// sshd calls its PAM service by the name it was started under.
	program := filepath.Join(dir, service.Name)
	if err := os.Symlink(find("sshd"), program); err != nil {
		t.Fatal(err)
	}
	config := write(t, filepath.Join(dir, "sshd_config"), fmt.Sprintf(sshConfig, port, key, service.Name))
	if exec.CommandContext(t.Context(), program, "-t", "-f", config).Run() != nil {
		// Before OpenSSH 10 the name of the service is not a setting.
		text, _, _ := strings.Cut(sshConfig, "PAMServiceName")
		write(t, config, fmt.Sprintf(text, port, key))
	}
	return &SSHServer{
		Addr:    address("127.0.0.1", port),
		process: startUntilSaid(t, "Server listening on", program, "-D", "-e", "-f", config),
		name:    name,
	}
}

const sshConfig = `
ListenAddress 127.0.0.1
Port %d
HostKey %s
PidFile none
UsePAM yes
AuthenticationMethods keyboard-interactive
KbdInteractiveAuthentication yes
PasswordAuthentication no
PubkeyAuthentication no
PermitRootLogin no
PrintMotd no
PrintLastLog no
StrictModes no
UseDNS no
LogLevel VERBOSE
PAMServiceName %s
`

// Log is what sshd has written so far.
func (s *SSHServer) Log() string { return s.process.log.String() }

// Login logs the account in by ssh and runs "id -un" there. The first prompt
// ends in "Password: ", the following ones are the Reply-Messages of
// challenges; a wrong answer is not asked again.
func (s *SSHServer) Login(t testing.TB, turns ...PAMTurn) PAMOutcome {
	t.Helper()
	host, port, err := net.SplitHostPort(s.Addr)
	if err != nil {
		t.Fatal(err)
	}
	return converse(t, turns, "ssh", "-F", "/dev/null", "-p", port,
		"-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "GlobalKnownHostsFile=/dev/null",
		"-o", "LogLevel=ERROR", "-o", "PreferredAuthentications=keyboard-interactive",
		"-o", "NumberOfPasswordPrompts=1", "-l", s.name, host, "id", "-un")
}

// sshAccount makes an account for the test unless there is one.
func sshAccount(t testing.TB, name string) {
	t.Helper()
	if _, err := user.Lookup(name); err == nil {
		return
	}
	run(t, "useradd", "-M", "-d", "/nonexistent", "-s", "/bin/sh", "-c", "test of portvakt", name)
	t.Cleanup(func() { run(t, "userdel", name) })
}
